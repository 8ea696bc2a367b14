package cloudrun_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

var errOops = errors.New("oops")

// on returns a handler that does something at the first event of a kind and a
// stage, and fails the test if there are events later.
func on(t *testing.T, kind cloudrun.EventKind, stage cloudrun.Stage, do func()) cloudrun.ProgressOption {
	t.Helper()
	done := false
	return cloudrun.WithProgress(func(e cloudrun.Event) {
		if done {
			t.Errorf("an event after the handler ended: %v", e)
		}
		if e.Kind == kind && e.Stage == stage {
			done = true
			do()
		}
	})
}

// A handler that panics, or ends its goroutine as require does, does so on the
// goroutine of the caller, whatever reports the event. When that unwinds, the
// call has ended: it sends nothing more.
func TestHandlersThatDoNotReturn(t *testing.T) {
	t.Parallel()
	for _, stage := range []cloudrun.Stage{cloudrun.StageWrite, cloudrun.StageWait, cloudrun.StageCreateRevision, cloudrun.StagePublish} {
		for _, kind := range []cloudrun.EventKind{cloudrun.StageStarted, cloudrun.StageDone} {
			for name, end := range map[string]func(){"panics": func() { panic(errOops) }, "exits": runtime.Goexit} {
				t.Run(string(stage)+" "+string(kind)+" "+name, func(t *testing.T) {
					t.Parallel()
					inVirtualTime(t, func(t *testing.T) {
						s, c := newServer(t, cloudruntest.WithTimeToReady(3*time.Second))
						s.Fault(cloudruntest.Fault{Path: "IamPolicy", Times: -1, Delay: time.Second, Header: http.Header{"X-Slow": {"1"}}})
						var panicked any
						returned, ended := false, time.Time{}
						done := make(chan struct{})
						go func() {
							defer close(done)
							defer func() { panicked, ended = recover(), time.Now() }()
							_, _ = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithPublicAccess(), on(t, kind, stage, end))
							returned = true
						}()
						<-done
						require.False(t, returned)
						require.Equal(t, name == "panics", panicked == errOops) //nolint:errorlint // the very value
						time.Sleep(time.Hour)
						for _, r := range s.Requests() {
							require.False(t, r.Time.After(ended), "%s %s at %v, after %v", r.Method, r.Path, r.Time, ended)
						}
					})
				})
			}
		}
	}
}

// Other code of the caller that runs on goroutines of ours does not end the process either.
func TestForeignCodeThatPanics(t *testing.T) {
	t.Parallel()
	t.Run("a transport while publishing", func(t *testing.T) {
		t.Parallel()
		inVirtualTime(t, func(t *testing.T) {
			s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithTimeToReady(time.Minute))
			defer s.Close()
			inner := s.Client().Transport
			c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", append(s.ClientOptions(), option.WithHTTPClient(&http.Client{
				Transport: testkit.RoundTripper(func(r *http.Request) (*http.Response, error) {
					if strings.Contains(r.URL.Path, "IamPolicy") {
						panic(errOops)
					}
					return inner.RoundTrip(r)
				}),
			}))...)
			require.NoError(t, err)
			start := time.Now()
			require.PanicsWithValue(t, errOops, func() {
				_, _ = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithPublicAccess())
			})
			require.Less(t, time.Since(start), time.Second, "the wait is ended")
		})
	})
	t.Run("an OperationWaiter", func(t *testing.T) {
		t.Parallel()
		inVirtualTime(t, func(t *testing.T) {
			_, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: time.Minute})
			require.PanicsWithValue(t, errOops, func() { _, _ = cloudrun.WaitReady(t.Context(), panickingWaiter{c}, "hello") })
		})
	})
}

type panickingWaiter struct{ *cloudrun.Client }

func (panickingWaiter) WaitOperation(context.Context, string) (*servingv1.Service, error) {
	time.Sleep(time.Second)
	panic(errOops)
}

// A handler may use the library. In a bubble this hangs if anybody waits for a
// mutex while the handler runs.
func TestHandlersThatUseTheLibrary(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t, cloudruntest.WithTimeToReady(5*time.Second))
		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Times: -1, Delay: 300 * time.Millisecond, Header: http.Header{"X-Slow": {"1"}}})
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		l := &progressLog{t: t}
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithPublicAccess(), cloudrun.WithProgress(func(e cloudrun.Event) {
			l.handle(e)
			l.inside.Store(true)
			defer l.inside.Store(false)
			_, _ = c.GetService(t.Context(), "hello")
			if e.Stage == cloudrun.StagePublish && e.Kind == cloudrun.StageStarted {
				_, err := d.Deploy(t.Context(), "other", cloudrun.WithPublicAccess(), cloudrun.WithProgress(func(cloudrun.Event) { _, _ = c.GetService(t.Context(), "other") }))
				require.NoError(t, err)
			}
		}))
		l.returned.Store(true)
		require.NoError(t, err)
		require.Subset(t, l.stages, append([]string{"publish: stage started", "publish: stage done"}, progressOfADeployment...))
		time.Sleep(time.Hour)
	})
}

// An event that a handler reports is handled after the one that it handles.
func TestHandlersThatReport(t *testing.T) {
	t.Parallel()
	_, c := newServer(t)
	var report func(cloudrun.Event)
	var got []string
	report, err := cloudrun.NewDeployer(c).Progress(cloudrun.WithProgress(func(e cloudrun.Event) {
		report(cloudrun.Event{Message: e.Message + "+"})
		got = append(got, e.Message)
		if len(got) > 2 {
			panic(errOops)
		}
	}))
	require.NoError(t, err)
	require.PanicsWithValue(t, errOops, func() { report(cloudrun.Event{Message: "1"}) })
	require.Equal(t, []string{"1", "1+", "1++"}, got)
}
