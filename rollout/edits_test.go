package rollout

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/history"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// The run IDs of these tests: this call's, that of the call that it continues, and a stranger's.
const (
	mine   = "mine"
	theirs = "theirs"
	other  = "other"
)

// targets reads a split as in "a=95 b=5".
func targets(t *testing.T, text string) []servingv1.TrafficTarget {
	t.Helper()
	var all []servingv1.TrafficTarget
	for _, field := range strings.Fields(text) {
		name, percent, _ := strings.Cut(field, "=")
		var n int64
		require.NoError(t, json.Unmarshal([]byte(percent), &n))
		target := servingv1.TrafficTarget{RevisionName: name, Percent: &n}
		if name == "LATEST" {
			target = traffic.LatestTarget(n)
		}
		all = append(all, target)
	}
	return all
}

// found returns a Service with a split and, unless the run ID is empty, the
// state of a rollout of Revision b from a, with a share.
func found(t *testing.T, now, runID string, percent int64) *servingv1.Service {
	t.Helper()
	s := &servingv1.Service{}
	s.Spec.Traffic = append(targets(t, now), servingv1.TrafficTarget{RevisionName: "b", Tag: "t"})
	s.Generation, s.Status.ObservedGeneration = 7, 7
	s.Status.LatestReadyRevisionName, s.Status.LatestCreatedRevisionName = "b", "b"
	if runID != "" {
		text, err := json.Marshal(stateOf(runID, percent))
		require.NoError(t, err)
		s.Annotations = map[string]string{traffic.RolloutAnnotation: string(text)}
	}
	return s
}

func stateOf(runID string, percent int64) traffic.Rollout {
	return traffic.Rollout{RunID: runID, Revision: "b", Percent: percent, Tag: "t", Previous: traffic.Split{"a": 100}}
}

// left describes a Service after an edit: its split and the rollout on it.
func left(t *testing.T, s *servingv1.Service) string {
	t.Helper()
	recorded, err := traffic.ReadRollout(s)
	require.NoError(t, err)
	text := traffic.SplitOf(s).String()
	if recorded != nil {
		text += " " + recorded.RunID
	}
	return text
}

// spoiled makes the state of a rollout unreadable.
func spoiled(s *servingv1.Service) *servingv1.Service {
	s.Annotations = map[string]string{traffic.RolloutAnnotation: "{"}
	return s
}

func edit(resumed string) edits {
	return edits{cfg: Config{Revision: "b", Tag: "t"}.withDefaults(), runID: mine, resumed: resumed}
}

func TestStartEdit(t *testing.T) {
	t.Parallel()
	b := edit("")
	for name, tc := range map[string]struct {
		edits   edits
		service *servingv1.Service
		want    string // what is left, or the error
		percent int64
		resumed bool
		notes   int
	}{
		"from nothing":                      {b, found(t, "a=100", "", 0), "a=95,b=5 mine", 5, false, 0},
		"from a share":                      {b, found(t, "a=90 b=10", "", 0), "a=75,b=25 mine", 25, false, 0},
		"from the share of a step":          {b, found(t, "a=75 b=25", "", 0), "a=75,b=25 mine", 25, false, 0},
		"where another call was":            {edit(theirs), found(t, "a=75 b=25", theirs, 25), "a=75,b=25 mine", 25, true, 0},
		"where another call was since":      {edit(theirs), found(t, "a=75 b=25", other, 25), "a=75,b=25 mine", 25, true, 0},
		"between two steps":                 {edit(theirs), found(t, "a=90 b=10", theirs, 10), "a=75,b=25 mine", 25, true, 0},
		"what this call wrote already":      {b, found(t, "a=95 b=5", mine, 5), "a=95,b=5 mine", 3, false, 0},
		"what this call wrote, overridden":  {b, found(t, "a=50 b=50", mine, 5), ErrTrafficChanged.Error(), 0, false, 0},
		"what another call ended":           {edit(theirs), found(t, "a=100", "", 0), ErrTrafficChanged.Error(), 0, false, 0},
		"over a rollout that was discarded": {b, found(t, "a=50 b=50", theirs, 5), "b=100 mine", 100, false, 1},
		"of another Revision":               {edits{cfg: Config{Revision: "c"}, runID: mine}, found(t, "a=95 b=5", theirs, 5), ErrUnderWay.Error() + ": b has 5 %", 0, false, 0},
		"of a state that is spoiled":        {b, spoiled(found(t, "a=100", "", 0)), "cannot be read", 0, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was := tc.service.DeepCopy()
			got, err := tc.edits.start(tc.service, step{state: stateOf(mine, 3)})
			if err != nil {
				require.ErrorContains(t, err, tc.want)
				require.Equal(t, was, tc.service)
				return
			}
			require.Equal(t, tc.want, left(t, tc.service))
			require.Equal(t, tc.percent, got.state.Percent)
			require.Equal(t, tc.resumed, got.resumed)
			require.Len(t, got.notes, tc.notes)
		})
	}
}

func TestTagOfACandidate(t *testing.T) {
	t.Parallel()
	s := found(t, "a=100", "", 0)
	require.Equal(t, "t", edits{cfg: Config{Revision: "b"}}.tag(s), "its own")
	require.Equal(t, "candidate", edits{cfg: Config{Revision: "a"}}.tag(s))
	require.Equal(t, "x", edits{cfg: Config{Revision: "b", Tag: "x"}}.tag(s))
}

func TestNextEdit(t *testing.T) {
	t.Parallel()
	untagged := found(t, "a=95 b=5", mine, 5)
	untagged.Spec.Traffic[2].RevisionName = "a"
	for name, tc := range map[string]struct {
		resumed string
		service *servingv1.Service
		want    string
	}{
		"its own":                         {"", found(t, "a=95 b=5", mine, 5), "b=60,a=40 mine"},
		"of the call that it continues":   {theirs, found(t, "a=95 b=5", theirs, 5), "b=60,a=40 mine"},
		"of another call":                 {theirs, found(t, "a=95 b=5", other, 5), ErrTrafficChanged.Error()},
		"that is over":                    {"", found(t, "a=95 b=5", "", 0), ErrTrafficChanged.Error()},
		"whose traffic was changed":       {"", found(t, "a=94 b=6", mine, 5), ErrTrafficChanged.Error()},
		"whose tag was moved":             {"", untagged, `another writer moved tag "t" away from b`},
		"whose state was spoiled":         {"", spoiled(found(t, "a=95 b=5", "", 0)), "cannot be read"},
		"that was written, and not heard": {"", found(t, "b=60 a=40", mine, 60), "b=60,a=40 mine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was := tc.service.DeepCopy()
			got, err := edit(tc.resumed).next(tc.service, step{state: stateOf(mine, 5), notes: []string{"n"}}, 60)
			if err != nil {
				require.ErrorContains(t, err, tc.want)
				require.Equal(t, was, tc.service)
				return
			}
			require.Equal(t, tc.want, left(t, tc.service))
			require.Equal(t, step{state: stateOf(mine, 60), notes: []string{"n"}}, got)
		})
	}
}

func TestFinishEdit(t *testing.T) {
	t.Parallel()
	latest := func(s *servingv1.Service, created string, observed int64) *servingv1.Service {
		s.Status.LatestCreatedRevisionName, s.Status.ObservedGeneration = created, observed
		return s
	}
	for name, tc := range map[string]struct {
		toLatest bool
		service  *servingv1.Service
		last     *ending
		want     string
		notes    int
	}{
		"by its name":                       {false, found(t, "b=100", mine, 100), nil, "b=100", 0},
		"as the latest":                     {true, found(t, "b=100", mine, 100), nil, "LATEST=100", 0},
		"where a later one was deployed":    {true, latest(found(t, "b=100", mine, 100), "c", 7), nil, "b=100", 1},
		"where a later one may be deployed": {true, latest(found(t, "b=100", mine, 100), "b", 6), nil, "b=100", 1},
		"of another call":                   {false, found(t, "b=100", other, 100), nil, ErrTrafficChanged.Error(), 0},
		"that another writer ended":         {false, found(t, "b=100", "", 0), nil, ErrTrafficChanged.Error(), 0},
		"that was written, and not heard":   {false, found(t, "b=100", "", 0), &ending{split: traffic.Split{"b": 100}}, "b=100", 0},
		"that was written, and changed":     {false, found(t, "a=100", "", 0), &ending{split: traffic.Split{"b": 100}}, ErrTrafficChanged.Error(), 0},
		"of a state that is spoiled":        {false, spoiled(found(t, "b=100", "", 0)), nil, "cannot be read", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := edit("")
			e.cfg.ToLatest = tc.toLatest
			was := tc.service.DeepCopy()
			got, err := e.finish(tc.service, tc.last)
			if err != nil {
				require.ErrorContains(t, err, tc.want)
				require.Equal(t, was, tc.service)
				return
			}
			require.Equal(t, tc.want, left(t, tc.service))
			require.Equal(t, tc.want, got.split.String())
			require.Len(t, got.notes, tc.notes)
		})
	}
}

// If LATEST had a share before the rollout, the traffic goes to LATEST at the end, even without ToLatest.
func TestFinishEditOfATrafficThatFollowedLatest(t *testing.T) {
	t.Parallel()
	state := stateOf(mine, 100)
	state.Previous = traffic.Split{"a": 90, "LATEST": 10}
	s := found(t, "b=100", "", 0)
	require.NoError(t, state.Put(s))
	_, err := edit("").finish(s, nil)
	require.NoError(t, err)
	require.Equal(t, "LATEST=100", left(t, s))
}

func TestRestoreEdit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		resumed   string
		service   *servingv1.Service
		confirmed bool
		want      string
		ending    ending
		base      traffic.Split // of the first write; nil for the traffic as it is
		later     int64         // generations since
	}{
		"its own":                             {"", found(t, "a=95 b=5", mine, 5), true, "a=100", ending{split: traffic.Split{"a": 100}}, nil, 0},
		"its own, unconfirmed":                {"", found(t, "a=95 b=5", mine, 5), false, "a=100", ending{split: traffic.Split{"a": 100}}, nil, 0},
		"of the call that it continues":       {theirs, found(t, "a=95 b=5", theirs, 5), true, "a=100", ending{split: traffic.Split{"a": 100}}, nil, 0},
		"that was overridden":                 {"", found(t, "a=50 b=50", mine, 5), true, "a=50,b=50", ending{overridden: true}, nil, 0},
		"that was restored":                   {"", found(t, "a=100", "", 0), true, "a=100", ending{}, nil, 0},
		"that was ended":                      {"", found(t, "b=100", "", 0), true, ErrTrafficChanged.Error(), ending{}, nil, 0},
		"of another call":                     {"", found(t, "a=95 b=5", other, 5), true, ErrTrafficChanged.Error(), ending{}, nil, 0},
		"of another call, unconfirmed":        {"", found(t, "a=95 b=5", other, 5), false, ErrTrafficChanged.Error(), ending{}, nil, 0},
		"whose first write may be late":       {"", found(t, "a=100", "", 0), false, "a=100 mine", ending{fenced: true}, nil, 0},
		"that may have been replaced":         {service: found(t, "a=100", "", 0), want: "a=100 mine", ending: ending{fenced: true, replaced: true}, later: 2},
		"after one write of another":          {service: found(t, "a=100", "", 0), want: "a=100 mine", ending: ending{fenced: true}, later: 1},
		"of traffic that others moved":        {service: found(t, "a=60 b=40", "", 0), want: ErrTrafficChanged.Error(), base: traffic.Split{"a": 90, "b": 10}, later: 2},
		"of traffic that others moved before": {service: found(t, "a=60 b=40", "", 0), want: "a=60,b=40 mine", ending: ending{fenced: true}, base: traffic.Split{"a": 90, "b": 10}, later: 1},
		"beside a rollout that is no more":    {"", found(t, "a=50 b=50", other, 5), false, "a=50,b=50 mine", ending{fenced: true}, nil, 0},
		"of a state that is spoiled":          {"", spoiled(found(t, "a=100", "", 0)), false, "cannot be read", ending{}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was := tc.service.DeepCopy()
			last := step{state: stateOf(mine, 5), base: tc.base, generation: tc.service.Generation - tc.later}
			if last.base == nil {
				last.base = traffic.SplitOf(tc.service)
			}
			got, err := edit(tc.resumed).restore(tc.service, last, tc.confirmed, history.Rejected)
			if err != nil {
				require.ErrorContains(t, err, tc.want)
				require.Equal(t, was, tc.service)
				return
			}
			require.Equal(t, tc.want, left(t, tc.service))
			require.Equal(t, tc.ending, got)
		})
	}
}
