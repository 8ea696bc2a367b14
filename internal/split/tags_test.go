package split_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/split"
)

func TestUpdateTags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, current, set, result string }{
		{"move", "LATEST=100 hello-00001-abc@old", "old=LATEST", "LATEST=100 LATEST@old"},
		{"two and one new", "LATEST=100@live a@old", "zed=b,live=a,abc=LATEST", "LATEST=100 a@old LATEST@abc a@live b@zed"},
		{"empty list", "", "old=a", "LATEST=100 a@old"},
		{"off a share", "LATEST=100@live", "live=LATEST", "LATEST=100 LATEST@live"},
		{"untagged zero goes", "LATEST=100 a=0", "old=b", "LATEST=100 b@old"},
		{"stays where it is", "LATEST=100 a@old b@bee", "old=a", "LATEST=100 a@old b@bee"},
		{"none", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := split.UpdateTags(parse(c.current), revisions(c.set))
			require.NoError(t, err)
			require.Equal(t, c.result, show(got))
			again, err := split.UpdateTags(got, revisions(c.set))
			require.NoError(t, err)
			require.Equal(t, got, again, "a second time")
		})
	}
}

func TestSetTags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ current, set, result string }{
		{"LATEST=100 hello-00002-abc@gone", "live=LATEST,old=hello-00001-abc", "LATEST=100 LATEST@live hello-00001-abc@old"},
		{"LATEST=60@live a=40@old b@bee", "bee=b,live=a", "LATEST=60 a=40 b@bee a@live"},
		{"LATEST=100@live a@old", "", "LATEST=100"},
		{"", "", "LATEST=100"},
	} {
		got, err := split.SetTags(parse(c.current), revisions(c.set))
		require.NoError(t, err)
		require.Equal(t, c.result, show(got))
	}
}

func TestRemoveAndClearTags(t *testing.T) {
	t.Parallel()
	remove := func(tags ...string) func([]split.Target) []split.Target {
		return func(current []split.Target) []split.Target { return split.RemoveTags(current, tags) }
	}
	for _, c := range []struct {
		name, current string
		edit          func([]split.Target) []split.Target
		result        string
	}{
		{"unknown is ignored", "LATEST=100@live a@old", remove("nope", "old"), "LATEST=100@live"},
		{"share stays", "LATEST=60@live a=40@old", remove("old"), "LATEST=60@live a=40"},
		{"none", "LATEST=100@live a=0", remove(), "LATEST=100@live a=0"},
		{"clear", "LATEST=100 hello-00001-abc@old hello-00002-abc@b", split.ClearTags, "LATEST=100"},
		{"clear an empty list", "", split.ClearTags, "LATEST=100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := c.edit(parse(c.current))
			require.Equal(t, c.result, show(got))
			require.Equal(t, got, c.edit(got), "a second time")
		})
	}
}

func TestTagNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, current, tag, revision, result string }{
		{"create", "", "blue", "hello-00001-wix", "LATEST=100 hello-00001-wix@blue"},
		{"existing", "LATEST=100", "candidate", "hello-00004-por", "LATEST=100 hello-00004-por@candidate"},
		{"moves", "LATEST=100 hello-00001-abc@old", "old", "hello-00004-tep", "LATEST=100 hello-00004-tep@old"},
		{"from latest", "LATEST=100@live", "live", "hello-00004-fex", "LATEST=100 hello-00004-fex@live"},
		{"named template", "LATEST=100", "x", "hello-v1", "LATEST=100 hello-v1@x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := split.TagNew(parse(c.current), c.tag, c.revision)
			require.NoError(t, err)
			require.Equal(t, c.result, show(got))
		})
	}
}

// As in "deploy --tag=... --no-traffic" and "update-traffic --set-tags=... --to-tags=...".
func TestEditsCombine(t *testing.T) {
	t.Parallel()
	kept, err := split.NoTraffic(parse("LATEST=100"), "hello-00003-xyz")
	require.NoError(t, err)
	got, err := split.TagNew(kept, "preview", "hello-00004-veh")
	require.NoError(t, err)
	require.Equal(t, "hello-00003-xyz=100 hello-00004-veh@preview", show(got))

	tagged, err := split.SetTags(parse("LATEST=100 a@old"), revisions("new=b"))
	require.NoError(t, err)
	got, err = split.ToTags(tagged, percents("new=40"))
	require.NoError(t, err)
	require.Equal(t, "b=40 LATEST=60 b@new", show(got))

	got, err = split.Shift(split.ClearTags(parse("LATEST=100@live")), percents("a=5"))
	require.NoError(t, err)
	require.Equal(t, "a=5 LATEST=95", show(got))

	got, err = split.UpdateTags(split.RemoveTags(parse("LATEST=100@live a@old"), []string{"live", "old"}), revisions("live=a"))
	require.NoError(t, err)
	require.Equal(t, "LATEST=100 a@live", show(got))
}

func TestTagsAreChecked(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"a", "x1", "pr-123", "a--b", strings.Repeat("a", 63)} {
		require.NoError(t, split.CheckTag(tag, split.Host{}), "%q", tag)
	}
	for _, tag := range []string{"", "-a", "a-", "1a", "Old", "a_b", "a.b", "a b", "ä", "a/b", "a\n", strings.Repeat("a", 64)} {
		var problem *split.Error
		require.ErrorAs(t, split.CheckTag(tag, split.Host{}), &problem, "%q", tag)
		require.Equal(t, split.FieldTag, problem.Field)
		_, err := split.TagNew(nil, tag, "a")
		require.ErrorAs(t, err, &problem, "%q", tag)
		_, err = split.SetTags(nil, map[string]string{tag: "a"})
		require.ErrorAs(t, err, &problem, "%q", tag)
	}
	require.NoError(t, split.CheckTag(strings.Repeat("a", 41), split.Host{Service: "hello"}))
	require.EqualError(t, split.CheckTag("stage3-staging-2401-7110f23", split.Host{Service: "policyengine-api-staging"}),
		`tag "stage3-staging-2401-7110f23" is too long for service policyengine-api-staging: `+
			`together they have 51 characters, at most 46 are allowed`)
	_, err := split.TagNew(nil, "x", "")
	require.EqualError(t, err, "revision is empty: name a revision or LATEST")
}

func TestArgumentsAreNotModified(t *testing.T) {
	t.Parallel()
	current := parse("b=60@bee a=40@ann LATEST@live")
	before := slices.Clone(current)
	want, set := percents("n=10"), revisions("bee=a,live=LATEST")

	for range 2 {
		_, err := split.Shift(current, want)
		require.NoError(t, err)
		_, err = split.UpdateTags(current, set)
		require.NoError(t, err)
		_, err = split.NoTraffic(current, "a")
		require.NoError(t, err)
		split.ClearTags(current)[0].Percent = 1
		split.ToLatest(current)[0].Percent = 1
		split.RemoveTags(current, nil)[0].Percent = 1
	}
	require.Equal(t, before, current)
	require.Equal(t, want, percents("n=10"))
	require.Equal(t, set, revisions("bee=a,live=LATEST"))
}
