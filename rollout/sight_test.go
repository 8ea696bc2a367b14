package rollout_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
	"github.com/cloudrun-go/cloudrun/rollout"
)

// recreate deletes the Service and creates one that lacks the candidate.
func (r *staged) recreate() {
	r.Helper()
	require.NoError(r, r.deployer.Delete(context.Background(), "hello"))
	_, err := r.deployer.Deploy(context.Background(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("again"))
	require.NoError(r, err)
	r.server.ResetHistory()
}

// Nothing is written to a Service that was created since the call began.
func TestRolloutIsOfOneService(t *testing.T) {
	const latest = `[{"r":"LATEST","p":100}]`
	for name, tc := range map[string]struct {
		disturb func(r *staged, cancel context.CancelFunc)
		outcome rollout.Outcome // empty if it has not begun
		written cloudrun.WriteOutcome
	}{
		"created before the first write": {disturb: func(r *staged, _ context.CancelFunc) {
			time.Sleep(time.Minute)
			r.server.Fault(cloudruntest.Fault{Path: "/revisions/hello-v2", After: true, Do: r.recreate})
		}, written: cloudrun.NotWritten},
		"created within the same second": {disturb: func(r *staged, _ context.CancelFunc) {
			r.server.Fault(cloudruntest.Fault{Path: "/revisions/hello-v2", After: true, Do: r.recreate})
		}, written: cloudrun.NotWritten},
		"created before the second step": {disturb: func(r *staged, _ context.CancelFunc) {
			testkit.Before(r.server, http.MethodPut, "/services/hello", 2, r.recreate)
		}, outcome: rollout.Overridden, written: cloudrun.Written},
		"created before the return": {disturb: func(r *staged, cancel context.CancelFunc) {
			testkit.Before(r.server, http.MethodPut, "/services/hello", 2, func() {
				r.recreate()
				cancel()
			})
		}, outcome: rollout.Overridden, written: cloudrun.Written},
		"created before the fence": {disturb: func(r *staged, cancel context.CancelFunc) {
			r.server.Fault(cloudruntest.Fault{Method: http.MethodPut, Hang: true, Do: func() {
				r.recreate()
				cancel()
			}})
		}, outcome: rollout.Overridden, written: cloudrun.WriteUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				tc.disturb(r, cancel)
				_, err := rollout.Run(ctx, r.deployer, "hello", rollout.Config{Revision: "hello-v2", Pause: time.Second})
				require.Error(t, err)
				require.Equal(t, tc.written, outcomeOf(t, err))
				if tc.outcome != "" {
					require.Equal(t, tc.outcome, r.rolloutFailure(err).Outcome)
				}
				require.ErrorIs(t, err, rollout.ErrTrafficChanged)
				require.ErrorContains(t, err, "the service was deleted and created again")
				r.requireTraffic(latest)
				require.Empty(t, r.server.History())
			})
		})
	}
}

// A Service that was deleted has no split to return to.
func TestRolloutOfAServiceThatIsDeleted(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(context.Context, rollout.Candidate) error {
			require.NoError(t, r.deployer.Delete(t.Context(), "hello"))
			return errBad
		}})
		failed := r.rolloutFailure(err)
		require.ErrorIs(t, err, errBad)
		require.Equal(t, rollout.Overridden, failed.Outcome)
		require.True(t, apierrors.IsNotFound(failed.RestoreErr), failed.RestoreErr)
	})
}

// stagedCluster is a staged Service on a cluster, where a write of the state
// alone makes no generation.
func stagedCluster(t *testing.T) *staged {
	t.Helper()
	s, c := testkit.NewCluster(t)
	r := &staged{T: t, server: s, client: c, deployer: cloudrun.NewDeployer(c)}
	_, err := r.deployer.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v1"))
	require.NoError(t, err)
	_, err = r.deployer.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v2"), cloudrun.WithNoTraffic(), cloudrun.WithTag("candidate"))
	require.NoError(t, err)
	s.ResetHistory()
	return r
}

// staleAfter makes the reads after the nth PUT stale.
func (r *staged) staleAfter(nth, times int) {
	testkit.Before(r.server, http.MethodPut, "/services/hello", nth, func() {
		r.server.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: "/services/hello", Times: times, Stale: true})
	})
}

// Stale reads after a write of the state alone are not another writer's doing.
func TestRolloutReadsStaleStates(t *testing.T) {
	const before = `[{"r":"hello-v1","p":100},{"r":"hello-v2","t":"candidate"}]`
	for name, tc := range map[string]struct {
		steps   []int
		disturb func(r *staged, cancel context.CancelFunc)
		outcome rollout.Outcome // empty for success
		after   string
	}{
		"after a step without traffic": {[]int{0, 100}, func(r *staged, _ context.CancelFunc) { r.staleAfter(1, 4) },
			"", `[{"r":"hello-v2","p":100},{"r":"hello-v2","t":"candidate"}]`},
		"after the fence": {[]int{50, 100}, func(r *staged, cancel context.CancelFunc) {
			r.staleAfter(2, 4)
			r.server.Fault(cloudruntest.Fault{Method: http.MethodPut, Hang: true, Do: cancel})
		}, rollout.NotBegun, before},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := stagedCluster(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				tc.disturb(r, cancel)
				_, err := rollout.Run(ctx, r.deployer, "hello", rollout.Config{Revision: "hello-v2", Steps: tc.steps})
				if tc.outcome == "" {
					require.NoError(t, err)
				} else {
					require.Equal(t, tc.outcome, r.rolloutFailure(err).Outcome)
				}
				r.server.ClearFaults()
				r.requireTraffic(tc.after)
			})
		})
	}
}

// A read of the Service that was deleted before the call began is stale.
func TestRolloutReadsThePredecessor(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		predecessor := r.service()
		time.Sleep(time.Minute)
		r.recreate()
		r.candidate("v2")
		uid, created := string(r.service().UID), r.service().CreationTimestamp.UTC().Format("2006-01-02T15:04")
		r.server.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: "/services/hello", Skip: 1, Edit: func(body []byte) []byte {
			text := strings.ReplaceAll(string(body), uid, string(predecessor.UID))
			return []byte(strings.Replace(text, `"creationTimestamp":"`+created, `"creationTimestamp":"`+predecessor.CreationTimestamp.UTC().Format("2006-01-02T15:04"), 1))
		}})
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Revision: "hello-v2"})
		require.NoError(t, err)
		r.requireTraffic(onlyV2)
	})
}

// If the first write took effect, but its response was lost or a conflict with
// itself, and another writer moved the traffic, their traffic is kept.
func TestRolloutWhoseFirstWriteIsReplaced(t *testing.T) {
	const tagged = `[{"r":"hello-v1","p":100},{"r":"hello-v2","t":"candidate"}]`
	lost, repeated := cloudruntest.Fault{Reset: true}, cloudruntest.Fault{Status: http.StatusConflict}
	back := func(s *servingv1.Service) { // such as a rollback, which keeps the tags
		all, none := int64(100), int64(0)
		s.Spec.Traffic = []servingv1.TrafficTarget{{RevisionName: "hello-v1", Percent: &all}, {RevisionName: "hello-v2", Percent: &none, Tag: "candidate"}}
		delete(s.Annotations, rolloutAnnotation)
	}
	for name, tc := range map[string]struct {
		others  func(*servingv1.Service)
		fault   cloudruntest.Fault
		tagged  bool // from the start
		cancel  bool
		outcome rollout.Outcome
		written cloudrun.WriteOutcome
		after   string
	}{
		"by another split":                    {onlyTraffic("hello-v2"), lost, false, false, rollout.Overridden, cloudrun.WriteUnknown, onlyV2},
		"by another split, when it gives up":  {onlyTraffic("hello-v2"), lost, false, true, rollout.Overridden, cloudrun.WriteUnknown, onlyV2},
		"by another split, after a repeat":    {onlyTraffic("hello-v2"), repeated, false, false, rollout.Overridden, cloudrun.WriteUnknown, onlyV2},
		"by the split before":                 {back, lost, false, false, rollout.Restored, cloudrun.Written, tagged},
		"by the split before, after a repeat": {back, repeated, false, false, rollout.Restored, cloudrun.Written, tagged},
		"by what was there before":            {back, lost, true, false, rollout.Restored, cloudrun.Written, tagged},
		"by what was there, after a repeat":   {back, repeated, true, false, rollout.Restored, cloudrun.Written, tagged},
		"by a manifest, when it gives up": {func(s *servingv1.Service) {
			onlyTraffic("hello-v1")(s)
			delete(s.Annotations, rolloutAnnotation)
		}, lost, false, true, rollout.Restored, cloudrun.Written, onlyV1},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				if tc.tagged {
					r.others(back)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				tc.fault.Method, tc.fault.After, tc.fault.Do = http.MethodPut, true, func() {
					r.others(tc.others)
					r.others(func(s *servingv1.Service) { delete(s.Annotations, rolloutAnnotation) })
					if tc.cancel {
						cancel()
					}
				}
				r.server.Fault(tc.fault)
				_, err := rollout.Run(ctx, r.deployer, "hello", rollout.Config{Revision: "hello-v2", Steps: []int{50, 100}})
				require.Equal(t, !tc.cancel || tc.outcome == rollout.Overridden, errors.Is(err, rollout.ErrTrafficChanged), "%v", err)
				require.Equal(t, tc.outcome, r.rolloutFailure(err).Outcome)
				require.Equal(t, tc.written, outcomeOf(t, err))
				r.requireTraffic(tc.after)
			})
		})
	}
}
