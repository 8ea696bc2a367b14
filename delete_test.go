package cloudrun_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// deleteServer starts a server with a Service whose deletion takes ten seconds.
func deleteServer(t *testing.T) (*cloudruntest.Server, *cloudrun.Client) {
	t.Helper()
	s, c := newServer(t)
	s.Script("hello", cloudruntest.Script{DeletionTime: 10 * time.Second})
	_, err := c.CreateService(t.Context(), newService(t, "hello"))
	require.NoError(t, err)
	s.ResetRequests()
	return s, c
}

func TestDelete(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := deleteServer(t)
		var events []cloudrun.Event
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.WithPublicAccess()) // the defaults for deployments do not matter
		start := time.Now()
		require.NoError(t, d.Delete(t.Context(), "hello", cloudrun.WithProgress(func(e cloudrun.Event) { events = append(events, e) })))
		require.InDelta(t, 11, time.Since(start).Seconds(), 1.5)
		_, ok := s.Service("demo", "hello")
		require.False(t, ok)
		require.Len(t, events, 2)
		require.Equal(t, cloudrun.StageDone, events[1].Kind)
		require.Equal(t, cloudrun.StageDelete, events[1].Stage)
		r, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, cloudrun.Created, r.Action)
	})
}

func TestDeleteAsync(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := deleteServer(t)
		d := cloudrun.NewDeployer(c)
		require.NoError(t, d.Delete(t.Context(), "hello", cloudrun.Async()))
		require.Len(t, s.Requests(), 1)
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.ErrorIs(t, err, cloudrun.ErrBeingDeleted)
	})
}

func TestDeleteThatFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		service string
		fault   cloudruntest.Fault
		timeout time.Duration
		outcome cloudrun.WriteOutcome
		check   func(*testing.T, error)
	}{
		"missing": {service: "missing", check: func(t *testing.T, err error) { require.True(t, apierrors.IsNotFound(err), err) }},
		"refused": {fault: cloudruntest.Fault{Status: 403, Method: http.MethodDelete}, check: func(t *testing.T, err error) { require.True(t, apierrors.IsForbidden(err), err) }},
		"never answered": {fault: cloudruntest.Fault{Reset: true, Times: -1, Method: http.MethodDelete}, outcome: cloudrun.WriteUnknown,
			check: func(t *testing.T, err error) { require.NotContains(t, err.Error(), "not ready") }},
		"too slow": {timeout: 4 * time.Second, outcome: cloudrun.Written, check: func(t *testing.T, err error) {
			var timeout *cloudrun.TimeoutError
			require.ErrorAs(t, err, &timeout)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 4*time.Second, timeout.Waited)
			require.ErrorContains(t, err, `service "hello" was not gone after 4s`)
		}},
		"no longer readable": {fault: cloudruntest.Fault{Method: http.MethodGet, Status: 403}, outcome: cloudrun.Written,
			check: func(t *testing.T, err error) { require.ErrorContains(t, err, "wait until it is gone") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := deleteServer(t)
				if tc.fault.Method != "" {
					s.Fault(tc.fault)
				}
				opts := []cloudrun.CallOption{}
				if tc.timeout > 0 {
					opts = append(opts, cloudrun.WithWaitTimeout(tc.timeout))
				}
				name := "hello"
				if tc.service != "" {
					name = tc.service
				}
				err := cloudrun.NewDeployer(c).Delete(t.Context(), name, opts...)
				var failed *cloudrun.DeployError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, tc.outcome, failed.Outcome)
				require.Equal(t, cloudrun.StageDelete, failed.Stage)
				tc.check(t, err)
			})
		})
	}
}

// A new Service of the same name ends the wait for the deletion.
func TestDeleteOfAServiceThatIsCreatedAgain(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := deleteServer(t)
		made := newService(t, "hello")
		go func() {
			time.Sleep(10*time.Second + time.Millisecond)
			_, err := c.CreateService(t.Context(), made)
			assert.NoError(t, err)
		}()
		start := time.Now()
		require.NoError(t, cloudrun.NewDeployer(c).Delete(t.Context(), "hello"))
		require.Less(t, time.Since(start), 15*time.Second)
	})
}

// Delete checks its options, and those of the Deployer, before it sends anything.
func TestDeleteChecksItsOptions(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	err := cloudrun.NewDeployer(c).Delete(t.Context(), "hello", cloudrun.WithWaitTimeout(-1), cloudrun.WithWaitTimeout(time.Second))
	var option *cloudrun.OptionError
	require.ErrorAs(t, err, &option)
	require.Error(t, cloudrun.NewDeployer(nil).Delete(t.Context(), "hello"))
	require.Empty(t, s.Requests())
}

// Failed polls of a deletion are retried and reported as those of any wait.
func TestDeleteWhilePollsFail(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := deleteServer(t)
		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Status: http.StatusServiceUnavailable, Times: 4})
		retried := 0
		err := cloudrun.NewDeployer(c).Delete(t.Context(), "hello", cloudrun.WithProgress(func(e cloudrun.Event) {
			if e.Kind == cloudrun.Retrying {
				retried++
				require.Equal(t, cloudrun.StageDelete, e.Stage)
			}
		}))
		require.NoError(t, err)
		require.Equal(t, 4, retried)
	})
	inVirtualTime(t, func(t *testing.T) {
		s, c := deleteServer(t)
		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Status: http.StatusServiceUnavailable, Times: -1})
		err := cloudrun.NewDeployer(c).Delete(t.Context(), "hello", cloudrun.WithWaitTimeout(20*time.Minute))
		var timeout *cloudrun.TimeoutError
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Deletion)
		require.Equal(t, 20*time.Minute, timeout.Waited)
		require.True(t, apierrors.IsServiceUnavailable(timeout.LastErr), timeout.LastErr)
	})
}
