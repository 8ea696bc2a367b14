package split_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/split"
)

// parse parses targets such as "hello-00001-abc=40 LATEST=60@live b@old" and numbers them.
func parse(s string) []split.Target {
	var targets []split.Target
	for i, field := range strings.Fields(s) {
		rest, tag, _ := strings.Cut(field, "@")
		key, percent, _ := strings.Cut(rest, "=")
		t := split.Target{Revision: key, Tag: tag, Ref: i}
		if key == split.Latest {
			t.Revision, t.Latest = "", true
		}
		t.Percent, _ = strconv.ParseInt(percent, 10, 64)
		targets = append(targets, t)
	}
	return targets
}

// show is the inverse of parse.
func show(targets []split.Target) string {
	parts := make([]string, 0, len(targets))
	for _, t := range targets {
		s := key(t)
		if t.Percent != 0 || t.Tag == "" {
			s += fmt.Sprintf("=%d", t.Percent)
		}
		if t.Tag != "" {
			s += "@" + t.Tag
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func key(t split.Target) string {
	if t.Latest {
		return split.Latest
	}
	return t.Revision
}

func refs(targets []split.Target) []int {
	numbers := make([]int, 0, len(targets))
	for _, t := range targets {
		numbers = append(numbers, t.Ref)
	}
	return numbers
}

// percents parses "a=10,LATEST=20".
func percents(s string) map[string]int64 {
	want := make(map[string]int64)
	for _, pair := range strings.Split(s, ",") {
		if key, percent, ok := strings.Cut(pair, "="); ok {
			want[key], _ = strconv.ParseInt(percent, 10, 64)
		}
	}
	return want
}

// revisions parses "old=hello-00001-abc,new=LATEST".
func revisions(s string) map[string]string {
	set := make(map[string]string)
	for _, pair := range strings.Split(s, ",") {
		if tag, revision, ok := strings.Cut(pair, "="); ok {
			set[tag] = revision
		}
	}
	return set
}

func TestToLatest(t *testing.T) {
	t.Parallel()
	for current, want := range map[string]string{
		"":                          "LATEST=100",
		"hello-00002-abc=100":       "LATEST=100",
		"LATEST=100":                "LATEST=100",
		"LATEST=30@live a=70 b@old": "LATEST=100 LATEST@live b@old",
		"a=90":                      "LATEST=100",
	} {
		require.Equal(t, want, show(split.ToLatest(parse(current))), "from %q", current)
	}
}

func TestNoTraffic(t *testing.T) {
	t.Parallel()
	const ready = "hello-00003-xyz"
	for current, want := range map[string]string{
		// What gcloud sends.
		"LATEST=100":                                 "hello-00003-xyz=100",
		"hello-00002-abc=100":                        "hello-00002-abc=100",
		"LATEST=100@live hello-00001-abc@old":        "hello-00003-xyz=100 LATEST@live hello-00001-abc@old",
		"hello-00003-xyz=30 LATEST=20@live a=50@old": "a=50 hello-00003-xyz=50 LATEST@live a@old",
		"b=60@bee a=40":                              "b=60@bee a=40",
		"b=100 LATEST@live":                          "b=100 LATEST@live",
		// gcloud keeps an empty list, so the new revision gets all traffic.
		"": "hello-00003-xyz=100",
	} {
		got, err := split.NoTraffic(parse(current), ready)
		require.NoError(t, err)
		require.Equal(t, want, show(got), "from %q", current)
		again, err := split.NoTraffic(got, ready)
		require.NoError(t, err)
		require.Equal(t, got, again, "a second time from %q", current)
	}
}

func TestNoTrafficNeedsAReadyRevision(t *testing.T) {
	t.Parallel()
	_, err := split.NoTraffic(parse("LATEST=60 a=40"), "")
	require.EqualError(t, err,
		`traffic "a=40,LATEST=60" cannot move off LATEST, because no revision is ready to keep it: deploy one with traffic first`)
	got, err := split.NoTraffic(parse("a=100"), "")
	require.NoError(t, err)
	require.Equal(t, "a=100", show(got))
}

func TestPinned(t *testing.T) {
	t.Parallel()
	for current, want := range map[string]bool{
		"": false, "LATEST=100": false, "a=99 LATEST=1": false, "a=100": true, "a=100 LATEST@live": true, "a=100 LATEST=0": true,
	} {
		require.Equal(t, want, split.Pinned(parse(current)), "%q", current)
	}
}

func TestRefsFollowTheTargets(t *testing.T) {
	t.Parallel()
	current := parse("b=60@bee a=30 a=10@ann LATEST@live c=0")

	got, err := split.Shift(current, percents("n=20,c=10"))
	require.NoError(t, err)
	require.Equal(t, "a=28 b=42 c=10 n=20 b@bee a@ann LATEST@live", show(got))
	require.Equal(t, []int{1, 0, 4, -1, 0, 2, 3}, refs(got))

	got, err = split.Shift(parse("a=20@one b=30 a=20@two b=30"), percents("n=0"))
	require.NoError(t, err)
	require.Equal(t, "a=40 b=60 a@one a@two", show(got))
	require.Equal(t, []int{0, 1, 0, 2}, refs(got), "the first of several")

	got, err = split.UpdateTags(current, revisions("bee=b,live=LATEST,ann=b"))
	require.NoError(t, err)
	require.Equal(t, "b=60 a=30 a=10 LATEST@live b@ann b@bee", show(got))
	require.Equal(t, []int{0, 1, 2, 3, -1, -1}, refs(got))
}

func TestRevisionOfALatestTargetIsIgnored(t *testing.T) {
	t.Parallel()
	got, err := split.Shift([]split.Target{{Revision: "a", Latest: true, Percent: 100}}, percents("a=40"))
	require.NoError(t, err)
	require.Equal(t, "a=40 LATEST=60", show(got))
}

func TestEveryProblemIsAnError(t *testing.T) {
	t.Parallel()
	_, err := split.Shift(nil, map[string]int64{"a": -1, "b": 101, "": 5})
	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, err, &joined)
	require.Len(t, joined.Unwrap(), 3)
	var problem *split.Error
	for _, err := range joined.Unwrap() {
		require.ErrorAs(t, err, &problem)
	}
	require.Equal(t, &split.Error{Field: split.FieldPercent, Value: "b=101", Reason: "is not between 0 and 100"}, problem)
}
