package traffic_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// onService returns a Service with traffic and the state of a rollout. Its
// newest Revision is c.
func onService(t *testing.T, state *traffic.Rollout, now ...servingv1.TrafficTarget) *servingv1.Service {
	t.Helper()
	s := service("c", now, nil)
	s.Status.LatestCreatedRevisionName = "c"
	if state != nil {
		text, err := json.Marshal(state)
		require.NoError(t, err)
		s.Annotations = map[string]string{traffic.RolloutAnnotation: string(text)}
	}
	return s
}

func wanted(s *servingv1.Service) string {
	s = s.DeepCopy()
	s.Status.LatestReadyRevisionName = ""
	return traffic.Wanted(s).String()
}

// The spelling of the state must not change: other versions of this library read it.
func TestReadRollout(t *testing.T) {
	t.Parallel()
	const good = `{"id":"1","revision":"c","percent":5,"tag":"t","moved":true,"tagFrom":"a","before":{"LATEST":10,"a":90},"latest":true}`
	for _, tc := range []struct {
		name, state string
		want        *traffic.Rollout
		err         string
	}{
		{"none", "", nil, ""},
		{"all fields", good, &traffic.Rollout{
			RunID: "1", Revision: "c", Percent: 5, Tag: "t", Moved: true, TagFrom: "a",
			Previous: traffic.Split{"a": 90, split.Latest: 10}, Latest: true,
		}, ""},
		{"not JSON", "{", nil, "unexpected end"},
		{"another type", `{"revision":5}`, nil, "cannot unmarshal"},
		{"an empty object", `{}`, nil, "0 % in all before"},
		{"a share too large", `{"revision":"c","percent":101,"before":{"a":100}}`, nil, "101 % for the candidate"},
		{"a share too small", `{"revision":"c","percent":-1,"before":{"a":100}}`, nil, "-1 % for the candidate"},
		{"a previous split of too little", `{"revision":"c","before":{"a":99}}`, nil, "99 % in all before"},
		{"a previous share too large", `{"revision":"c","before":{"a":101}}`, nil, `101 % for revision "a" before`},
		{"a previous share too small", `{"revision":"c","before":{"a":100,"b":0}}`, nil, `0 % for revision "b" before`},
		{"a previous share of nobody", `{"revision":"c","before":{" ":100}}`, nil, `100 % for revision " " before`},
		{"a tag from nobody", `{"revision":"c","before":{"a":100},"tagFrom":"-"}`, nil, `a tag from revision "-"`},
		{"no candidate", `{"before":{"a":100}}`, nil, "revision name is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := service("c", nil, nil)
			s.Annotations = map[string]string{traffic.RolloutAnnotation: tc.state}
			got, err := traffic.ReadRollout(s)
			require.Equal(t, tc.want, got)
			if tc.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, "cannot be read: remove it, and set the traffic as it should be: ")
				require.ErrorContains(t, err, tc.err)
			}
			if tc.want != nil {
				text, err := json.Marshal(tc.want)
				require.NoError(t, err)
				require.Equal(t, good, string(text))
			}
		})
	}
}

func TestBeginRollout(t *testing.T) {
	t.Parallel()
	onlyA := traffic.Split{"a": 100}
	for _, tc := range []struct {
		name          string
		now           targets
		revision, tag string
		want          traffic.Rollout
		done          bool
	}{
		{"from nothing", targets{target("a", "", 100)}, "b", "t", traffic.Rollout{Revision: "b", Tag: "t", Moved: true, Previous: onlyA}, false},
		{"with its own tag", targets{target("a", "", 100), target("b", "t", 0)}, "b", "t", traffic.Rollout{Revision: "b", Tag: "t", Previous: onlyA}, false},
		{"with the tag of another", targets{target("a", "t", 100)}, "b", "t", traffic.Rollout{Revision: "b", Tag: "t", Moved: true, TagFrom: "a", Previous: onlyA}, false},
		{"with the tag of LATEST", targets{target("a", "", 100), latestWithTag("t")}, "b", "t", traffic.Rollout{Revision: "b", Tag: "t", Moved: true, TagFrom: split.Latest, Previous: onlyA}, false},
		{"from a share", targets{target("a", "", 90), target("b", "t", 10)}, "b", "t", traffic.Rollout{Revision: "b", Tag: "t", Percent: 10, Previous: traffic.Split{"a": 90, "b": 10}}, false},
		{"from LATEST's share", targets{target("a", "", 90), traffic.LatestTarget(10), target("c", "t", 0)}, "c", "t", traffic.Rollout{
			Revision: "c", Tag: "t", Percent: 10, Previous: traffic.Split{"a": 90, split.Latest: 10}, Latest: true,
		}, false},
		{"with everything", targets{target("b", "t", 100)}, "b", "t", traffic.Rollout{Revision: "b", Tag: "t", Percent: 100, Previous: traffic.Split{"b": 100}}, true},
		{"with everything as LATEST", nil, "c", "t", traffic.Rollout{Revision: "c", Tag: "t", Moved: true, Percent: 100, Previous: traffic.Split{split.Latest: 100}, Latest: true}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := tc.want
			want.RunID = "run"
			got := traffic.BeginRollout(onService(t, nil, tc.now...), "run", tc.revision, tc.tag)
			require.Equal(t, want, got)
			require.Equal(t, tc.done, got.Done())
		})
	}
}

func TestResumeRollout(t *testing.T) {
	t.Parallel()
	recorded := traffic.Rollout{RunID: "1", Revision: "b", Tag: "t", Percent: 5, Previous: traffic.Split{"a": 100}}
	s := onService(t, &recorded, target("a", "", 95), target("b", "", 5), target("b", "t", 0))
	got := traffic.ResumeRollout(s, "2", &recorded)
	require.Equal(t, traffic.Rollout{RunID: "2", Revision: "b", Tag: "t", Percent: 5, Previous: traffic.Split{"a": 100}}, got)
	require.Equal(t, "1", recorded.RunID)

	s = onService(t, &recorded, target("a", "t", 95), target("b", "", 5))
	got = traffic.ResumeRollout(s, "2", &recorded)
	require.True(t, got.Moved, "the tag was moved since, and goes there again in the end")
	require.Equal(t, "a", got.TagFrom)
}

func TestPutAndFinish(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		now        targets
		revision   string
		percent    int64
		put        string
		back, done string // after the return, and with all traffic to the candidate
	}{
		{"a new tag", targets{target("a", "", 100)}, "b", 5, "a=95,b=5 (tags: t=b)", "a=100", "b=100"},
		{"a tag moved", targets{target("a", "t", 100)}, "b", 5, "a=95,b=5 (tags: t=b)", "a=100 (tags: t=a)", "b=100 (tags: t=a)"},
		{"its own tag", targets{target("a", "", 100), target("b", "t", 0)}, "b", 5, "a=95,b=5 (tags: t=b)", "a=100 (tags: t=b)", "b=100 (tags: t=b)"},
		{"several others", targets{target("a", "", 60), target("d", "", 40)}, "b", 50, "b=50,a=30,d=20 (tags: t=b)", "a=60,d=40", "b=100"},
		{"LATEST of another Revision", nil, "b", 5, "LATEST=95,b=5 (tags: t=b)", "LATEST=100", "b=100"},
		{"LATEST of the candidate", targets{target("a", "", 90), traffic.LatestTarget(10)}, "c", 50, "a=50,c=50 (tags: t=c)", "a=90,LATEST=10", "c=100"},
		{"no traffic yet", targets{target("a", "", 100)}, "b", 0, "a=100 (tags: t=b)", "a=100", "b=100"},
		{"everything", targets{target("a", "", 100)}, "b", 100, "b=100 (tags: t=b)", "a=100", "b=100"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := onService(t, nil, tc.now...)
			state := traffic.BeginRollout(s, "run", tc.revision, "t").At(tc.percent)
			require.NoError(t, state.Put(s))
			require.Equal(t, tc.put, wanted(s))
			recorded, err := traffic.ReadRollout(s)
			require.NoError(t, err)
			require.Equal(t, state, *recorded)
			require.True(t, recorded.InForce(s))
			require.True(t, recorded.Tagged(s))

			again := s.DeepCopy()
			require.NoError(t, state.Put(again))
			require.Equal(t, s, again, "putting it again changes nothing")

			done := s.DeepCopy()
			require.NoError(t, recorded.Finish(done, traffic.Split{tc.revision: 100}))
			require.Equal(t, tc.done, wanted(done))
			require.NotContains(t, done.Annotations, traffic.RolloutAnnotation)

			to, pinned := recorded.Return(s)
			require.False(t, pinned)
			require.NoError(t, recorded.Finish(s, to))
			require.Equal(t, tc.back, wanted(s))
			require.NotContains(t, s.Annotations, traffic.RolloutAnnotation)
		})
	}
}

// A tag that another writer moved stays where they put it.
func TestFinishLeavesATagOfOthers(t *testing.T) {
	t.Parallel()
	state := traffic.Rollout{RunID: "1", Revision: "b", Percent: 5, Tag: "t", Moved: true, Previous: traffic.Split{"a": 100}}
	s := onService(t, &state, target("a", "", 95), target("b", "", 5), target("d", "t", 0))
	require.False(t, state.Tagged(s))
	require.NoError(t, state.Finish(s, state.Previous))
	require.Equal(t, "a=100 (tags: t=d)", wanted(s))
}

// LATEST's previous share stays with the candidate if LATEST leads to another Revision now.
func TestReturnOfLatest(t *testing.T) {
	t.Parallel()
	state := traffic.Rollout{RunID: "1", Revision: "c", Percent: 50, Previous: traffic.Split{"a": 90, split.Latest: 10}, Latest: true}
	for _, tc := range []struct {
		name           string
		created, ready string
		to             traffic.Split
		pinned         bool
	}{
		{"the same", "c", "c", state.Previous, false},
		{"another was deployed", "d", "c", traffic.Split{"a": 90, "c": 10}, true},
		{"another is ready", "d", "d", traffic.Split{"a": 90, "c": 10}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := onService(t, &state, target("a", "", 50), target("c", "", 50))
			s.Status.LatestCreatedRevisionName, s.Status.LatestReadyRevisionName = tc.created, tc.ready
			require.Equal(t, !tc.pinned, state.IsNewest(s))
			to, pinned := state.Return(s)
			require.Equal(t, tc.to, to)
			require.Equal(t, tc.pinned, pinned)
		})
	}
}

func TestFenceRollout(t *testing.T) {
	t.Parallel()
	s := onService(t, nil, target("a", "x", 90), target("b", "", 10))
	was := s.DeepCopy()
	require.NoError(t, traffic.FenceRollout(s, "run", "b"))
	require.Equal(t, was.Spec, s.Spec)
	fence, err := traffic.ReadRollout(s)
	require.NoError(t, err)
	require.Equal(t, traffic.Rollout{RunID: "run", Revision: "b", Percent: 10, Previous: traffic.Split{"a": 90, "b": 10}}, *fence)
	require.True(t, fence.InForce(s))
	to, _ := fence.Return(s)
	require.NoError(t, fence.Finish(s, to))
	require.Equal(t, wanted(was), wanted(s))
	require.NotContains(t, s.Annotations, traffic.RolloutAnnotation)
}

func TestInForceAndNeeds(t *testing.T) {
	t.Parallel()
	state := traffic.Rollout{RunID: "1", Revision: "b", Percent: 5, Tag: "t", Moved: true, TagFrom: "d", Previous: traffic.Split{"a": 100}}
	require.True(t, state.InForce(onService(t, &state, target("a", "", 95), target("b", "", 5))))
	require.True(t, state.InForce(onService(t, &state, target("b", "", 5), target("a", "", 90), target("a", "x", 5))), "the form does not matter")
	require.False(t, state.InForce(onService(t, &state, target("a", "", 94), target("b", "", 6))))
	require.False(t, state.InForce(onService(t, &state)))
	for revision, needed := range map[string]bool{"a": true, "b": true, "d": true, "e": false, "": false} {
		require.Equal(t, needed, state.Needs(revision), revision)
	}
	s := onService(t, &state)
	traffic.EndRollout(s)
	require.NotContains(t, s.Annotations, traffic.RolloutAnnotation)
}
