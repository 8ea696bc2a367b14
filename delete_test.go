package cloudrun_test

import (
	"context"
	"fmt"
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
		require.Equal(t, []string{"GET", "DELETE"}, verbs(s.Requests()))
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
		"unreadable": {fault: cloudruntest.Fault{Method: http.MethodGet, Status: 403}, check: func(t *testing.T, err error) { require.True(t, apierrors.IsForbidden(err), err) }},
		"no longer readable": {fault: cloudruntest.Fault{Method: http.MethodGet, Status: 403, Skip: 1}, outcome: cloudrun.Written,
			check: func(t *testing.T, err error) { require.ErrorContains(t, err, "wait until it is gone") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := deleteServer(t)
				if tc.fault.Method != "" {
					s.Fault(tc.fault)
				}
				opts := []cloudrun.DeleteOption{}
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

// elsewhere starts a server of Cloud Run or of a cluster with a Service. The
// function deletes that Service, if it exists, and creates another of the same
// name, as another caller would.
func elsewhere(t *testing.T, cluster bool) (*cloudruntest.Server, *cloudrun.Client, func()) {
	t.Helper()
	start := newServer
	if cluster {
		start = newCluster
	}
	s, c := start(t)
	_, err := c.CreateService(t.Context(), newService(t, "hello"))
	require.NoError(t, err)
	s.ResetRequests()
	another := newService(t, "hello")
	return s, c, func() {
		if err := c.DeleteService(context.Background(), "hello"); !apierrors.IsNotFound(err) {
			assert.NoError(t, err)
		}
		_, err := c.CreateService(context.Background(), another)
		assert.NoError(t, err)
	}
}

// A deletion removes only the Service that it read first, even if it is tried
// again, and its wait ends when that one is gone.
func TestDeleteKeepsAServiceThatWasCreatedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault   cloudruntest.Fault
		cluster bool // only there
	}{
		"after a lost response": {fault: cloudruntest.Fault{Method: http.MethodDelete, Reset: true, After: true}},
		"after a lost request":  {fault: cloudruntest.Fault{Method: http.MethodDelete, Reset: true}},
		"after a 429":           {fault: cloudruntest.Fault{Method: http.MethodDelete, Status: http.StatusTooManyRequests}},
		"after a 503":           {fault: cloudruntest.Fault{Method: http.MethodDelete, Status: http.StatusServiceUnavailable, After: true}},
		"during the wait":       {fault: cloudruntest.Fault{Method: http.MethodDelete, After: true}},
		"before the request":    {fault: cloudruntest.Fault{Method: http.MethodDelete}, cluster: true},
	} {
		for _, cluster := range []bool{false, true} {
			if tc.cluster && !cluster {
				continue // Cloud Run knows no preconditions
			}
			for how, remove := range map[string]func(context.Context, *cloudrun.Client) error{
				"Client": func(ctx context.Context, c *cloudrun.Client) error { return c.DeleteService(ctx, "hello") },
				"Deployer": func(ctx context.Context, c *cloudrun.Client) error {
					return cloudrun.NewDeployer(c).Delete(ctx, "hello")
				},
			} {
				t.Run(fmt.Sprintf("%s, %s, cluster %v", name, how, cluster), func(t *testing.T) {
					t.Parallel()
					inVirtualTime(t, func(t *testing.T) {
						s, c, recreate := elsewhere(t, cluster)
						fault, start := tc.fault, time.Now()
						fault.Do = recreate
						s.Fault(fault)
						require.NoError(t, remove(t.Context(), c))
						_, err := c.GetService(t.Context(), "hello")
						require.NoError(t, err, "another caller's Service was deleted")
						require.Less(t, time.Since(start), 5*time.Second)
					})
				})
			}
		}
	}
}

// A refusal says nothing about a deletion that a proxy delivered twice.
func TestDeleteThatWasDeliveredTwice(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 403, 404, 409, 412, 429} {
		for _, accepted := range []bool{true, false} {
			t.Run(fmt.Sprint(code, accepted), func(t *testing.T) {
				t.Parallel()
				inVirtualTime(t, func(t *testing.T) {
					s, c, _ := elsewhere(t, false)
					s.Fault(cloudruntest.Fault{Method: http.MethodDelete, Status: code, After: accepted, Times: -1})
					err := cloudrun.NewDeployer(c).Delete(t.Context(), "hello")
					_, ok := s.Service("demo", "hello")
					require.Equal(t, !accepted, ok)
					if accepted {
						require.NoError(t, err)
						return
					}
					require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
				})
			})
		}
	}
	inVirtualTime(t, func(t *testing.T) { // nobody looked
		s, c, _ := elsewhere(t, false)
		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Status: http.StatusForbidden, Skip: 1, Times: -1})
		s.Fault(cloudruntest.Fault{Method: http.MethodDelete, Status: http.StatusConflict, After: true})
		require.Equal(t, cloudrun.WriteUnknown, outcomeOf(t, cloudrun.NewDeployer(c).Delete(t.Context(), "hello")))
	})
}

// A response to a deletion that is about another object proves nothing.
func TestDeleteThatIsAnsweredForAnotherObject(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `{"kind": "Service", "metadata": {"name": "other"}}`, `{"kind": "Service", "metadata": {"name": "hello", "uid": "x"}}`,
		`{"kind": "Status", "status": "Success", "details": {"name": "other"}}`,
	} {
		for _, cluster := range []bool{false, true} {
			inVirtualTime(t, func(t *testing.T) {
				s, c, _ := elsewhere(t, cluster)
				s.Fault(cloudruntest.Fault{Method: http.MethodDelete, Status: http.StatusOK, Body: body})
				start := time.Now()
				require.NoError(t, cloudrun.NewDeployer(c).Delete(t.Context(), "hello"), body)
				require.Less(t, time.Since(start), 10*time.Second)
				_, err := c.GetService(t.Context(), "hello")
				require.True(t, apierrors.IsNotFound(err), err)
			})
		}
	}
}

// A Service that is being deleted already is waited for.
func TestDeleteOfAServiceThatIsBeingDeleted(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := deleteServer(t)
		require.NoError(t, c.DeleteService(t.Context(), "hello"))
		require.NoError(t, cloudrun.NewDeployer(c).Delete(t.Context(), "hello"))
		_, ok := s.Service("demo", "hello")
		require.False(t, ok)
	})
}

// Only a cluster knows preconditions.
func TestDeleteSendsThePrecondition(t *testing.T) {
	t.Parallel()
	for _, cluster := range []bool{false, true} {
		inVirtualTime(t, func(t *testing.T) {
			s, c, _ := elsewhere(t, cluster)
			got, err := c.GetService(t.Context(), "hello")
			require.NoError(t, err)
			s.ResetRequests()
			require.NoError(t, c.DeleteService(t.Context(), "hello"))
			require.Equal(t, []string{"GET", "DELETE"}, verbs(s.Requests()))
			want := ""
			if cluster {
				want = `{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"` + string(got.UID) + `"}}`
			}
			require.Equal(t, want, string(s.Requests()[1].Body))
		})
	}
}

// A Revision that comes into use while its deletion is tried again is kept, and so
// is another Revision of the same name.
func TestPruneLooksBeforeEachTry(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudruntest.Fault{
		"after a 429": {Status: http.StatusTooManyRequests}, "after a lost request": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newCluster(t)
				d := cloudrun.NewDeployer(c)
				for range 3 {
					_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
					require.NoError(t, err)
				}
				fault.Method = http.MethodDelete
				fault.Do = func() {
					_, err := d.UpdateTraffic(context.Background(), "hello", cloudrun.ToRevision("hello-00001", 50), cloudrun.Async())
					assert.NoError(t, err)
				}
				s.Fault(fault)
				deleted, err := d.PruneRevisions(t.Context(), "hello", 1)
				require.ErrorContains(t, err, "it serves 50 % of the traffic")
				require.Equal(t, []string{"hello-00002"}, revisionNames(deleted))
				_, err = c.GetRevision(t.Context(), "hello-00001")
				require.NoError(t, err)
			})
		})
	}
	inVirtualTime(t, func(t *testing.T) { // with nothing deleted
		s, c := newCluster(t)
		d := cloudrun.NewDeployer(c)
		for range 2 {
			_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
			require.NoError(t, err)
		}
		s.Fault(cloudruntest.Fault{Method: http.MethodDelete, Reset: true, Times: -1})
		_, err := d.PruneRevisions(t.Context(), "hello", 1)
		require.Equal(t, cloudrun.WriteUnknown, outcomeOf(t, err))
	})
}

// verbs returns the methods of requests.
func verbs(requests []cloudruntest.Request) (all []string) {
	for _, r := range requests {
		all = append(all, r.Method)
	}
	return all
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
		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Status: http.StatusServiceUnavailable, Skip: 1, Times: 4})
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
		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Status: http.StatusServiceUnavailable, Skip: 1, Times: -1})
		err := cloudrun.NewDeployer(c).Delete(t.Context(), "hello", cloudrun.WithWaitTimeout(20*time.Minute))
		var timeout *cloudrun.TimeoutError
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Deletion)
		require.Equal(t, 20*time.Minute, timeout.Waited)
		require.True(t, apierrors.IsServiceUnavailable(timeout.LastErr), timeout.LastErr)
	})
}

// A deletion IfExists succeeds without a Service, and reports every other failure.
func TestDeleteIfExists(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := deleteServer(t)
		d := cloudrun.NewDeployer(c)
		require.NoError(t, d.Delete(t.Context(), "hello", cloudrun.IfExists()))
		_, ok := s.Service("demo", "hello")
		require.False(t, ok)
		s.ResetHistory()
		require.NoError(t, d.Delete(t.Context(), "hello", cloudrun.IfExists()))
		require.NoError(t, d.Delete(t.Context(), "hello", cloudrun.IfExists(), cloudrun.Async()))
		require.Empty(t, s.History(), "nothing to delete")
		require.True(t, apierrors.IsNotFound(d.Delete(t.Context(), "hello")))
		s.Fault(cloudruntest.Fault{Status: http.StatusForbidden, Times: -1})
		require.True(t, apierrors.IsForbidden(d.Delete(t.Context(), "hello", cloudrun.IfExists())))
	})
}
