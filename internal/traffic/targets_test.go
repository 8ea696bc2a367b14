package traffic_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"knative.dev/pkg/apis"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

type targets = []servingv1.TrafficTarget

// resolved returns a target of LATEST as a status has it.
func resolved(revision string, percent int64) servingv1.TrafficTarget {
	t := traffic.LatestTarget(percent)
	t.RevisionName = revision
	return t
}

func withURL(t servingv1.TrafficTarget) servingv1.TrafficTarget {
	t.URL = apis.HTTP("example.com")
	return t
}

func TestTargetsAndSet(t *testing.T) {
	t.Parallel()
	s := service("b", targets{withURL(traffic.LatestTarget(70)), target("a", "old", 30)}, nil)
	all := traffic.Targets(s)
	require.Equal(t, []split.Target{
		{Latest: true, Percent: 70, Ref: 0},
		{Revision: "a", Tag: "old", Percent: 30, Ref: 1},
	}, all)

	traffic.Set(s, []split.Target{
		{Revision: "a", Percent: 100, Ref: 0},
		{Latest: true, Tag: "new", Ref: -1},
		{Revision: "c", Ref: -1},
		{Revision: "a", Tag: "old", Ref: 1},
	})
	zero, hundred, latest := int64(0), int64(100), true
	require.Equal(t, targets{
		{RevisionName: "a", Percent: &hundred, URL: apis.HTTP("example.com")},
		{LatestRevision: &latest, Tag: "new"},
		{RevisionName: "c", Percent: &zero},
		{RevisionName: "a", Tag: "old"},
	}, s.Spec.Traffic, "a target that continues another keeps its other fields")
}

func TestResolvedAndPrevious(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name           string
		now            targets
		resolved, back targets // back with c as the latest ready Revision
	}{
		{"none", nil, targets{resolved("b", 100)}, targets{target("b", "", 100)}},
		{"LATEST", targets{traffic.LatestTarget(10), target("a", "", 90)}, targets{resolved("b", 10), target("a", "", 90)}, targets{target("b", "", 10), target("a", "", 90)}},
		{"a tag of LATEST", targets{target("a", "", 100), latestWithTag("next")}, targets{target("a", "", 100), func() servingv1.TrafficTarget {
			x := latestWithTag("next")
			x.RevisionName = "b"
			return x
		}()}, targets{target("a", "", 100), target("b", "next", 0)}},
		{"URLs", targets{withURL(target("a", "t", 100))}, targets{withURL(target("a", "t", 100))}, targets{target("a", "t", 100)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := service("b", tc.now, nil)
			got := traffic.Resolved(s)
			require.Equal(t, tc.resolved, got)
			require.Equal(t, tc.now, s.Spec.Traffic, "the Service is unchanged")
			require.Equal(t, tc.back, traffic.Previous(got, "c"))
			require.True(t, traffic.Same(tc.now, traffic.Previous(got, "b")), "LATEST is LATEST again if it is the same Revision")
			require.Equal(t, tc.resolved, got, "the resolved targets are unchanged")
		})
	}
	require.Empty(t, traffic.Previous(targets{traffic.LatestTarget(100)}, "c")[0].RevisionName, "a LATEST of which nothing is known stays")
}

func TestTagOf(t *testing.T) {
	t.Parallel()
	s := service("b", targets{target("a", "", 100), target("a", "first", 0), target("a", "second", 0), latestWithTag("next")}, nil)
	require.Equal(t, "first", traffic.TagOf(s, "a"))
	require.Empty(t, traffic.TagOf(s, "b"))
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		now  targets
		want traffic.Split
		text string
	}{
		{"none", nil, traffic.Split{split.Latest: 100}, "LATEST=100"},
		{"several of one", targets{target("a", "x", 30), target("a", "", 30), traffic.LatestTarget(40)}, traffic.Split{"a": 60, split.Latest: 40}, "a=60,LATEST=40"},
		{"without shares", targets{target("a", "x", 0)}, traffic.Split{}, "nobody"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := traffic.SplitOf(service("b", tc.now, nil))
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.text, got.String())
			require.True(t, got.Equal(tc.want))
			require.False(t, got.Equal(traffic.Split{"z": 100}))
		})
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	now := targets{target("a", "old", 90), traffic.LatestTarget(10)}
	for _, tc := range []struct {
		name           string
		edit           traffic.Edit
		want           string // in the order of the targets, or the error
		empty, divides bool
	}{
		{"nothing", traffic.Edit{}, "a=90,LATEST=10 (tags: old=a)", true, false},
		{"to latest", traffic.Edit{ToLatest: true}, "LATEST=100 (tags: old=a)", false, true},
		{"shares", traffic.Edit{Shares: map[string]int64{"b": 50}}, "b=50,a=45,LATEST=5 (tags: old=a)", false, true},
		{"shares by tag", traffic.Edit{TagShares: map[string]int64{"old": 40}}, "LATEST=60,a=40 (tags: old=a)", false, true},
		{"a tag before shares", traffic.Edit{Tags: map[string]string{"new": "c"}, TagShares: map[string]int64{"new": 100}}, "c=100 (tags: new=c,old=a)", false, true},
		{"a tag of another name", traffic.Edit{Tags: map[string]string{"new": "c"}, RemoveTags: []string{"old"}}, "a=90,LATEST=10 (tags: new=c)", false, false},
		{"a tag removed", traffic.Edit{RemoveTags: []string{"old", "none"}}, "a=90,LATEST=10", false, false},
		{"other tags", traffic.Edit{ReplaceTags: true, Tags: map[string]string{"new": "c"}}, "a=90,LATEST=10 (tags: new=c)", false, false},
		{"no tags", traffic.Edit{ReplaceTags: true}, "a=90,LATEST=10", false, false},
		{"too much", traffic.Edit{Shares: map[string]int64{"b": 60, "c": 50}}, `percentage "b=60,c=50" adds up to 110`, false, true},
		{"a bad tag", traffic.Edit{Tags: map[string]string{"A": "c"}, ToLatest: true}, `tag "A" is not valid`, false, true},
		{"an unknown tag", traffic.Edit{TagShares: map[string]int64{"none": 1}}, `tag "none" is on no revision`, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.empty, tc.edit.Empty())
			require.Equal(t, tc.divides, tc.edit.Divides())
			s := service("", now, nil)
			edited, err := tc.edit.Apply(traffic.Targets(s))
			if err != nil {
				require.ErrorContains(t, err, tc.want)
				return
			}
			traffic.Set(s, edited)
			require.Equal(t, tc.want, traffic.Wanted(s).String())
		})
	}
}
