package rollout_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/rollout"
)

const rolloutAnnotation = "cloudrun-go.github.io/rollout"

// staged is a Service whose first Revision has all traffic, and whose second has none.
type staged struct {
	*testing.T
	server   *cloudruntest.Server
	client   *cloudrun.Client
	deployer *cloudrun.Deployer
}

func newStaged(t *testing.T) *staged {
	t.Helper()
	s, c := newServer(t)
	r := &staged{T: t, server: s, client: c, deployer: cloudrun.NewDeployer(c)}
	_, err := r.deployer.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v1"))
	require.NoError(t, err)
	r.candidate("v2")
	s.ResetHistory()
	return r
}

func (r *staged) candidate(suffix string) {
	r.Helper()
	_, err := r.deployer.Deploy(r.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix(suffix), cloudrun.WithNoTraffic())
	require.NoError(r, err)
}

func (r *staged) service() *servingv1.Service {
	r.Helper()
	s, err := r.client.GetService(context.Background(), "hello")
	require.NoError(r, err)
	return s
}

// requireTraffic checks the traffic that the Service requests, and that no rollout is recorded.
func (r *staged) requireTraffic(want string) {
	r.Helper()
	s := r.service()
	require.Equal(r, want, trafficOf(r.T, s.Spec.Traffic))
	require.NotContains(r, s.Annotations, rolloutAnnotation)
}

// splits records the split at each check.
func (r *staged) splits(into *[]string, fail func(rollout.Candidate) error) func(context.Context, rollout.Candidate) error {
	return func(_ context.Context, c rollout.Candidate) error {
		*into = append(*into, trafficOf(r.T, r.service().Status.Traffic))
		if fail == nil {
			return nil
		}
		return fail(c)
	}
}

var errBad = errors.New("too many errors")

func failAt(percent int) func(rollout.Candidate) error {
	return func(c rollout.Candidate) error {
		if c.Percent == percent {
			return errBad
		}
		return nil
	}
}

const (
	onlyV1 = `[{"r":"hello-v1","p":100}]`
	onlyV2 = `[{"r":"hello-v2","p":100}]`
)

func TestRolloutSucceeds(t *testing.T) {
	for name, tc := range map[string]struct {
		how    rollout.Config
		splits []string
		after  string
	}{
		"by default": {rollout.Config{}, []string{
			`[{"r":"hello-v1","p":95},{"r":"hello-v2","p":5},{"r":"hello-v2","t":"candidate"}]`,
			`[{"r":"hello-v1","p":75},{"r":"hello-v2","p":25},{"r":"hello-v2","t":"candidate"}]`,
			`[{"r":"hello-v2","p":100},{"r":"hello-v2","t":"candidate"}]`,
		}, onlyV2},
		"in steps of its own": {rollout.Config{Revision: "hello-v2", Tag: "canary", Steps: []int{0, 60, 100}, Pause: time.Hour}, []string{
			`[{"r":"hello-v1","p":100},{"r":"hello-v2","t":"canary"}]`,
			`[{"r":"hello-v1","p":40},{"r":"hello-v2","p":60},{"r":"hello-v2","t":"canary"}]`,
			`[{"r":"hello-v2","p":100},{"r":"hello-v2","t":"canary"}]`,
		}, onlyV2},
		"to latest": {rollout.Config{Steps: []int{100}, ToLatest: true}, []string{`[{"r":"hello-v2","p":100},{"r":"hello-v2","t":"candidate"}]`}, `[{"r":"LATEST","p":100}]`},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				var splits []string
				tc.how.Check = r.splits(&splits, nil)
				start := time.Now()
				result, err := rollout.Run(t.Context(), r.deployer, "hello", tc.how)
				require.NoError(t, err)
				require.Equal(t, tc.splits, splits)
				require.GreaterOrEqual(t, time.Since(start), tc.how.Pause*time.Duration(len(tc.splits)))
				r.requireTraffic(tc.after)
				require.False(t, result.Restored)
				require.False(t, result.Resumed)
				require.Equal(t, rollout.Split{"hello-v1": 100}, result.PreviousSplit)
				require.Equal(t, 100, result.Candidate.Percent)
				require.Equal(t, "hello-v2", result.Candidate.Revision)
				require.Contains(t, result.Candidate.TagURL, result.Candidate.Tag+"---")
				require.Len(t, r.server.History(), len(tc.splits)+1, "a write a step, and one for the end")
				require.Empty(t, result.Warnings)
			})
		})
	}
}

func TestRolloutGoesBack(t *testing.T) {
	for name, tc := range map[string]struct {
		how     rollout.Config
		disturb func(r *staged, cancel context.CancelFunc)
		fail    func(rollout.Candidate) error
		opts    []cloudrun.CallOption
		stage   cloudrun.Stage
		percent int
		is      error
	}{
		"when the first check fails": {fail: failAt(5), stage: cloudrun.StageCheck, percent: 5, is: errBad},
		"when a later check fails":   {fail: failAt(25), stage: cloudrun.StageCheck, percent: 25, is: errBad},
		"when the last check fails":  {fail: failAt(100), stage: cloudrun.StageCheck, percent: 100, is: errBad},
		"when cancelled in a pause":  {how: rollout.Config{Pause: time.Hour}, disturb: cancelAfter(90 * time.Minute), stage: cloudrun.StageCheck, percent: 25, is: context.Canceled},
		"when the traffic does not move": {disturb: func(r *staged, _ context.CancelFunc) {
			r.server.Script("hello", cloudruntest.Script{RouteLag: time.Hour})
		}, opts: []cloudrun.CallOption{cloudrun.WithWaitTimeout(time.Minute)}, stage: cloudrun.StageWait, percent: 5, is: context.DeadlineExceeded},
		"when cancelled while the traffic moves": {disturb: func(r *staged, cancel context.CancelFunc) {
			r.server.Script("hello", cloudruntest.Script{RouteLag: time.Hour})
			cancelAfter(time.Second)(r, cancel)
		}, stage: cloudrun.StageWait, percent: 5, is: context.Canceled},
		"when a write is refused": {disturb: func(r *staged, _ context.CancelFunc) {
			r.server.Fault(cloudruntest.Fault{Method: "PUT", Skip: 1, Status: 403})
		}, stage: cloudrun.StageWrite, percent: 25},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tc.disturb != nil {
					tc.disturb(r, cancel)
				}
				var splits []string
				tc.how.Check = r.splits(&splits, tc.fail)
				result, err := rollout.Run(ctx, r.deployer, "hello", tc.how, tc.opts...)

				var call *cloudrun.DeployError
				require.ErrorAs(t, err, &call)
				require.Equal(t, tc.stage, call.Stage)
				require.Equal(t, cloudrun.Written, call.Outcome)
				var failed *rollout.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, rollout.Restored, failed.Outcome)
				require.Equal(t, tc.percent, failed.Percent)
				require.Equal(t, rollout.Split{"hello-v1": 100}, failed.PreviousSplit)
				if tc.is != nil {
					require.ErrorIs(t, err, tc.is)
				}
				require.ErrorContains(t, err, "the traffic was returned to hello-v1=100")
				require.True(t, result.Restored)
				require.Equal(t, rollout.Split{"hello-v1": 100}, result.Split)
				r.requireTraffic(onlyV1)
			})
		})
	}
}

func cancelAfter(d time.Duration) func(*staged, context.CancelFunc) {
	return func(_ *staged, cancel context.CancelFunc) { time.AfterFunc(d, cancel) }
}

func TestRolloutOfACheckThatPanics(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		require.PanicsWithValue(t, "oops", func() {
			_, _ = rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(context.Context, rollout.Candidate) error { panic("oops") }})
		})
		r.requireTraffic(onlyV1)
	})
}

// Traffic that another writer sets during the rollout is kept.
func TestRolloutYieldsToOthers(t *testing.T) {
	for name, other := range map[string]struct {
		do      func(r *staged)
		outcome rollout.Outcome
		after   string
	}{
		"who move the traffic": {func(r *staged) {
			_, err := r.deployer.UpdateTraffic(r.Context(), "hello", cloudrun.ToRevision("hello-v1", 50), cloudrun.ToRevision("hello-v2", 50))
			require.NoError(r, err)
		}, rollout.Overridden, `[{"r":"hello-v1","p":50},{"r":"hello-v2","p":50},{"r":"hello-v2","t":"candidate"}]`},
		"who move the traffic with another tool": {func(r *staged) {
			r.others(onlyTraffic("hello-v2"))
		}, rollout.Overridden, onlyV2},
		"who roll back to what it is": {func(r *staged) {
			_, err := r.deployer.Rollback(r.Context(), "hello", cloudrun.RollbackTo("hello-v1"))
			require.NoError(r, err)
		}, rollout.Restored, `[{"r":"hello-v1","p":100},{"r":"hello-v2","t":"candidate"}]`},
		"who abort it": {func(r *staged) {
			result, err := rollout.Abort(r.Context(), r.deployer, "hello")
			require.NoError(r, err)
			require.True(r, result.Restored)
		}, rollout.Restored, onlyV1},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Steps: []int{0, 50, 100}, Check: func(context.Context, rollout.Candidate) error {
					other.do(r)
					return nil
				}})
				require.ErrorIs(t, err, rollout.ErrTrafficChanged)
				var failed *rollout.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, other.outcome, failed.Outcome)
				var call *cloudrun.DeployError
				require.ErrorAs(t, err, &call)
				require.Equal(t, cloudrun.StageWrite, call.Stage)
				require.Equal(t, other.outcome == rollout.Restored, result.Restored)
				require.NoError(t, failed.RestoreErr)
				r.requireTraffic(other.after)
			})
		})
	}
}

// crash leaves a rollout at 25 percent, as a program that is killed does.
func (r *staged) crash() {
	r.Helper()
	r.crashAt(25)
	require.Equal(r, `[{"r":"hello-v1","p":75},{"r":"hello-v2","p":25},{"r":"hello-v2","t":"candidate"}]`, trafficOf(r.T, r.service().Spec.Traffic))
}

func (r *staged) crashAt(percent int) {
	r.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	_, err := rollout.Run(ctx, r.deployer, "hello", rollout.Config{RestoreTimeout: time.Second, Check: func(_ context.Context, c rollout.Candidate) error {
		if c.Percent == percent {
			r.server.Fault(cloudruntest.Fault{Times: -1, Status: 503})
			cancel()
		}
		return ctx.Err()
	}})
	r.server.ClearFaults()
	var failed *rollout.Error
	require.ErrorAs(r, err, &failed)
	require.Equal(r, rollout.Unfinished, failed.Outcome)
	require.Error(r, failed.RestoreErr)
	require.ErrorContains(r, err, "call rollout.Run again, or rollout.Abort to return to hello-v1=100")
}

func TestRolloutAfterACrash(t *testing.T) {
	for name, test := range map[string]func(*staged){
		"goes on": func(r *staged) {
			var splits []string
			result, err := rollout.Run(r.Context(), r.deployer, "hello", rollout.Config{Check: r.splits(&splits, nil)})
			require.NoError(r, err)
			require.True(r, result.Resumed)
			require.Equal(r, rollout.Split{"hello-v1": 100}, result.PreviousSplit)
			require.Len(r, splits, 2, "it continues with the step that it had reached")
			r.requireTraffic(onlyV2)
		},
		"goes back to the split before both": func(r *staged) {
			_, err := rollout.Run(r.Context(), r.deployer, "hello", rollout.Config{Check: func(context.Context, rollout.Candidate) error { return errBad }})
			require.ErrorIs(r, err, errBad)
			r.requireTraffic(onlyV1)
		},
		"is aborted": func(r *staged) {
			result, err := rollout.Abort(r.Context(), r.deployer, "hello")
			require.NoError(r, err)
			require.True(r, result.Restored)
			require.Equal(r, rollout.Split{"hello-v1": 100}, result.PreviousSplit)
			require.Equal(r, rollout.Candidate{Service: "hello", Revision: "hello-v2", Tag: "candidate"}, result.Candidate)
			r.requireTraffic(onlyV1)
			r.server.ResetHistory()
			_, err = rollout.Abort(r.Context(), r.deployer, "hello")
			require.NoError(r, err)
			require.Empty(r, r.server.History(), "there is nothing to abort any more")
		},
		"keeps other revisions out": func(r *staged) {
			r.candidate("v3")
			r.server.ResetHistory()
			_, err := rollout.Run(r.Context(), r.deployer, "hello", rollout.Config{Revision: "hello-v3"})
			require.ErrorIs(r, err, rollout.ErrUnderWay)
			require.ErrorContains(r, err, "hello-v2 has 25 % of the traffic")
			require.Empty(r, r.server.History())
		},
		"is discarded once another writer moved the traffic": func(r *staged) {
			r.others(onlyTraffic("hello-v1"))
			result, err := rollout.Abort(r.Context(), r.deployer, "hello")
			require.NoError(r, err)
			require.False(r, result.Restored)
			require.Contains(r, strings.Join(result.Warnings, ";"), "it stays as it is")
			require.NotContains(r, r.service().Annotations, rolloutAnnotation)
		},
		"ends with a call that divides the traffic": func(r *staged) {
			_, err := r.deployer.UpdateTraffic(r.Context(), "hello", cloudrun.ToRevision("hello-v1", 100), cloudrun.WithoutTag("candidate"))
			require.NoError(r, err)
			r.requireTraffic(onlyV1)
		},
		"ends with a rollback": func(r *staged) {
			_, err := r.deployer.Rollback(r.Context(), "hello", cloudrun.RollbackTo("hello-v1"))
			require.NoError(r, err)
			r.requireTraffic(`[{"r":"hello-v1","p":100},{"r":"hello-v2","t":"candidate"}]`)
		},
		"ends with a deployment that takes all traffic": func(r *staged) {
			_, err := r.deployer.Deploy(r.Context(), "hello", cloudrun.ToLatest())
			require.NoError(r, err)
			r.requireTraffic(`[{"r":"LATEST","p":100},{"r":"hello-v2","t":"candidate"}]`)
		},
		"outlives a call about tags": func(r *staged) {
			_, err := r.deployer.UpdateTraffic(r.Context(), "hello", cloudrun.WithTagOn("stable", "hello-v1"))
			require.NoError(r, err)
			result, err := rollout.Run(r.Context(), r.deployer, "hello", rollout.Config{})
			require.NoError(r, err)
			require.True(r, result.Resumed)
			r.requireTraffic(`[{"r":"hello-v2","p":100},{"r":"hello-v1","t":"stable"}]`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				r.crash()
				test(&staged{T: t, server: r.server, client: r.client, deployer: r.deployer})
			})
		})
	}
}

// Each step is written once, whatever is lost on the wire.
func TestRolloutUnderFaults(t *testing.T) {
	for name, fault := range map[string]cloudruntest.Fault{
		"lost answers":  {Method: "PUT", Times: -1, Reset: true, After: true},
		"lost requests": {Method: "PUT", Times: 2, Reset: true},
		"truncated":     {Method: "PUT", Times: 3, After: true, Truncate: 20},
		"unavailable":   {Times: 5, Status: 503},
		"quota":         {Method: "PUT", Times: 2, Status: 429},
		"stale reads":   {Method: "GET", Path: "/services/", Skip: 2, Times: 2, Stale: true},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				r.server.Fault(fault)
				_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
				require.NoError(t, err)
				r.requireTraffic(onlyV2)
				require.Len(t, r.server.History(), 4)
			})
		})
	}
}

func TestRolloutRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		how  rollout.Config
		want string
	}{
		"steps that fall":        {rollout.Config{Steps: []int{50, 20, 100}}, "Config.Steps [50 20 100]: steps must rise from 0 or more to 100"},
		"steps that end early":   {rollout.Config{Steps: []int{50}}, "Config.Steps [50]"},
		"a step twice":           {rollout.Config{Steps: []int{50, 50, 100}}, "Config.Steps"},
		"negative steps":         {rollout.Config{Steps: []int{-1, 100}}, "Config.Steps"},
		"a negative pause":       {rollout.Config{Pause: -1}, "Config.Pause"},
		"a negative timeout":     {rollout.Config{RestoreTimeout: -1}, "Config.RestoreTimeout"},
		"a negative bound":       {rollout.Config{CheckTimeout: -1}, "Config.CheckTimeout"},
		"a bad tag":              {rollout.Config{Tag: "No Tag"}, "Config.Tag No Tag"},
		"a bad name":             {rollout.Config{Revision: "No/Name"}, "Config.Revision No/Name"},
		"a revision of nobody":   {rollout.Config{Revision: "hello-v9"}, "hello-v9"},
		"a revision of another":  {rollout.Config{Revision: "other-v1"}, `revision "other-v1" is one of service "other"`},
		"a revision that failed": {rollout.Config{Revision: "hello-v3"}, "It did not start."},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				_, err := r.deployer.Deploy(t.Context(), "other", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v1"))
				require.NoError(t, err)
				r.server.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "It did not start."}})
				_, err = r.deployer.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v3"))
				require.Error(t, err)
				r.server.Script("hello", cloudruntest.Script{})
				r.server.ResetHistory()
				_, err = rollout.Run(t.Context(), r.deployer, "hello", tc.how)
				require.ErrorContains(t, err, tc.want)
				var call *cloudrun.DeployError
				require.ErrorAs(t, err, &call)
				require.Equal(t, cloudrun.NotWritten, call.Outcome)
				var begun *rollout.Error
				require.NotErrorAs(t, err, &begun, "it has not begun")
				require.Empty(t, r.server.History())
			})
		})
	}
}

// A later Revision that failed does not disturb a rollout.
func TestRolloutBesideAFailedRevision(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.server.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "It did not start."}})
		_, err := r.deployer.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v3"))
		require.Error(t, err)
		r.server.Script("hello", cloudruntest.Script{})
		result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Revision: "hello-v2", ToLatest: true})
		require.NoError(t, err)
		r.requireTraffic(onlyV2)
		require.Contains(t, strings.Join(result.Warnings, ";"), "because that is not the latest revision")
	})
}

func TestRolloutThatIsDone(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.NoError(t, err)
		r.server.ResetHistory()
		result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.NoError(t, err)
		require.Equal(t, rollout.Candidate{Service: "hello", Revision: "hello-v2", Percent: 100}, result.Candidate)
		require.Empty(t, r.server.History())
	})
}

func TestRolloutPutsTheTagBack(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := r.deployer.UpdateTraffic(t.Context(), "hello", cloudrun.WithTagOn("canary", "hello-v1"))
		require.NoError(t, err)
		before := trafficOf(t, r.service().Spec.Traffic)
		_, err = rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Tag: "canary", Check: func(_ context.Context, c rollout.Candidate) error {
			require.Equal(t, "canary", c.Tag)
			return errBad
		}})
		require.ErrorIs(t, err, errBad)
		r.requireTraffic(before)
	})
}

func TestRolloutReportsItsStages(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		stages, ended := map[cloudrun.Stage]int{}, map[cloudrun.Stage]int{}
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Steps: []int{50, 100}, Check: func(context.Context, rollout.Candidate) error { return errBad }},
			cloudrun.WithProgress(func(e cloudrun.Event) {
				switch e.Kind {
				case cloudrun.StageStarted:
					stages[e.Stage]++
				case cloudrun.StageDone, cloudrun.StageFailed:
					ended[e.Stage]++
				}
			}))
		require.ErrorIs(t, err, errBad)
		require.Equal(t, 1, stages[cloudrun.StageCheck])
		require.Equal(t, 1, stages[cloudrun.StageRestore])
		require.Equal(t, stages, ended)
	})
}
