package fleet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/fleet"
)

// killing is a transport that kills the process which uses it at its nth
// request: before the request is sent, after the server has handled it, or by
// the end of the context.
type killing struct {
	base   http.RoundTripper
	left   atomic.Int64
	after  bool
	cancel context.CancelFunc
}

func (k *killing) RoundTrip(req *http.Request) (*http.Response, error) {
	left := k.left.Add(-1)
	if left > 0 {
		return k.base.RoundTrip(req)
	}
	if left == 0 && k.after { // it takes effect, and nobody hears of it
		if resp, err := k.base.RoundTrip(req.WithContext(context.WithoutCancel(req.Context()))); err == nil {
			_ = resp.Body.Close()
		}
	}
	k.cancel()
	return nil, context.Canceled
}

// A run that is killed at any request, and called again, deploys every target
// exactly once, also if responses to its writes are lost.
func TestKilledFleetGoesOn(t *testing.T) {
	t.Parallel()
	seeds := 100
	if testing.Short() {
		seeds = 12
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(uint64(seed), 1))
				s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithTimeToReady(time.Duration(random.IntN(5))*time.Second))
				t.Cleanup(s.Close)
				s.SetQuota(cloudruntest.Quota{Writes: 1 + random.IntN(20)})
				all := targets(5+random.IntN(8), "us-central1", "europe-west1")
				existing(t, s, all[:len(all)/2])
				run := func(c *http.Client, ctx context.Context) (*fleet.Report, error) {
					return fleet.Deploy(ctx, all, fleet.WithRunID("build-7"), fleet.WithClientOptions(option.WithHTTPClient(c)),
						fleet.WithDefaults(cloudrun.WithImage(image), cloudrun.WithEnv("VERSION", "2")), fleet.WithConcurrency(1+random.IntN(10)))
				}
				for range 1 + random.IntN(4) {
					s.Fault(cloudruntest.Fault{Match: isWrite, Skip: random.IntN(10), Times: 1 + random.IntN(3), Reset: true, After: random.IntN(2) == 0})
					ctx, cancel := context.WithCancel(t.Context())
					k := &killing{base: s.Client().Transport, after: random.IntN(2) == 0, cancel: cancel}
					k.left.Store(1 + random.Int64N(int64(5*len(all))))
					_, _ = run(&http.Client{Transport: k}, ctx)
					cancel()
					time.Sleep(time.Duration(random.IntN(5)) * time.Second)
				}
				report, err := run(s.Client(), t.Context())
				require.NoError(t, err)
				require.Equal(t, len(all), report.Count(fleet.Deployed))
				requireOnce(t, s, all)
				for _, r := range report.Results {
					require.True(t, r.Deployment.Ready)
					require.Equal(t, r.Resumed, r.Action() == cloudrun.Unchanged)
				}
			})
		})
	}
}

// isWrite selects the requests that write a Service.
func isWrite(r *http.Request) bool {
	return r.Method == http.MethodPut || r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/services")
}

// existing puts Services on a server, as an earlier version.
func existing(t *testing.T, s *cloudruntest.Server, all []fleet.Target) {
	t.Helper()
	for _, target := range all {
		require.NoError(t, s.PutService(target.Project, target.Region, []byte(`{"apiVersion": "serving.knative.dev/v1", "kind": "Service",
			"metadata": {"name": "`+target.Service+`", "namespace": "demo"}, "spec": {"template": {"spec": {"containers": [{"image": "`+image+`"}]}}}}`)))
	}
	s.ResetHistory()
}

// A target that failed is tried again by the same run, and no other.
func TestRunRetriesWhatFailed(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t)
		options = with(options, fleet.WithRunID("build-7"))
		s.Script("service-2", cloudruntest.SecretDenied())
		all := targets(3, "us-central1")
		_, err := fleet.Deploy(t.Context(), all, options...)
		require.Error(t, err)
		s.Script("service-2", cloudruntest.Script{})
		report, err := fleet.Deploy(t.Context(), all, options...)
		require.NoError(t, err)
		require.Equal(t, map[string]int{"us-central1/service-1": 1, "us-central1/service-2": 2, "us-central1/service-3": 1}, writes(s))
		require.Equal(t, []string{"resumed", "updated", "resumed"}, []string{report.Results[0].Outcome(), report.Results[1].Outcome(), report.Results[2].Outcome()})

		_, err = fleet.Deploy(t.Context(), all, with(options, fleet.WithRunID("build-8"))...)
		require.NoError(t, err)
		require.Equal(t, 2, writes(s)["us-central1/service-1"], "another run deploys all")
	})
}

// Two processes with the same run deploy every target once between them.
func TestRunOfTwoProcesses(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t, cloudruntest.WithTimeToReady(2*time.Second))
		all := targets(20, "us-central1")
		existing(t, s, all[:10])
		done := make(chan error)
		for range 2 {
			go func() {
				_, err := fleet.Deploy(t.Context(), all, with(options, fleet.WithRunID("build-7"))...)
				done <- err
			}()
		}
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		requireOnce(t, s, all)
	})
}
