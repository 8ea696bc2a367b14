package cloudrun_test

import (
	"context"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// embedding is a type around a Client, such as a caller has for logs or tests.
type embedding struct{ *cloudrun.Client }

// overriding has its own GetService.
type overriding struct {
	*cloudrun.Client
	reads *int
}

func (o overriding) GetService(ctx context.Context, name string) (*servingv1.Service, error) {
	*o.reads++
	return o.Client.GetService(ctx, name)
}

// forwarding has only the methods that WaitReady uses.
type forwarding struct{ to *cloudrun.Client }

func (f forwarding) GetService(ctx context.Context, name string) (*servingv1.Service, error) {
	return f.to.GetService(ctx, name)
}

func (f forwarding) WaitOperation(ctx context.Context, id string) (*servingv1.Service, error) {
	return f.to.WaitOperation(ctx, id)
}

func (f forwarding) GetRevision(ctx context.Context, name string) (*servingv1.Revision, error) {
	return f.to.GetRevision(ctx, name)
}

func (f forwarding) WatchService(ctx context.Context, from *servingv1.Service) iter.Seq2[*servingv1.Service, error] {
	return f.to.WatchService(ctx, from)
}

var (
	_ cloudrun.ServiceWatcher  = (*cloudrun.Client)(nil)
	_ cloudrun.OperationWaiter = (*cloudrun.Client)(nil)
	_ cloudrun.RevisionGetter  = (*cloudrun.Client)(nil)
)

// clientsInWrappers calls f with a Client and with each way to wrap it.
func clientsInWrappers(t *testing.T, f func(t *testing.T, wrap func(*cloudrun.Client) cloudrun.ServiceGetter)) {
	reads := 0
	for name, wrap := range map[string]func(*cloudrun.Client) cloudrun.ServiceGetter{
		"plain":      func(c *cloudrun.Client) cloudrun.ServiceGetter { return c },
		"embedding":  func(c *cloudrun.Client) cloudrun.ServiceGetter { return embedding{c} },
		"overriding": func(c *cloudrun.Client) cloudrun.ServiceGetter { return overriding{c, &reads} },
		"forwarding": func(c *cloudrun.Client) cloudrun.ServiceGetter { return forwarding{c} },
	} {
		t.Run(name, func(t *testing.T) { inVirtualTime(t, func(t *testing.T) { f(t, wrap) }) })
	}
	require.Positive(t, reads, "a method that the caller replaced is used")
}

// A wrapped Client keeps the long poll: it needs no more requests and sees the end at once.
func TestWrappedClientKeepsTheLongPoll(t *testing.T) {
	t.Parallel()
	clientsInWrappers(t, func(t *testing.T, wrap func(*cloudrun.Client) cloudrun.ServiceGetter) {
		s, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: 6 * time.Second})
		start := time.Now()
		got, err := cloudrun.WaitReady(t.Context(), wrap(c), "hello")
		require.NoError(t, err)
		require.True(t, got.IsReady())
		require.Equal(t, 6*time.Second, time.Since(start))
		require.Len(t, s.Requests(), 2, methods(s.Requests()))
	})
}

// A wrapped Client of a cluster keeps the watch.
func TestWrappedClientKeepsTheWatch(t *testing.T) {
	t.Parallel()
	clientsInWrappers(t, func(t *testing.T, wrap func(*cloudrun.Client) cloudrun.ServiceGetter) {
		s, c := newCluster(t, cloudruntest.WithTimeToReady(6*time.Second))
		_, err := c.CreateService(t.Context(), newService(t, "hello"))
		require.NoError(t, err)
		s.ResetRequests()
		start := time.Now()
		_, err = cloudrun.WaitReady(t.Context(), wrap(c), "hello")
		require.NoError(t, err)
		require.Equal(t, 6*time.Second, time.Since(start))
		require.Len(t, s.Requests(), 2, methods(s.Requests()))
	})
}

// A wrapped Client reads the cause of a failure that only the Revision has.
func TestWrappedClientExplainsAFailure(t *testing.T) {
	t.Parallel()
	clientsInWrappers(t, func(t *testing.T, wrap func(*cloudrun.Client) cloudrun.ServiceGetter) {
		_, c, _ := waitServer(t, cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "no port", Hidden: true}})
		_, err := cloudrun.WaitReady(t.Context(), wrap(c), "hello")
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Contains(t, failed.Message, "no port")
	})
}

// The wait itself retries a failed poll, so each poll is one request and is reported.
func TestWrappedClientPollsInSingleAttempts(t *testing.T) {
	t.Parallel()
	clientsInWrappers(t, func(t *testing.T, wrap func(*cloudrun.Client) cloudrun.ServiceGetter) {
		s, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: time.Minute, NoOperation: true})
		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: "/services/hello", Status: http.StatusServiceUnavailable, Times: 5})
		retried := 0
		_, err := cloudrun.WaitReady(t.Context(), wrap(c), "hello", cloudrun.WithProgress(func(e cloudrun.Event) {
			if e.Kind == cloudrun.Retrying {
				retried++
				require.Len(t, s.Requests(), retried)
			}
		}))
		require.NoError(t, err)
		require.Equal(t, 5, retried)
	})
}

// A type that embeds a nil Client and has its own GetService, as in tests, works.
func TestWrapperWithoutAClient(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		polls := 0
		got, err := cloudrun.WaitReady(t.Context(), scripted{nil, func() *servingv1.Service {
			s := waitService(t, "1/1 - Ready=Unknown")
			s.Annotations = map[string]string{"run.googleapis.com/operation-id": "some"}
			if polls++; polls > 3 {
				s = waitService(t, "1/1 - Ready=True")
			}
			return s
		}}, "hello")
		require.NoError(t, err)
		require.True(t, got.IsReady())

		_, err = cloudrun.WaitReady(t.Context(), nil, "hello")
		require.ErrorContains(t, err, "the ServiceGetter is nil")
		_, err = cloudrun.WaitReady(t.Context(), (*cloudrun.Client)(nil), "hello")
		require.ErrorContains(t, err, "client")
	})
}

type scripted struct {
	*cloudrun.Client
	read func() *servingv1.Service
}

func (s scripted) GetService(context.Context, string) (*servingv1.Service, error) {
	return s.read(), nil
}

func TestWaitOperation(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c, made := waitServer(t, cloudruntest.Script{TimeToReady: 45 * time.Second})
		id := made.Annotations["run.googleapis.com/operation-id"]
		start := time.Now()
		got, err := c.WaitOperation(t.Context(), id)
		require.NoError(t, err)
		require.True(t, got.IsReady())
		require.Equal(t, 45*time.Second, time.Since(start))

		s.Fault(cloudruntest.Fault{Path: waitOperation, Status: 200, Body: ofOperation(made, `{"name": "operations/ID", "done": true, "error": {"message": "out of quota\u001b"}}`)})
		_, err = c.WaitOperation(t.Context(), id)
		var failed *cloudrun.OperationError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, id, failed.Operation)
		require.EqualError(t, failed, `operation "`+id+`" failed: out of quota`)

		s.Fault(cloudruntest.Fault{Path: waitOperation, Status: 200, Body: ofOperation(made, `{"name": "operations/ID", "done": true, "error": {}}`)})
		_, err = c.WaitOperation(t.Context(), id)
		require.ErrorAs(t, err, &failed)
		require.NotEmpty(t, failed.Message)

		s.Fault(cloudruntest.Fault{Path: waitOperation, Status: 200, Body: ofOperation(made, `{"name": "operations/ID", "done": true}`)})
		got, err = c.WaitOperation(t.Context(), id)
		require.NoError(t, err)
		require.Nil(t, got)

		s.Fault(cloudruntest.Fault{Path: waitOperation, Status: 200, Body: ofOperation(made, `{"name": "operations/ID", "done": false}`), Times: -1})
		s.ResetRequests()
		_, err = c.WaitOperation(t.Context(), id)
		require.ErrorContains(t, err, "does not hold")
		require.Less(t, len(s.Requests()), 6)

		_, err = c.WaitOperation(t.Context(), "")
		require.ErrorContains(t, err, "empty")
		cluster, err := cloudrun.NewClusterClient(t.Context(), "demo", s.ClientOptions()...)
		require.NoError(t, err)
		_, err = cluster.WaitOperation(t.Context(), id)
		require.ErrorIs(t, err, cloudrun.ErrNotOnCluster)
		_, err = (*cloudrun.Client)(nil).WaitOperation(t.Context(), id)
		require.ErrorContains(t, err, "client")
	})
}
