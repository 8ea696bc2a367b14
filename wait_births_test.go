package cloudrun_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/status"
)

// Reads may miss a Service only for a short time after it was created.
func TestWaitForAMissingService(t *testing.T) {
	t.Parallel()
	missing := cloudruntest.Fault{Method: http.MethodGet, Path: "/services/hello", Skip: 1, Times: -1, Status: http.StatusNotFound}
	forbidden := missing
	forbidden.Status = http.StatusForbidden
	for name, tc := range map[string]struct {
		update  bool
		fault   cloudruntest.Fault
		patient bool
	}{
		"after a create":          {false, missing, true},
		"after an update":         {true, missing, false},
		"that cannot be read":     {false, forbidden, false},
		"that cannot be read now": {true, forbidden, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
				if tc.update {
					_, err := d.Deploy(t.Context(), "hello")
					require.NoError(t, err)
				}
				s.Script("hello", cloudruntest.Script{TimeToReady: time.Hour, NoOperation: true})
				s.Fault(tc.fault)
				start := time.Now()
				_, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
				require.Equal(t, tc.fault.Status == http.StatusNotFound, apierrors.IsNotFound(err), "%v", err)
				require.Equal(t, cloudrun.Written, outcomeOf(t, err))
				waited := time.Since(start)
				if tc.patient {
					require.Greater(t, waited, 4*time.Second)
					require.Less(t, waited, 30*time.Second)
					return
				}
				require.Less(t, waited, time.Second)
			})
		})
	}
}

// A stale read of a server that does not know a new Service does not end the wait, even long after it was created.
func TestWaitOfANewServiceOutlivesALateStaleRead(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		s.Script("hello", cloudruntest.Script{TimeToReady: 20 * time.Second, NoOperation: true})
		start := time.Now()
		s.Fault(cloudruntest.Fault{Stale: true, Match: func(r *http.Request) bool {
			return r.Method == http.MethodGet && time.Since(start) > 2*status.ReadLag
		}})
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
	})
}

// A cluster without watches answers them with a 404, which says nothing about the
// new Service: one late stale read still does not end the wait.
func TestWaitOfANewServiceWithoutWatches(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newCluster(t, cloudruntest.WithTimeToReady(20*time.Second))
		start := time.Now()
		s.Fault(cloudruntest.Fault{Status: http.StatusNotFound, Match: isWatch, Times: -1})
		s.Fault(cloudruntest.Fault{Stale: true, Match: func(r *http.Request) bool {
			return r.Method == http.MethodGet && !isWatch(r) && time.Since(start) > 2*status.ReadLag
		}})
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		watches, _ := requestsOf(s.Requests())
		require.Equal(t, 1, watches)
	})
}

// A Service that somebody deleted and created again during the wait is another
// one, even if all that happened within one second of the server's clock.
func TestWaitForAServiceRecreatedWithinASecond(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newCluster(t) // its times are in seconds
		s.Script("hello", cloudruntest.Script{TimeToReady: 20 * time.Second})
		time.AfterFunc(500*time.Millisecond, func() {
			s.Script("hello", cloudruntest.Script{})
			assert.NoError(t, c.DeleteService(context.Background(), "hello"))
			_, err := c.CreateService(context.Background(), newService(t, "hello"))
			assert.NoError(t, err)
		})
		start := time.Now()
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		var overtaken *cloudrun.OvertakenError
		require.ErrorAs(t, err, &overtaken)
		require.Equal(t, cloudrun.Written, outcomeOf(t, err))
		require.Less(t, time.Since(start), time.Minute)
	})
}

// An operation that never ends does not hide a Service that is ready, whether
// or not anybody listens to events.
func TestOperationThatNeverEnds(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]cloudrun.DeployOption{
		"without a listener": nil,
		"with a listener":    {cloudrun.WithProgress(func(cloudrun.Event) {})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t, cloudruntest.WithTimeToReady(3*time.Second))
				s.Fault(cloudruntest.Fault{Method: http.MethodPost, Path: ":wait", Times: -1, Delay: 30 * time.Second,
					Status: http.StatusOK, Body: `{"name": "operations/1", "done": false}`})
				start := time.Now()
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", append(opts, cloudrun.WithImage(image))...)
				require.NoError(t, err)
				require.Less(t, time.Since(start), 15*time.Second)
				require.Less(t, len(s.Requests()), 8)
			})
		})
	}
}

// Any later change overtakes one that makes no Revision.
func TestWaitIsOvertakenWithoutARevision(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		s.Script("hello", cloudruntest.Script{ObservedLag: time.Minute})
		time.AfterFunc(10*time.Second, func() {
			_, err := c.UpdateService(context.Background(), "hello", func(s *servingv1.Service) error {
				s.Labels = map[string]string{"others": "x"}
				return nil
			})
			assert.NoError(t, err)
		})
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithDescription("mine"))
		var overtaken *cloudrun.OvertakenError
		require.ErrorAs(t, err, &overtaken)
		require.EqualValues(t, 3, overtaken.Newer)
	})
}

// If another writer changed the Service during the wait, the list of Revisions shows whose Revision became ready.
func TestWaitChecksWhoseTheRevisionIs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int // of the response to the list; 0 for the real one
		times  int
		fails  bool
	}{
		"and succeeds":       {},
		"and succeeds later": {status: 503, times: 9},
		"and is forbidden":   {status: 403, times: -1, fails: true},
		"and never succeeds": {status: 503, times: -1, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				s.Script("hello", cloudruntest.Script{TimeToReady: time.Minute})
				time.AfterFunc(10*time.Second, func() {
					_, err := c.UpdateService(context.Background(), "hello", func(s *servingv1.Service) error {
						s.Labels = map[string]string{"others": "x"}
						return nil
					})
					assert.NoError(t, err)
					if tc.status != 0 {
						s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: "/revisions", Times: tc.times, Status: tc.status})
					}
				})
				_, err = d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"), cloudrun.WithWaitTimeout(10*time.Minute))
				if !tc.fails {
					require.NoError(t, err)
					return
				}
				require.Equal(t, cloudrun.Written, outcomeOf(t, err))
				var api *cloudrun.APIError
				require.ErrorAs(t, err, &api)
				require.Equal(t, tc.status, api.StatusCode())
			})
		})
	}
}
