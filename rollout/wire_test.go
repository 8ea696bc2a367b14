package rollout_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/rollout"
)

// rolloutFailure returns the error of a rollout that has begun.
func (r *staged) rolloutFailure(err error) *rollout.Error {
	r.Helper()
	var failed *rollout.Error
	require.ErrorAs(r, err, &failed)
	return failed
}

// A proxy that repeats each write returns the second response, which is a conflict with the first write.
func TestRolloutBehindAProxyThatRepeats(t *testing.T) {
	for name, tc := range map[string]struct {
		check    func(context.Context, rollout.Candidate) error
		toLatest bool
		after    string
	}{
		"forward":   {nil, false, onlyV2},
		"to latest": {nil, true, `[{"r":"LATEST","p":100}]`},
		"back":      {func(context.Context, rollout.Candidate) error { return errBad }, false, onlyV1},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				r.server.Fault(cloudruntest.Fault{Method: "PUT", Times: -1, After: true, Status: 409})
				_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: tc.check, ToLatest: tc.toLatest})
				if tc.check == nil {
					require.NoError(t, err)
				} else {
					require.Equal(t, rollout.Restored, r.rolloutFailure(err).Outcome)
				}
				r.requireTraffic(tc.after)
			})
		})
	}
}

// lateWrite holds the first PUT back until its caller has given up. The PUT
// reaches the server right after the next read.
type lateWrite struct {
	next   http.RoundTripper
	giveUp context.CancelFunc
	held   *http.Request
	done   bool
}

func (l *lateWrite) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut && !l.done {
		l.done = true
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		l.held = r.Clone(context.Background())
		l.held.Body = io.NopCloser(bytes.NewReader(body))
		l.giveUp()
		return nil, r.Context().Err()
	}
	answer, err := l.next.RoundTrip(r)
	if held := l.held; held != nil && r.Method == http.MethodGet && err == nil {
		l.held = nil
		late, err := l.next.RoundTrip(held)
		if err != nil {
			return nil, err
		}
		_ = late.Body.Close()
	}
	return answer, err
}

// A first write that arrives after its caller gave up leaves no split behind.
func TestRolloutWhoseFirstWriteIsLate(t *testing.T) {
	for name, arrives := range map[string]bool{"and arrives": true, "and is lost": false} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				wire := &lateWrite{next: r.server.Client().Transport, giveUp: cancel}
				if !arrives {
					wire.giveUp = func() { wire.held = nil; cancel() }
				}
				c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", append(r.server.ClientOptions(), option.WithHTTPClient(&http.Client{Transport: wire}))...)
				require.NoError(t, err)
				_, err = rollout.Run(ctx, cloudrun.NewDeployer(c), "hello", rollout.Config{Revision: "hello-v2"})
				require.ErrorIs(t, err, context.Canceled)
				failed := r.rolloutFailure(err)
				if arrives {
					require.Equal(t, rollout.Restored, failed.Outcome)
					require.Equal(t, cloudrun.Written, outcomeOf(t, err))
				} else {
					require.Equal(t, rollout.NotBegun, failed.Outcome)
					require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
				}
				r.requireTraffic(onlyV1)
			})
		})
	}
}

// The split that a crash left is restored if the candidate is not ready any more.
func TestRolloutAfterACrashWithABadCandidate(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		r.server.Fault(cloudruntest.Fault{Method: "GET", Path: "/revisions/hello-v2", Times: -1, Status: 404})
		result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		failed := r.rolloutFailure(err)
		require.Equal(t, rollout.Restored, failed.Outcome)
		require.Equal(t, 25, failed.Percent)
		require.True(t, result.Resumed)
		require.True(t, result.Restored)
		r.requireTraffic(onlyV1)
	})
}

// A call that resumes a rollout knows the previous split before its first write.
func TestRolloutAfterACrashThatFailsAtOnce(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		r.server.Fault(cloudruntest.Fault{Method: "GET", Path: "/services/hello", Skip: 1, Times: -1, Status: 403})
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		failed := r.rolloutFailure(err)
		require.Equal(t, rollout.Unfinished, failed.Outcome)
		require.Equal(t, rollout.Split{"hello-v1": 100}, failed.PreviousSplit)
		require.Equal(t, 25, failed.Percent)
	})
}

func TestAbortThatIsRefused(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		r.server.Fault(cloudruntest.Fault{Method: "PUT", Status: 403})
		result, err := rollout.Abort(t.Context(), r.deployer, "hello")
		require.Error(t, err)
		require.False(t, result.Restored)
		require.Equal(t, rollout.Split{"hello-v1": 75, "hello-v2": 25}, result.Split)
	})
}

// A rollout that fails keeps the warnings about how it began.
func TestRolloutThatFailsKeepsItsFirstWarnings(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		r.others(onlyTraffic("hello-v1"))
		result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(context.Context, rollout.Candidate) error { return errBad }})
		require.ErrorIs(t, err, errBad)
		require.Len(t, result.Warnings, 1, "%v", result.Warnings)
		require.Contains(t, result.Warnings[0], "the unfinished rollout of hello-v2 was discarded")
	})
}

// A first write that a proxy repeats does not lose what it found.
func TestRolloutWhoseFirstWriteIsRepeated(t *testing.T) {
	for name, tc := range map[string]struct {
		others   func(*servingv1.Service)
		resumed  bool
		warnings int
	}{
		"and resumes":  {func(*servingv1.Service) {}, true, 0},
		"and discards": {onlyTraffic("hello-v1"), false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				r.crash()
				r.others(tc.others)
				r.server.Fault(cloudruntest.Fault{Method: "PUT", After: true, Status: 409})
				result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
				require.NoError(t, err)
				require.Equal(t, tc.resumed, result.Resumed)
				require.Len(t, result.Warnings, tc.warnings, "%v", result.Warnings)
				require.Equal(t, rollout.Split{"hello-v1": 100}, result.PreviousSplit)
			})
		})
	}
}

// A rollout that another call ends right before Abort does is not restored by Abort.
func TestAbortOfARolloutThatAnotherCallEnds(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		before(r.server, "GET", hello, 2, func() {
			_, err := r.deployer.UpdateTraffic(context.Background(), "hello", cloudrun.ToRevision("hello-v2", 100))
			assert.NoError(t, err)
		})
		result, err := rollout.Abort(t.Context(), r.deployer, "hello")
		require.NoError(t, err)
		require.False(t, result.Restored)
		require.Equal(t, rollout.Split{"hello-v2": 100}, result.Split)
	})
}

func TestRolloutKeepsItsFirstWarnings(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		r.others(onlyTraffic("hello-v1"))
		r.candidate("v3")
		result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.NoError(t, err)
		require.Contains(t, strings.Join(result.Warnings, ";"), "the unfinished rollout of hello-v2 was discarded")
	})
}

// The Revision that LATEST led to before the rollout gets its share back, not one that was deployed since.
func TestRolloutGoesBackToWhatLatestWas(t *testing.T) {
	for name, tc := range map[string]struct {
		latest    int
		candidate string
		deploy    bool
		warns     bool
		after     string
	}{
		"where it is the same":       {10, "hello-v2", false, false, `[{"r":"hello-v1","p":90},{"r":"LATEST","p":10}]`},
		"where another was deployed": {10, "hello-v2", true, true, `[{"r":"hello-v1","p":90},{"r":"hello-v2","p":10}]`},
		"where it got nothing":       {0, "hello-v2", true, false, onlyV1},
		"where it was another":       {100, "hello-v1", false, false, `[{"r":"LATEST","p":100}]`},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				_, err := r.deployer.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision(cloudrun.Latest, tc.latest), cloudrun.ToRevision("hello-v1", 100-tc.latest))
				require.NoError(t, err)
				result, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Revision: tc.candidate, Check: func(context.Context, rollout.Candidate) error {
					if tc.deploy {
						r.candidate("v3")
					}
					return errBad
				}})
				require.ErrorIs(t, err, errBad)
				require.Equal(t, tc.warns, len(result.Warnings) > 0, "%v", result.Warnings)
				r.requireTraffic(tc.after)
			})
		})
	}
}

// Revisions that a rollout may return to are not deleted.
func TestPruneKeepsWhatARolloutNeeds(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.candidate("v3")
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Steps: []int{100}, Check: func(context.Context, rollout.Candidate) error {
			deleted, err := r.deployer.PruneRevisions(t.Context(), "hello", 1)
			require.NoError(t, err)
			require.Equal(t, []string{"hello-v2"}, revisionNames(deleted))
			require.ErrorContains(t, r.deployer.DeleteRevision(t.Context(), "hello", "hello-v1"), "a rollout under way needs it")
			return errBad
		}})
		require.ErrorIs(t, err, errBad)
		r.requireTraffic(onlyV1)
	})
}

// others edits the Service as another tool does.
func (r *staged) others(edit func(*servingv1.Service)) {
	r.Helper()
	_, err := r.client.UpdateService(context.Background(), "hello", func(s *servingv1.Service) error {
		edit(s)
		return nil
	})
	require.NoError(r, err)
}

// onlyTraffic sends all traffic to a Revision and removes all tags.
func onlyTraffic(revision string) func(*servingv1.Service) {
	return func(s *servingv1.Service) {
		all := int64(100)
		s.Spec.Traffic = []servingv1.TrafficTarget{{RevisionName: revision, Percent: &all}}
	}
}

func TestRolloutOvertakenWhileTheTrafficMoves(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.server.Script("hello", cloudruntest.Script{RouteLag: time.Minute})
		time.AfterFunc(10*time.Second, func() {
			r.others(func(s *servingv1.Service) {
				*s.Spec.Traffic[0].Percent, *s.Spec.Traffic[1].Percent = 50, 50
			})
		})
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.ErrorIs(t, err, rollout.ErrTrafficChanged)
		failed := r.rolloutFailure(err)
		require.Equal(t, rollout.Overridden, failed.Outcome)
		var overtaken *cloudrun.OvertakenError
		require.ErrorAs(t, err, &overtaken)
		r.requireTraffic(`[{"r":"hello-v1","p":50},{"r":"hello-v2","p":50},{"r":"hello-v2","t":"candidate"}]`)
	})
}

// A deployment without traffic does not disturb a rollout.
func TestRolloutBesideADeployment(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(_ context.Context, c rollout.Candidate) error {
			if c.Percent == 5 {
				r.candidate("v3")
			}
			return nil
		}})
		require.NoError(t, err)
		r.requireTraffic(onlyV2)
	})
}

// If another writer moves the tag, the candidate cannot be checked: the split goes back, and the tag stays with them.
func TestRolloutWhoseTagIsTaken(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(context.Context, rollout.Candidate) error {
			_, err := r.deployer.Deploy(r.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v3"), cloudrun.WithNoTraffic(), cloudrun.WithTag("candidate"))
			return err
		}})
		require.ErrorContains(t, err, `another writer moved tag "candidate" away from hello-v2`)
		require.Equal(t, rollout.Restored, r.rolloutFailure(err).Outcome)
		r.requireTraffic(`[{"r":"hello-v1","p":100},{"r":"hello-v3","t":"candidate"}]`)
	})
}

// A check whose error matches ErrTrafficChanged does not keep the split.
func TestRolloutOfACheckThatMentionsTraffic(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(context.Context, rollout.Candidate) error {
			return errors.Join(errBad, rollout.ErrTrafficChanged)
		}})
		require.Equal(t, rollout.Restored, r.rolloutFailure(err).Outcome)
		r.requireTraffic(onlyV1)
	})
}
