package rollout_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/rollout"
)

// hello is in the paths of requests for the Service. A rollout reads it once, and then reads and writes in turn.
const hello = "/services/hello"

func TestRolloutOfAServiceThatCannotBeRead(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.server.Fault(cloudruntest.Fault{Method: "GET", Status: 403})
		result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
		require.Nil(t, result)
	})
}

func TestRolloutWhoseStateIsUnreadable(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.others(func(s *servingv1.Service) { s.Annotations[rolloutAnnotation] = "{" })
		r.server.ResetHistory()
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.ErrorContains(t, err, "cannot be read: remove it")
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
		_, err = rollout.Abort(t.Context(), r.deployer, "hello")
		require.ErrorContains(t, err, "cannot be read: remove it")
		require.Empty(t, r.server.History())
	})
}

// A state that another writer spoils during the rollout is reported.
func TestRolloutWhoseStateIsSpoiled(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(context.Context, rollout.Candidate) error {
			r.others(func(s *servingv1.Service) { s.Annotations[rolloutAnnotation] = "{" })
			return nil
		}})
		require.Equal(t, rollout.Unfinished, r.rolloutFailure(err).Outcome)
		require.ErrorContains(t, err, "cannot be read: remove it")
	})
}

func TestRolloutOfARevisionWithoutAVerdict(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.server.Fault(cloudruntest.Fault{Method: "GET", Path: "/revisions/", Body: `{"apiVersion":"serving.knative.dev/v1","kind":"Revision","metadata":{"name":"hello-v2"}}`})
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "hello-v2", failed.Revision)
		require.ErrorContains(t, err, "it has no condition Ready yet")
	})
}

// The message of a Revision that is not ready may quote a value of it.
func TestRolloutHidesValues(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.server.Fault(cloudruntest.Fault{Method: "GET", Path: "/revisions/", Body: `{"apiVersion":"serving.knative.dev/v1","kind":"Revision","metadata":{"name":"hello-v2"},
			"spec":{"containers":[{"image":"i","env":[{"name":"A","value":"hunter2"}]}]},"status":{"conditions":[{"type":"Ready","status":"False","reason":"Bad","message":"bad hunter2"}]}}`})
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "bad (hidden)", failed.Message)
		require.NotContains(t, fmt.Sprint(err, failed.RevisionConditions, failed.Explain()), "hunter2")
	})
}

// A bad candidate does not change traffic that another writer has set.
func TestRolloutAfterACrashThatOthersCleanedUp(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		r.others(onlyTraffic("hello-v1"))
		r.server.ResetHistory()
		r.server.Fault(cloudruntest.Fault{Method: "GET", Path: "/revisions/hello-v2", Times: -1, Status: 404})
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
		require.Empty(t, r.server.History())
	})
}

// A crash in the last step leaves the tag and the state. The next call removes them.
func TestRolloutAfterACrashAtTheEnd(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crashAt(100)
		result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.NoError(t, err)
		require.True(t, result.Resumed)
		r.requireTraffic(onlyV2)
	})
}

func TestRolloutAfterACrashWithOtherSteps(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		var shares []int
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Steps: []int{10, 60, 100}, Check: func(_ context.Context, c rollout.Candidate) error {
			shares = append(shares, c.Percent)
			return nil
		}})
		require.NoError(t, err)
		require.Equal(t, []int{60, 100}, shares)
		r.requireTraffic(onlyV2)
	})
}

// A tag that another writer moved after a crash is moved back there at the end.
func TestRolloutAfterACrashWhoseTagWasMoved(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		_, err := r.deployer.UpdateTraffic(t.Context(), "hello", cloudrun.WithTagOn("candidate", "hello-v1"))
		require.NoError(t, err)
		_, err = rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(_ context.Context, c rollout.Candidate) error {
			require.NotEmpty(t, c.TagURL)
			_, err := r.deployer.Revisions(t.Context(), "hello")
			return err
		}})
		require.NoError(t, err)
		r.requireTraffic(`[{"r":"hello-v2","p":100},{"r":"hello-v1","t":"candidate"}]`)
	})
}

func TestRolloutFindsATag(t *testing.T) {
	for name, tc := range map[string]struct {
		before []cloudrun.TrafficOption
		how    rollout.Config
		tag    string
		after  string
	}{
		"the candidate's own": {[]cloudrun.TrafficOption{cloudrun.ToRevision("hello-v2", 10), cloudrun.WithTagOn("blue", "hello-v1"), cloudrun.WithTagOn("green", "hello-v2")},
			rollout.Config{}, "green", `[{"r":"hello-v2","p":100},{"r":"hello-v1","t":"blue"},{"r":"hello-v2","t":"green"}]`},
		"none but those of others": {[]cloudrun.TrafficOption{cloudrun.WithTagOn("blue", "hello-v1")},
			rollout.Config{}, "candidate", `[{"r":"hello-v2","p":100},{"r":"hello-v1","t":"blue"}]`},
		"that of the latest, to be given back": {[]cloudrun.TrafficOption{cloudrun.WithTagOn("next", cloudrun.Latest)},
			rollout.Config{Tag: "next"}, "next", `[{"r":"hello-v2","p":100},{"r":"LATEST","t":"next"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				_, err := r.deployer.UpdateTraffic(t.Context(), "hello", tc.before...)
				require.NoError(t, err)
				result, err := rollout.Run(t.Context(), r.deployer, "hello", tc.how)
				require.NoError(t, err)
				require.Equal(t, tc.tag, result.Candidate.Tag)
				r.requireTraffic(tc.after)
			})
		})
	}
}

// Each step is waited for, even with Async.
func TestRolloutIsNeverAsync(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.server.Script("hello", cloudruntest.Script{RouteLag: time.Minute})
		var splits []string
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Steps: []int{50, 100}, Check: r.splits(&splits, nil)}, cloudrun.Async())
		require.NoError(t, err)
		require.Contains(t, splits[0], `{"r":"hello-v2","p":50}`)
	})
}

func TestRolloutOfABadName(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := rollout.Run(t.Context(), r.deployer, "No/Name", rollout.Config{})
		require.ErrorContains(t, err, "No/Name")
		_, err = rollout.Abort(t.Context(), r.deployer, "No/Name")
		require.ErrorContains(t, err, "No/Name")
		r.server.Fault(cloudruntest.Fault{Method: "GET", Status: 403})
		result, err := rollout.Abort(t.Context(), r.deployer, "hello")
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
		require.Nil(t, result)
		require.Empty(t, r.server.History())
	})
}

func TestRolloutOfAServiceWithoutRevisions(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.server.Fault(cloudruntest.Fault{Method: "GET", Path: hello, Body: `{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"hello","namespace":"demo"}}`})
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.ErrorContains(t, err, "the service has no revision yet")
	})
}

// A state that makes no sense never becomes traffic.
func TestAbortOfNonsense(t *testing.T) {
	for name, tc := range map[string]struct{ state, want string }{
		"a share over 100":         {`{"revision":"hello-v1","percent":200,"before":{"hello-v2":100}}`, "200 % for the candidate"},
		"a share under 0":          {`{"revision":"hello-v1","percent":-1,"before":{"hello-v2":100}}`, "-1 % for the candidate"},
		"a split of too little":    {`{"revision":"hello-v1","percent":100,"before":{"hello-v2":50}}`, "50 % in all before"},
		"a split of too much":      {`{"revision":"hello-v1","percent":100,"before":{"hello-v2":100,"hello-v1":100}}`, "200 % in all before"},
		"an entry of too much":     {`{"revision":"hello-v1","percent":100,"before":{"hello-v2":150}}`, `150 % for revision "hello-v2" before`},
		"an entry of nothing":      {`{"revision":"hello-v1","percent":100,"before":{"hello-v2":100,"hello-v1":0}}`, `0 % for revision "hello-v1" before`},
		"an entry of no Revision":  {`{"revision":"hello-v1","percent":100,"before":{" ":100}}`, `100 % for revision " " before`},
		"a tag from no Revision":   {`{"revision":"hello-v1","percent":100,"before":{"hello-v2":100},"tag":"stable","moved":true,"tagFrom":" "}`, `a tag from revision " "`},
		"nothing":                  {`{}`, "0 % in all"},
		"a candidate without name": {`{"percent":100,"before":{"hello-v1":100}}`, "revision"},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				r.others(func(s *servingv1.Service) {
					s.Annotations[rolloutAnnotation] = tc.state
					s.Spec.Traffic = append(s.Spec.Traffic, servingv1.TrafficTarget{RevisionName: "hello-v1", Tag: "stable"})
				})
				before := trafficOf(t, r.service().Spec.Traffic)
				_, err := rollout.Abort(t.Context(), r.deployer, "hello")
				require.ErrorContains(t, err, "cannot be read: remove it, and set the traffic as it should be: ")
				require.ErrorContains(t, err, tc.want)
				require.Equal(t, before, trafficOf(t, r.service().Spec.Traffic), "%v", err)
			})
		})
	}
}

// A call for the same Revision takes the rollout over: from the call that began it, and from one that took it over.
func TestRolloutIsTakenOver(t *testing.T) {
	for name, crashed := range map[string]bool{"from its first call": false, "from one that took it over": true} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				if crashed {
					r.crash()
				}
				_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(context.Context, rollout.Candidate) error {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					_, err := rollout.Run(ctx, r.deployer, "hello", rollout.Config{RestoreTimeout: time.Second, Check: func(context.Context, rollout.Candidate) error {
						r.server.Fault(cloudruntest.Fault{Times: -1, Status: 503})
						cancel()
						return ctx.Err()
					}})
					require.Equal(t, rollout.Unfinished, r.rolloutFailure(err).Outcome)
					r.server.ClearFaults()
					return nil
				}})
				require.ErrorIs(t, err, rollout.ErrTrafficChanged)
				require.Equal(t, rollout.Overridden, r.rolloutFailure(err).Outcome)
				require.Contains(t, r.service().Annotations, rolloutAnnotation, "the other call still needs it")
			})
		})
	}
}

// Each warning is returned once, however often a write is repeated.
func TestRolloutNotesThingsOnce(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		r.others(onlyTraffic("hello-v1"))
		r.candidate("v3")
		r.server.Fault(cloudruntest.Fault{Method: "PUT", Status: 409})
		r.server.Fault(cloudruntest.Fault{Method: "PUT", Skip: 1, Status: 409})
		result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Revision: "hello-v2", Steps: []int{100}, ToLatest: true})
		require.NoError(t, err)
		require.Len(t, result.Warnings, 2, "%v", result.Warnings)
		require.Contains(t, result.Warnings[0], "the unfinished rollout of hello-v2 was discarded")
		require.Contains(t, result.Warnings[1], "because that is not the latest revision")
	})
}

func TestAbortNotesThingsOnce(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		r.others(onlyTraffic("hello-v1"))
		r.server.Fault(cloudruntest.Fault{Method: "PUT", Status: 409})
		result, err := rollout.Abort(t.Context(), r.deployer, "hello")
		require.NoError(t, err)
		require.Len(t, result.Warnings, 1, "%v", result.Warnings)
	})
}

// A Service that is deleted and created during the rollout is another one. Its generations start again.
func TestRolloutOfAServiceThatIsCreatedAgain(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(context.Context, rollout.Candidate) error {
			require.NoError(t, r.deployer.Delete(t.Context(), "hello"))
			_, err := r.deployer.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
			return err
		}})
		require.ErrorIs(t, err, rollout.ErrTrafficChanged)
		require.Equal(t, rollout.Overridden, r.rolloutFailure(err).Outcome)
		r.requireTraffic(`[{"r":"LATEST","p":100}]`)
	})
}

// The rollout has ended once that is written, even if it is not seen in effect.
func TestRolloutWhoseEndIsNotSeen(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Steps: []int{100}, Check: func(context.Context, rollout.Candidate) error {
			r.server.Script("hello", cloudruntest.Script{RouteLag: time.Hour})
			return nil
		}}, cloudrun.WithWaitTimeout(time.Minute))
		require.NoError(t, err)
		require.Contains(t, strings.Join(result.Warnings, ";"), "the rollout has ended, but that was not yet seen in effect: service \"hello\" was not ready")
		r.requireTraffic(onlyV2)
	})
}

func TestRolloutWhoseEndIsOverridden(t *testing.T) {
	for name, tc := range map[string]struct {
		do    func(r *staged)
		after string
	}{
		"by another tool": {func(r *staged) { r.others(onlyTraffic("hello-v1")) }, onlyV1},
		"by a deployment": {func(r *staged) {
			_, err := r.deployer.Deploy(r.Context(), "hello", cloudrun.WithEnv("A", "1"), cloudrun.ToLatest())
			require.NoError(r, err)
		}, `[{"r":"LATEST","p":100},{"r":"hello-v2","t":"candidate"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Steps: []int{100}, ToLatest: true, Check: func(context.Context, rollout.Candidate) error {
					tc.do(r)
					return nil
				}})
				require.ErrorIs(t, err, rollout.ErrTrafficChanged)
				require.Equal(t, rollout.Overridden, r.rolloutFailure(err).Outcome)
				r.requireTraffic(tc.after)
			})
		})
	}
}

func TestRolloutWhoseEndIsRefused(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.server.Fault(cloudruntest.Fault{Method: "PUT", Skip: 1, Status: 403})
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Steps: []int{100}})
		require.Equal(t, rollout.Unfinished, r.rolloutFailure(err).Outcome)
		require.Equal(t, 1, strings.Count(err.Error(), "roll out service"), "%v", err)
		_, err = rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.NoError(t, err)
		r.requireTraffic(onlyV2)
	})
}

// While the server has not observed another writer's change, LATEST may not be the candidate.
func TestRolloutToLatestBesideAWrite(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Steps: []int{100}, ToLatest: true, Check: func(context.Context, rollout.Candidate) error {
			r.server.Script("hello", cloudruntest.Script{ObservedLag: time.Minute})
			r.others(func(s *servingv1.Service) { s.Spec.Template.Name = ""; s.Spec.Template.Annotations["others"] = "x" })
			return nil
		}})
		require.NoError(t, err)
		require.Contains(t, strings.Join(result.Warnings, ";"), "because that is not the latest revision")
		r.requireTraffic(onlyV2)
	})
}

// If the server cannot be reached until the end, the outcome is unknown or unfinished, and Abort cleans up.
func TestRolloutThatIsCutOff(t *testing.T) {
	for name, tc := range map[string]struct {
		put     int // the write that takes effect; its answer and all later requests are lost
		percent int
		outcome rollout.Outcome
		written cloudrun.WriteOutcome
		after   string // before Abort
	}{
		"with the first write":  {1, 5, rollout.Unknown, cloudrun.WriteUnknown, `[{"r":"hello-v1","p":95},{"r":"hello-v2","p":5},{"r":"hello-v2","t":"candidate"}]`},
		"with the way back":     {2, 5, rollout.Unknown, cloudrun.Written, onlyV1},
		"with a later write":    {2, 25, rollout.Unfinished, cloudrun.Written, `[{"r":"hello-v1","p":75},{"r":"hello-v2","p":25},{"r":"hello-v2","t":"candidate"}]`},
		"with a later way back": {3, 25, rollout.Unknown, cloudrun.Written, onlyV1},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				before(r.server, "PUT", hello, tc.put, func() {
					r.server.Fault(cloudruntest.Fault{Times: -1, Status: 503})
				})
				r.server.Fault(cloudruntest.Fault{Method: "PUT", Skip: tc.put - 1, After: true, Reset: true})
				_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{RestoreTimeout: 5 * time.Second, Check: func(_ context.Context, c rollout.Candidate) error {
					return failAt(tc.percent)(c)
				}})
				failed := r.rolloutFailure(err)
				require.Equal(t, tc.outcome, failed.Outcome)
				require.Equal(t, tc.written, outcomeOf(t, err))
				require.Equal(t, 1, strings.Count(err.Error(), "roll out service"), "%v", err)
				require.ErrorContains(t, err, "("+failed.RestoreErr.Error()+")")
				r.server.ClearFaults()
				require.Equal(t, tc.after, trafficOf(t, r.service().Spec.Traffic))
				_, err = rollout.Abort(t.Context(), r.deployer, "hello")
				require.NoError(t, err)
				r.requireTraffic(onlyV1)
			})
		})
	}
}

// A rollout whose first write was lost leaves a rollout of another call alone.
func TestRolloutWhoseFirstWriteIsLostToAnother(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		wire := &lateWrite{next: r.server.Client().Transport}
		wire.giveUp = func() {
			wire.held = nil
			r.others(func(s *servingv1.Service) {
				s.Annotations[rolloutAnnotation] = `{"id":"x","revision":"hello-v1","percent":100,"tag":"","before":{"hello-v1":100}}`
			})
			cancel()
		}
		c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", append(r.server.ClientOptions(), option.WithHTTPClient(&http.Client{Transport: wire}))...)
		require.NoError(t, err)
		r.server.ResetHistory()
		_, err = rollout.Run(ctx, cloudrun.NewDeployer(c), "hello", rollout.Config{Revision: "hello-v2"})
		require.Equal(t, rollout.Overridden, r.rolloutFailure(err).Outcome)
		require.Equal(t, cloudrun.WriteUnknown, outcomeOf(t, err))
		require.Len(t, r.server.History(), 1)
		require.Contains(t, r.service().Annotations[rolloutAnnotation], `"id":"x"`)
	})
}

// If the fence against a late write cannot be removed, the traffic is as before,
// but the state is left.
func TestRolloutWhoseFenceStays(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		wire := &lateWrite{next: r.server.Client().Transport}
		wire.giveUp = func() { wire.held = nil; cancel() }
		c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", append(r.server.ClientOptions(), option.WithHTTPClient(&http.Client{Transport: wire}))...)
		require.NoError(t, err)
		r.server.Fault(cloudruntest.Fault{Method: "PUT", Skip: 1, Status: 403})
		_, err = rollout.Run(ctx, cloudrun.NewDeployer(c), "hello", rollout.Config{Revision: "hello-v2"})
		require.Equal(t, rollout.Unknown, r.rolloutFailure(err).Outcome)
		require.Equal(t, cloudrun.Written, outcomeOf(t, err))
		_, err = rollout.Abort(t.Context(), r.deployer, "hello")
		require.NoError(t, err)
		r.requireTraffic(onlyV1)
	})
}

// Traffic that another writer sets after a write that a proxy repeated is theirs.
func TestRolloutWhoseRepeatedWriteIsOverridden(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		before(r.server, "GET", hello, 3, func() { r.others(onlyTraffic("hello-v2")) })
		r.server.Fault(cloudruntest.Fault{Method: "PUT", After: true, Status: 409})
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.ErrorIs(t, err, rollout.ErrTrafficChanged)
		require.Equal(t, onlyV2, trafficOf(t, r.service().Spec.Traffic))
	})
}

// The previous Revision of the tag is kept, because the tag may be moved back.
func TestPruneKeepsWhereTheTagWas(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := r.deployer.UpdateTraffic(t.Context(), "hello", cloudrun.WithTagOn("canary", "hello-v2"))
		require.NoError(t, err)
		r.candidate("v3")
		before := trafficOf(t, r.service().Spec.Traffic)
		_, err = rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Tag: "canary", Check: func(context.Context, rollout.Candidate) error {
			deleted, err := r.deployer.PruneRevisions(t.Context(), "hello", 1)
			require.NoError(t, err)
			require.Empty(t, deleted)
			return errBad
		}})
		require.ErrorIs(t, err, errBad)
		r.requireTraffic(before)
	})
}
