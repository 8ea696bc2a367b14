package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/rollout"
)

// mortal is the network of a process that dies at one of its requests: before the
// request is sent, or before its response arrives. A later process is immortal (0).
type mortal struct {
	base  http.RoundTripper
	dies  int64 // the number of the request
	after bool
	die   context.CancelFunc
	sent  atomic.Int64
}

var errDead = errors.New("the process is dead")

func (m *mortal) RoundTrip(req *http.Request) (*http.Response, error) {
	n := m.sent.Add(1)
	switch {
	case m.dies == 0 || n < m.dies:
		return m.base.RoundTrip(req)
	case n == m.dies && m.after:
		if resp, err := m.base.RoundTrip(req.WithContext(context.WithoutCancel(req.Context()))); err == nil {
			_ = resp.Body.Close()
		}
	}
	m.die()
	return nil, errDead
}

// process calls Release as a process that dies at a request would. It returns the number of its requests.
func (r *staged) process(dies int64, after bool, cfg rollout.Config, opts ...cloudrun.DeployOption) (*rollout.Result, int64, error) {
	r.Helper()
	ctx, die := context.WithCancel(context.Background())
	defer die()
	wire := &mortal{base: r.server.Client().Transport, dies: dies, after: after, die: die}
	c, err := cloudrun.NewClient(ctx, "demo", "us-central1", option.WithEndpoint(r.server.URL), option.WithHTTPClient(&http.Client{Transport: wire}))
	require.NoError(r, err)
	result, err := rollout.Release(ctx, cloudrun.NewDeployer(c), "hello", cfg, append([]cloudrun.DeployOption{cloudrun.WithImage(image), cloudrun.WithEnv("VERSION", "2")}, opts...)...)
	return result, wire.sent.Load(), err
}

// newService is a Service with one Revision, or none.
func newService(t *testing.T, exists bool) *staged {
	t.Helper()
	s, c := newServer(t)
	r := &staged{T: t, server: s, client: c, deployer: cloudrun.NewDeployer(c)}
	if exists {
		_, err := r.deployer.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v1"))
		require.NoError(t, err)
	}
	return r
}

// revisions returns the number of Revisions.
func (r *staged) revisions() int { return len(r.server.Revisions("demo", "hello")) }

// A release whose process dies at any request, before or after the request takes
// effect, is finished by the same call of the next process. There is one candidate.
func TestReleaseKilledAtEveryRequest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		runID  string
		exists bool
		fails  int // the share at which the check fails; 0 if it passes
	}{
		"with an ID":                   {"build-7", true, 0},
		"without an ID":                {"", true, 0},
		"that fails its check":         {"build-7", true, 25},
		"that fails, without an ID":    {"", true, 100},
		"of a new service":             {"build-7", false, 0},
		"of a new service, without ID": {"", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := rollout.Config{RunID: tc.runID, Check: func(_ context.Context, c rollout.Candidate) error { return failAt(tc.fails)(c) }}
			kill := func(dies int64, after bool) (alive bool) {
				inVirtualTime(t, func(t *testing.T) {
					r := newService(t, tc.exists)
					_, sent, _ := r.process(dies, after, cfg)
					alive = sent < dies
					result, _, err := r.process(0, false, cfg)
					at := fmt.Sprintf("request %d, after: %v: %v", dies, after, err)
					switch {
					case tc.fails > 0:
						require.True(t, errors.Is(err, errBad) || errors.Is(err, rollout.ErrRejected), at)
						require.Equal(t, onlyV1, trafficOf(t, r.service().Spec.Traffic), at)
					default:
						require.NoError(t, err, at)
						require.Equal(t, 100, result.Candidate.Percent, at)
						for to := range result.Split {
							require.Contains(t, []string{result.Candidate.Revision, cloudrun.Latest}, to, at)
						}
					}
					want := 1
					if tc.exists {
						want = 2
					}
					require.Equal(t, want, r.revisions(), at)
					require.NotContains(t, r.service().Annotations, rolloutAnnotation, at)
				})
				return alive
			}
			requests := int64(1)
			for ; !kill(requests, false); requests++ {
				kill(requests, true)
			}
			require.Greater(t, requests, int64(3))
		})
	}
}

func TestReleaseOnceMore(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		r := newService(t, true)
		cfg := rollout.Config{RunID: "build-7"}
		first, _, err := r.process(0, false, cfg, cloudrun.Async())
		require.NoError(t, err)
		require.Equal(t, rollout.Split{"hello-v1": 100}, first.PreviousSplit)
		r.server.ResetHistory()
		again, _, err := r.process(0, false, cfg)
		require.NoError(t, err)
		require.Equal(t, first.Candidate.Revision, again.Candidate.Revision)
		require.Empty(t, r.server.History(), "it is done")

		_, _, err = r.process(0, false, rollout.Config{RunID: "build-8"}, cloudrun.WithEnv("OTHER", "x"))
		require.NoError(t, err)
		require.Equal(t, 3, r.revisions())
		again, _, err = r.process(0, false, cfg)
		require.NoError(t, err)
		require.Equal(t, first.Candidate.Revision, again.Candidate.Revision, "the release of before is taken, and not deployed again")
		require.Equal(t, 3, r.revisions())
		require.Equal(t, rollout.Split{first.Candidate.Revision: 100}, again.Split)
	})
}

// A candidate that was rejected stays so, whoever calls again, unless that is asked for.
func TestReleaseOfWhatWasRejected(t *testing.T) {
	t.Parallel()
	for name, reject := range map[string]func(*staged){
		"by its check": func(r *staged) {
			_, _, err := r.process(0, false, rollout.Config{RunID: "build-7", Check: func(context.Context, rollout.Candidate) error { return errBad }})
			require.ErrorIs(r, err, errBad)
		},
		"by a rollback": func(r *staged) {
			_, _, err := r.process(0, false, rollout.Config{RunID: "build-7"})
			require.NoError(r, err)
			_, err = r.deployer.Rollback(r.Context(), "hello")
			require.NoError(r, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				r := newService(t, true)
				reject(r)
				r.server.ResetHistory()
				_, _, err := r.process(0, false, rollout.Config{RunID: "build-7"})
				require.ErrorIs(t, err, rollout.ErrRejected)
				require.ErrorContains(t, err, "set Config.RetryRejected")
				require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
				require.Empty(t, r.server.History())
				_, _, err = r.process(0, false, rollout.Config{RunID: "build-7", RetryRejected: true})
				require.NoError(t, err)
				require.Equal(t, 2, r.revisions())
			})
		})
	}
}

// While another rollout is under way, nothing is deployed.
func TestReleaseBesideAnother(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		r := newService(t, true)
		var state *rollout.State
		others := []error{}
		began := time.Now()
		_, _, err := r.process(0, false, rollout.Config{RunID: "build-7", Steps: []int{20, 100}, Pause: time.Minute, Check: func(context.Context, rollout.Candidate) error {
			if state = r.status(); state.Candidate.Percent == 20 {
				for _, cfg := range []rollout.Config{{RunID: "build-8"}, {}} {
					_, _, err := r.process(0, false, cfg)
					others = append(others, err)
				}
			}
			return nil
		}})
		require.NoError(t, err)
		for _, err := range others {
			require.ErrorIs(t, err, rollout.ErrUnderWay)
			require.ErrorContains(t, err, "(release build-7) has 20 % of the traffic")
			require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
		}
		require.Equal(t, 2, r.revisions())
		require.Equal(t, "build-7", state.RunID)
		require.WithinDuration(t, began, state.Began, 30*time.Second)
		require.WithinDuration(t, state.Began.Add(time.Minute), state.Since, 30*time.Second)
	})
}

// The rollout that a release finds when it writes is not one that the read before it showed.
func TestReleaseLooksWhenItWrites(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		r.crash()
		r.server.ResetHistory()
		r.server.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: "services/hello", Stale: true})
		_, _, err := r.process(0, false, rollout.Config{RunID: "build-7"})
		require.ErrorIs(t, err, rollout.ErrUnderWay)
		require.Equal(t, 2, r.revisions())
	})
}

func TestReleaseRefusesArguments(t *testing.T) {
	t.Parallel()
	r := newService(t, false)
	for want, cfg := range map[string]rollout.Config{
		"Config.Revision hello-v1: Release deploys the candidate itself": {Revision: "hello-v1"},
		`Config.RunID "a b": must be 1 to 63`:                            {RunID: "a b"},
	} {
		_, err := rollout.Release(t.Context(), r.deployer, "hello", cfg)
		require.ErrorContains(t, err, want)
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
	}
	_, err := rollout.Release(t.Context(), r.deployer, "hello", rollout.Config{}, nil)
	require.Error(t, err)
	_, err = rollout.Release(t.Context(), nil, "hello", rollout.Config{})
	require.ErrorContains(t, err, "the deployer has no client")
	require.Empty(t, r.server.Requests())
}
