package cloudrun_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// whileDeploying deploys, and has another writer change the Service half a second after the write.
func whileDeploying(t *testing.T, s *cloudruntest.Server, c *cloudrun.Client, others func(*servingv1.Service), opts ...cloudrun.DeployOption) (*cloudrun.Result, error) {
	t.Helper()
	go func() {
		time.Sleep(500 * time.Millisecond)
		s.Script("hello", cloudruntest.Script{TimeToReady: 20 * time.Second, FailRevision: &cloudruntest.Failure{Message: "theirs"}})
		_, err := c.UpdateService(context.Background(), "hello", func(s *servingv1.Service) error {
			others(s)
			return nil
		})
		assert.NoError(t, err)
	}()
	return cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", opts...)
}

// A call reports what became of its own Revision, even if another writer's is the
// latest by then, equals it but for its metadata, and fails.
func TestDeployFollowsItsOwnRevision(t *testing.T) {
	t.Parallel()
	metadata := func(s *servingv1.Service) { s.Spec.Template.Annotations["mine.example/a"] = "b" }
	template := func(s *servingv1.Service) {
		s.Spec.Template.Labels = nil
		s.Spec.Template.Spec.Containers[0].Image = image + "2"
	}
	for name, tc := range map[string]struct {
		others func(*servingv1.Service)
		script cloudruntest.Script
		opts   []cloudrun.DeployOption
		lag    time.Duration // of the list of Revisions
		fails  bool
		never  bool // our Revision is never decided
	}{
		"ready":                               {others: metadata, script: cloudruntest.Script{TimeToReady: 3 * time.Second}},
		"ready, with another template":        {others: template, script: cloudruntest.Script{TimeToReady: 3 * time.Second}},
		"ready, and the list lags":            {others: metadata, script: cloudruntest.Script{TimeToReady: 3 * time.Second}, lag: 10 * time.Second},
		"ready, and named":                    {others: metadata, script: cloudruntest.Script{TimeToReady: 3 * time.Second}, lag: time.Hour, opts: []cloudrun.DeployOption{cloudrun.WithRevisionSuffix("mine")}},
		"failed":                              {others: metadata, script: cloudruntest.Script{TimeToReady: 3 * time.Second, FailRevision: &cloudruntest.Failure{Message: "ours"}}, fails: true},
		"failed, with another template":       {others: template, script: cloudruntest.Script{TimeToReady: 3 * time.Second, FailRevision: &cloudruntest.Failure{Message: "ours"}}, fails: true},
		"never ready, so it cannot be known":  {others: metadata, script: cloudruntest.Script{NeverReady: true}, never: true},
		"never ready, with another template":  {others: template, script: cloudruntest.Script{NeverReady: true}, never: true},
		"not in the list, so it is not known": {others: template, script: cloudruntest.Script{TimeToReady: 3 * time.Second}, lag: time.Hour, never: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				s.Script("hello", tc.script)
				if tc.lag > 0 {
					s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: "/revisions", Match: func(r *http.Request) bool {
						return strings.HasSuffix(r.URL.Path, "/revisions")
					}, Times: -1, Lag: tc.lag})
				}
				r, err := whileDeploying(t, s, c, tc.others, append(tc.opts, cloudrun.WithEnv("A", "1"))...)
				var failed *cloudrun.NotReadyError
				switch {
				case tc.fails:
					require.ErrorAs(t, err, &failed)
					require.Contains(t, failed.Message, "ours")
					require.True(t, strings.HasPrefix(failed.Revision, "hello-00002"), failed.Revision)
				case tc.never:
					var overtaken *cloudrun.OvertakenError
					require.ErrorAs(t, err, &overtaken)
					return
				default:
					require.NoError(t, err)
				}
				require.True(t, strings.HasPrefix(r.Revision, "hello-00002") || r.Revision == "hello-mine", r.Revision)
				time.Sleep(time.Minute) // the other writer is done
			})
		})
	}
}

// All simultaneous Deploys of different settings arrive, and each names its own Revision.
func TestSimultaneousDeploys(t *testing.T) {
	t.Parallel()
	for _, n := range []int{8, 100, 200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t, cloudruntest.WithTimeToReady(2*time.Second))
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				s.Fault(cloudruntest.Fault{Times: -1, Delay: 50 * time.Millisecond}) // a round trip
				start := time.Now()
				var all sync.WaitGroup
				revisions := make([]string, n)
				for i := range n {
					all.Go(func() {
						r, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithEnv(fmt.Sprint("A", i), "1"))
						if assert.NoError(t, err) {
							revisions[i] = r.Revision
						}
					})
				}
				all.Wait()
				t.Logf("%d took %v", n, time.Since(start))
				got, err := c.GetService(t.Context(), "hello")
				require.NoError(t, err)
				require.Len(t, got.Spec.Template.Spec.Containers[0].Env, n)
				require.Len(t, s.Revisions("demo", "hello"), n+1)
				seen := map[string]bool{"": true}
				for i, name := range revisions {
					require.False(t, seen[name], "%d: %q", i, name)
					seen[name] = true
				}
			})
		})
	}
}
