package cloudrun_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	corev1 "k8s.io/api/core/v1"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// requestsOf returns how many requests of a history are watches, and how many polls.
func requestsOf(all []cloudruntest.Request) (watches, polls int) {
	for _, r := range all {
		switch {
		case r.Query.Has("watch"):
			watches++
		case r.Method == http.MethodGet:
			polls++
		}
	}
	return watches, polls
}

// A wait on a cluster sees readiness when it happens, with fewer requests than polls.
func TestWatchOnACluster(t *testing.T) {
	t.Parallel()
	for _, ready := range []time.Duration{time.Second, 3 * time.Second, 20 * time.Second, 3 * time.Minute} {
		var late, requests [2]int
		for i, denied := range []bool{false, true} {
			inVirtualTime(t, func(t *testing.T) {
				s, c := newCluster(t, cloudruntest.WithTimeToReady(ready))
				if denied {
					s.DenyPermission("run.services.watch")
				}
				start := time.Now()
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				late[i] = int((time.Since(start) - ready).Milliseconds())
				watches, polls := requestsOf(s.Requests())
				requests[i] = watches + polls - 1 // without the read before the write
			})
		}
		t.Logf("ready after %v: with the watch %d requests and %d ms late, with polls %d requests and %d ms late", ready, requests[0], late[0], requests[1], late[1])
		require.Zero(t, late[0])
		require.Less(t, requests[0], requests[1])
	}
}

// isWatch selects the watches of a cluster.
func isWatch(r *http.Request) bool { return r.URL.Query().Has("watch") }

// watchBody is a transport that replaces the body of a watch.
type watchBody struct {
	to   http.RoundTripper
	body func(*http.Request, io.ReadCloser) io.ReadCloser
}

func (w watchBody) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.to.RoundTrip(r)
	if err == nil && isWatch(r) {
		resp.Body = w.body(r, resp.Body)
	}
	return resp, err
}

// repeated is a body that repeats a text, with pauses; silent without a text.
type repeated struct {
	ctx   context.Context
	text  string
	pause time.Duration
}

func (b repeated) Read(p []byte) (int, error) {
	select {
	case <-time.After(b.pause):
		return copy(p, b.text), nil
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
}

const bookmark = `{"type": "BOOKMARK", "object": {"kind": "Service", "metadata": {"resourceVersion": "9"}}}` + "\n"

// event is an event about a ready Service.
func event(name, uid string) string {
	return fmt.Sprintf(`{"type": "MODIFIED", "object": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": %q, "namespace": "default",
		"uid": %q, "generation": 1, "resourceVersion": "99999"}, "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}}}`, name, uid)
}

// Whatever becomes of the watch, the polls find the end: without an error, and at
// a polite pace.
func TestWatchThatIsOfNoUse(t *testing.T) {
	t.Parallel()
	const ready = 40 * time.Second
	body := func(text string) cloudruntest.Fault { return cloudruntest.Fault{Status: 200, Body: text} }
	always := func(text string, pause time.Duration) func(*http.Request, io.ReadCloser) io.ReadCloser {
		return func(r *http.Request, _ io.ReadCloser) io.ReadCloser {
			return io.NopCloser(repeated{r.Context(), text, pause})
		}
	}
	tests := map[string]struct {
		fault   cloudruntest.Fault
		body    func(*http.Request, io.ReadCloser) io.ReadCloser
		watches int // at most; 0 for one
		late    time.Duration
	}{
		"reset":               {fault: cloudruntest.Fault{Reset: true}, watches: 8},
		"never answered":      {fault: cloudruntest.Fault{Hang: true}, watches: 8},
		"broken":              {fault: cloudruntest.Fault{Truncate: 300}, watches: 8},
		"gone":                {fault: body(`{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}`), watches: 8},
		"failing":             {fault: body(`{"type": "ERROR", "object": {"kind": "Status", "code": 500, "message": "broken"}}`), watches: 8},
		"an error of none":    {fault: body(`{"type": "ERROR", "object": 7}`), watches: 8},
		"ends at once":        {fault: cloudruntest.Fault{Status: 200, Edit: func([]byte) []byte { return nil }}, watches: 8},
		"half an event":       {fault: body(`{"type": "MODIF`), watches: 8},
		"a list":              {fault: body(`{"kind": "ServiceList", "items": []}`)},
		"no event":            {fault: body(`{}`)},
		"null":                {fault: body(`null`)},
		"an array":            {fault: body(`[]`)},
		"no JSON":             {fault: body(`{"type": MODIFIED}`)},
		"a page":              {fault: cloudruntest.Fault{Status: 200, Body: "<html>", ContentType: "text/html"}},
		"no object":           {fault: body(`{"type": "MODIFIED"}`)},
		"an empty object":     {fault: body(`{"type": "MODIFIED", "object": {}}`), watches: 8},
		"a strange event":     {fault: body(`{"type": "REPLACED", "object": {}}`)},
		"another name":        {fault: body(event("other", "u")), watches: 8},
		"another uid":         {fault: body(event("hello", "u")), watches: 8},
		"a huge event":        {fault: body(`{"type": "MODIFIED", "object": {"a": "` + strings.Repeat("a", 17<<20) + `"}}`)},
		"silent":              {body: always("", time.Hour), watches: 8},
		"slow bookmarks":      {body: always(bookmark, 7*time.Second), watches: 8},
		"countless bookmarks": {body: always(bookmark, 0), watches: 8},
		"silent in the end": {late: 36 * time.Second, watches: 3, body: func(r *http.Request, body io.ReadCloser) io.ReadCloser {
			return struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(body, 5000), repeated{r.Context(), "", time.Hour}), body}
		}},
	}
	for _, status := range []int{400, 401, 403, 404, 405, 410, 429, 500, 503} {
		row := tests["null"]
		row.fault = cloudruntest.Fault{Status: status}
		if row.watches = 1; status == 404 || status >= 410 {
			row.watches = 8
		}
		tests[http.StatusText(status)] = row
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newCluster(t, cloudruntest.WithTimeToReady(ready))
				if tc.body != nil {
					client := &http.Client{Transport: watchBody{s.Client().Transport, tc.body}}
					var err error
					c, err = cloudrun.NewClusterClient(t.Context(), "default", option.WithEndpoint(s.URL), option.WithHTTPClient(client))
					require.NoError(t, err)
				} else {
					tc.fault.Match, tc.fault.Times = isWatch, -1
					s.Fault(tc.fault)
				}
				start, retried := time.Now(), 0
				r, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithProgress(func(e cloudrun.Event) {
					if e.Kind == cloudrun.Retrying {
						retried++
					}
				}))
				require.NoError(t, err)
				require.True(t, r.Service.IsReady())
				require.Zero(t, retried, "silently")
				require.GreaterOrEqual(t, time.Since(start), ready)
				require.LessOrEqual(t, time.Since(start), ready+max(tc.late, 4*time.Second))
				watches, polls := requestsOf(s.Requests())
				require.LessOrEqual(t, watches, max(tc.watches, 1))
				require.Less(t, polls, 50)
			})
		})
	}
}

// A watch that breaks when the API server restarts begins again.
func TestWatchOverARestart(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		const ready = 40 * time.Second
		s, c := newCluster(t, cloudruntest.WithTimeToReady(ready))
		restart := time.AfterFunc(10*time.Second, func() {
			s.Fault(cloudruntest.Fault{Refuse: true, For: 5 * time.Second})
			s.Fault(cloudruntest.Fault{Status: http.StatusForbidden, For: 5500 * time.Millisecond})
		})
		defer restart.Stop()
		start := time.Now()
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		require.Equal(t, ready, time.Since(start))
		watches, _ := requestsOf(s.Requests())
		require.Equal(t, 2, watches)
	})
}

// A watch is told that a failure has healed. A failure that lasts is confirmed by
// a poll, and has its own words, without secrets.
func TestWatchOfAFailure(t *testing.T) {
	onCluster(t, func(t *testing.T, s *cloudruntest.Server, d *cloudrun.Deployer) {
		s.Script("hello", cloudruntest.Script{TimeToReady: time.Minute, FalseAlarm: 1900 * time.Millisecond})
		start := time.Now()
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		require.Equal(t, time.Minute+1900*time.Millisecond, time.Since(start))

		s.Script("hello", cloudruntest.Script{TimeToReady: time.Minute, FailRevision: &cloudruntest.Failure{Message: "no database at hunter2hunter2"}})
		s.ResetRequests()
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithEnv("PASSWORD", "hunter2hunter2"))
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Contains(t, failed.Message, "no database at")
		require.NotContains(t, failed.Error(), "hunter2")
		_, polls := requestsOf(s.Requests())
		require.Less(t, polls, 16)
	})
}

// A deletion is seen when it is complete.
func TestWatchOfADeletion(t *testing.T) {
	onCluster(t, func(t *testing.T, s *cloudruntest.Server, d *cloudrun.Deployer) {
		s.Script("hello", cloudruntest.Script{DeletionTime: 20 * time.Second})
		s.ResetRequests()
		start := time.Now()
		require.NoError(t, d.Delete(t.Context(), "hello"))
		require.Equal(t, 20*time.Second, time.Since(start))
		watches, polls := requestsOf(s.Requests())
		require.Equal(t, 1, watches)
		require.Less(t, polls, 10)
	})
}

// A deletion that the watch does not report is seen by the polls.
func TestWatchThatMissesADeletion(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, _ := newCluster(t)
		silent := func(r *http.Request, _ io.ReadCloser) io.ReadCloser {
			return io.NopCloser(repeated{r.Context(), "", time.Hour})
		}
		c, err := cloudrun.NewClusterClient(t.Context(), "default", option.WithEndpoint(s.URL),
			option.WithHTTPClient(&http.Client{Transport: watchBody{s.Client().Transport, silent}}))
		require.NoError(t, err)
		_, err = c.CreateService(t.Context(), newService(t, "hello"))
		require.NoError(t, err)
		s.Script("hello", cloudruntest.Script{DeletionTime: 20 * time.Second})
		start := time.Now()
		require.NoError(t, cloudrun.NewDeployer(c).Delete(t.Context(), "hello"))
		require.GreaterOrEqual(t, time.Since(start), 20*time.Second)
		require.LessOrEqual(t, time.Since(start), 24*time.Second)
	})
}

// Only a cluster has watches, and a watch begins with a Service that was read.
func TestWatchService(t *testing.T) {
	t.Parallel()
	first := func(t *testing.T, c *cloudrun.Client, from *service) error {
		for _, err := range c.WatchService(t.Context(), from) {
			return err
		}
		return nil
	}
	read := named("hello")
	read.ResourceVersion = "1"
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		require.ErrorIs(t, first(t, c, read), cloudrun.ErrOnlyOnCluster)
		require.ErrorContains(t, first(t, nil, read), "client")
		s, c := newCluster(t)
		require.ErrorContains(t, first(t, c, nil), "GetService")
		require.ErrorContains(t, first(t, c, named("hello")), "GetService")
		made, err := c.CreateService(t.Context(), newService(t, "hello"))
		require.NoError(t, err)
		var seen []string
		for now, err := range c.WatchService(t.Context(), made) {
			require.NoError(t, err)
			seen = append(seen, now.ResourceVersion)
			if now.IsReady() {
				require.NoError(t, c.DeleteService(t.Context(), "hello"))
			}
		}
		require.Len(t, seen, 8, "as many as the stages of a create")
		s.DenyPermission("run.services.watch")
		var denied *cloudrun.APIError
		require.ErrorAs(t, first(t, c, made), &denied)
	})
}

// reporting is a ServiceWatcher whose reports may be of anything.
type reporting struct {
	*cloudrun.Client
	report func() *service
}

func (r reporting) WatchService(_ context.Context, from *service) iter.Seq2[*service, error] {
	return func(yield func(*service, error) bool) { _ = yield(from, nil) && yield(r.report(), nil) }
}

// What a ServiceWatcher reports counts only if it is about the Service.
func TestWatcherThatReportsAnotherService(t *testing.T) {
	t.Parallel()
	ready := func(name string) *service {
		s := named(name)
		s.ResourceVersion, s.Generation, s.Status.ObservedGeneration = "99", 1, 1
		s.Status.Conditions = duckv1.Conditions{{Type: "Ready", Status: corev1.ConditionTrue}}
		return s
	}
	for name, report := range map[string]func() *service{"nothing": func() *service { return nil }, "another": func() *service { return ready("other") }} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				_, c := newCluster(t, cloudruntest.WithTimeToReady(20*time.Second))
				_, err := c.CreateService(t.Context(), newService(t, "hello"))
				require.NoError(t, err)
				start := time.Now()
				got, err := cloudrun.WaitReady(t.Context(), reporting{c, report}, "hello")
				require.NoError(t, err)
				require.Equal(t, "hello", got.Name)
				require.GreaterOrEqual(t, time.Since(start), 20*time.Second)
			})
		})
	}
}

// emptyHanded is a ServiceGetter that returns nothing.
type emptyHanded struct{}

func (emptyHanded) GetService(context.Context, string) (*service, error) { return nil, nil }

func TestGetterThatReturnsNothing(t *testing.T) {
	t.Parallel()
	_, err := cloudrun.WaitReady(t.Context(), emptyHanded{}, "hello")
	require.ErrorContains(t, err, "did not return the Service")
}

// A secret that only the watch has shown does not appear in the error: polls fail, and
// another writer changes the Service twice.
func TestWatchKnowsTheSecretsItReports(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newCluster(t, cloudruntest.WithTimeToReady(time.Minute))
		first, err := c.CreateService(t.Context(), newService(t, "hello"))
		require.NoError(t, err)
		s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "no database at only-in-the-event"}})
		write := time.AfterFunc(5*time.Second, func() {
			for _, value := range []string{"only-in-the-event", "changed-again"} {
				_, _ = c.UpdateService(context.Background(), "hello", func(s *service) error {
					s.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "PASSWORD", Value: value}}
					return nil
				})
			}
			s.Fault(cloudruntest.Fault{Match: func(r *http.Request) bool { return r.Method == http.MethodGet && !isWatch(r) }, Status: http.StatusServiceUnavailable, Times: -1})
		})
		defer write.Stop()
		var events []string
		_, err = cloudrun.WaitReady(t.Context(), c, "hello", cloudrun.WithFailureWindow(0), cloudrun.WithProgress(func(e cloudrun.Event) {
			events = append(events, fmt.Sprintf("%+v", e))
		}))
		require.Equal(t, int64(1), first.Generation)
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Contains(t, failed.Message, "no database at")
		require.NotContains(t, err.Error(), "only-in-the-event")
		require.NotContains(t, strings.Join(events, "\n"), "only-in-the-event")
	})
}
