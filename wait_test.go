package cloudrun_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// waitServer starts a server whose Service becomes ready, or fails, as the script says.
func waitServer(t *testing.T, script cloudruntest.Script) (*cloudruntest.Server, *cloudrun.Client, *servingv1.Service) {
	t.Helper()
	s, c := newServer(t)
	s.Script("hello", script)
	made, err := c.CreateService(t.Context(), newService(t, "hello"))
	require.NoError(t, err)
	s.ResetRequests()
	return s, c, made
}

const waitOperation = ":wait"

// ofOperation names the operation of a Service in a body.
func ofOperation(made *servingv1.Service, body string) string {
	return strings.ReplaceAll(body, "operations/ID", "operations/"+made.Annotations["run.googleapis.com/operation-id"])
}

// With the long poll, a wait sees readiness the moment it happens. It needs three
// requests, and two for each further half a minute: that of the long poll, and a
// look at the Service in case the operation never ends.
func TestLongPoll(t *testing.T) {
	t.Parallel()
	for _, ready := range []time.Duration{time.Second, 7 * time.Second, 3 * time.Minute} {
		inVirtualTime(t, func(t *testing.T) {
			s, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: ready})
			start := time.Now()
			got, err := cloudrun.WaitReady(t.Context(), c, "hello")
			require.NoError(t, err)
			require.Equal(t, ready, time.Since(start))
			require.True(t, got.IsReady())
			require.LessOrEqual(t, len(s.Requests()), 3+2*int(ready/(30*time.Second)), methods(s.Requests()))
			for _, r := range s.Requests()[1:] {
				if r.Method == http.MethodGet {
					require.Greater(t, ready, 10*time.Second)
					continue
				}
				require.Contains(t, r.Path, waitOperation)
				require.JSONEq(t, `{"timeout": "30s"}`, string(r.Body))
			}
		})
	}
}

// If the long poll does not work, the polls find the end.
func TestLongPollThatIsOfNoUse(t *testing.T) {
	t.Parallel()
	const ready = 40 * time.Second
	for name, tc := range map[string]struct {
		script cloudruntest.Script
		fault  cloudruntest.Fault
		late   time.Duration // how long after it is ready the wait may return
	}{
		"none":                {cloudruntest.Script{NoOperation: true}, cloudruntest.Fault{}, 3 * time.Second},
		"unknown":             {cloudruntest.Script{}, cloudruntest.Fault{Status: 404}, 3 * time.Second},
		"forbidden":           {cloudruntest.Script{}, cloudruntest.Fault{Status: 403}, 3 * time.Second},
		"failing":             {cloudruntest.Script{}, cloudruntest.Fault{Status: 503}, 3 * time.Second},
		"reset":               {cloudruntest.Script{}, cloudruntest.Fault{Reset: true}, 3 * time.Second},
		"a page":              {cloudruntest.Script{}, cloudruntest.Fault{Status: 404, Body: "<html>", ContentType: "text/html"}, 3 * time.Second},
		"without an answer":   {cloudruntest.Script{}, cloudruntest.Fault{Status: 200, Body: `{"name": "operations/ID", "done": true}`}, 3 * time.Second},
		"with another answer": {cloudruntest.Script{}, cloudruntest.Fault{Status: 200, Body: `{"name": "operations/ID", "done": true, "response": {"kind": "Job"}}`}, 3 * time.Second},
		"with another Service": {cloudruntest.Script{}, cloudruntest.Fault{Status: 200, Body: `{"name": "operations/ID", "done": true, "response":
			{"metadata": {"name": "other", "generation": 1}, "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}}}`}, 3 * time.Second},
		"of another operation": {cloudruntest.Script{}, cloudruntest.Fault{Status: 200, Body: `{"name": "operations/other", "done": true, "error": {"message": "it failed"}}`}, 3 * time.Second},
		"of no operation":      {cloudruntest.Script{}, cloudruntest.Fault{Status: 200, Body: `{"done": true, "error": {"message": "it failed"}}`}, 3 * time.Second},
		"not held":             {cloudruntest.Script{}, cloudruntest.Fault{Status: 200, Body: `{"name": "operations/ID", "done": false}`}, 3 * time.Second},
		"never answered":       {cloudruntest.Script{}, cloudruntest.Fault{Delay: time.Hour}, 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				script, fault := tc.script, tc.fault
				script.TimeToReady = ready
				s, c, made := waitServer(t, script)
				fault.Path, fault.Times, fault.Body = waitOperation, -1, ofOperation(made, fault.Body)
				s.Fault(fault)
				start := time.Now()
				got, err := cloudrun.WaitReady(t.Context(), c, "hello")
				require.NoError(t, err)
				require.True(t, got.IsReady())
				require.GreaterOrEqual(t, time.Since(start), ready)
				require.LessOrEqual(t, time.Since(start), ready+tc.late)
				require.Less(t, len(s.Requests()), 60, "at a polite pace")
			})
		})
	}
}

// The long poll ends early if the server does not hold the request.
func TestLongPollThatIsNotHeldIsGivenUp(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c, made := waitServer(t, cloudruntest.Script{TimeToReady: 20 * time.Minute})
		s.Fault(cloudruntest.Fault{Path: waitOperation, Status: 200, Body: ofOperation(made, `{"name": "operations/ID", "done": false}`), Times: -1})
		_, err := cloudrun.WaitReady(t.Context(), c, "hello")
		require.NoError(t, err)
		longPolls := 0
		for _, r := range s.Requests() {
			if strings.Contains(r.Path, waitOperation) {
				longPolls++
			}
		}
		require.Less(t, longPolls, 6)
		require.Less(t, len(s.Requests()), 800)
	})
}

// A failed operation fails the wait after the failure window. It does not if a later write replaced the operation.
func TestOperationThatFails(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c, made := waitServer(t, cloudruntest.Script{NeverReady: true})
		s.Fault(cloudruntest.Fault{Path: waitOperation, Delay: 5 * time.Second, Status: 200,
			Body: ofOperation(made, `{"name": "operations/ID", "done": true, "error": {"code": 8, "message": "out of quota\u001b"}}`)})
		start := time.Now()
		_, err := cloudrun.WaitReady(t.Context(), c, "hello")
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "out of quota", strings.TrimSpace(failed.Message))
		require.GreaterOrEqual(t, time.Since(start), 5*time.Second+cloudrun.DefaultFailureWindow)
		require.LessOrEqual(t, time.Since(start), 10*time.Second)
	})
	inVirtualTime(t, func(t *testing.T) {
		s, c, made := waitServer(t, cloudruntest.Script{NeverReady: true})
		s.Fault(cloudruntest.Fault{Path: waitOperation, Delay: 5 * time.Second, Status: 200,
			Body: ofOperation(made, `{"name": "operations/ID", "done": true, "error": {"message": "aborted by a later write"}}`)})
		go func() {
			time.Sleep(4 * time.Second)
			s.Script("hello", cloudruntest.Script{TimeToReady: 10 * time.Second})
			_, err := c.UpdateService(t.Context(), "hello", func(s *servingv1.Service) error {
				*s.Spec.Template.Spec.TimeoutSeconds = 7
				return nil
			})
			assert.NoError(t, err)
		}()
		got, err := cloudrun.WaitReady(t.Context(), c, "hello", cloudrun.WithGeneration(made.Generation))
		require.NoError(t, err)
		require.EqualValues(t, 2, got.Generation)
	})
}

// The error of a failed Revision has all available details.
func TestNotReady(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]cloudruntest.Failure{
		"reported by the Service":       {Message: "the container did not listen on PORT=8080"},
		"reported by the Revision only": {Message: "the container did not listen on PORT=8080", Hidden: true},
	} {
		inVirtualTime(t, func(t *testing.T) {
			failure.LogURL, failure.Log = "https://console.example/logs", []string{"panic: no database"}
			_, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: 3 * time.Second, FailRevision: &failure})
			start := time.Now()
			s, err := cloudrun.WaitReady(t.Context(), c, "hello")
			require.InDelta(t, 5, time.Since(start).Seconds(), 1, "the window is over soon after")
			var failed *cloudrun.NotReadyError
			require.ErrorAs(t, err, &failed, name)
			require.NotNil(t, s)
			require.Contains(t, failed.Message, "did not listen on PORT=8080")
			require.Equal(t, "ConfigurationsReady", failed.Condition)
			require.Equal(t, "HealthCheckContainerError", failed.Reason)
			require.Equal(t, s.Status.LatestCreatedRevisionName, failed.Revision)
			require.Equal(t, "https://console.example/logs", failed.LogURL)
			require.NotEmpty(t, failed.Conditions)
			require.NotEmpty(t, failed.RevisionConditions)
			require.EqualValues(t, 1, failed.Generation)
			require.ErrorContains(t, err, "https://console.example/logs")
			require.NoError(t, failed.LogError)
			require.Len(t, failed.Log, 1)
			require.Equal(t, "panic: no database", failed.Log[0].Text)
		})
	}
}

func TestWaitWithoutURL(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: time.Second, NoURL: true})
		s, err := cloudrun.WaitReady(t.Context(), c, "hello")
		require.NoError(t, err)
		require.Nil(t, s.Status.URL)
	})
}

// waitGetter is a ServiceGetter of a caller.
type waitGetter func(ctx context.Context, name string) (*servingv1.Service, error)

func (f waitGetter) GetService(ctx context.Context, name string) (*servingv1.Service, error) {
	return f(ctx, name)
}

var waitResource = schema.GroupResource{Group: "serving.knative.dev", Resource: "services"}

// A failed poll is retried and reported if the failure may pass. Otherwise it ends the wait.
func TestPollsThatFail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		passes bool
	}{
		"too many requests": {apierrors.NewTooManyRequests("slow down", 1), true},
		"internal error":    {apierrors.NewInternalError(errors.New("etcd")), true},
		"unavailable":       {apierrors.NewServiceUnavailable("starting"), true},
		"server timeout":    {apierrors.NewServerTimeout(waitResource, "get", 1), true},
		"connection":        {io.ErrUnexpectedEOF, true},
		"its own timeout":   {context.DeadlineExceeded, true},
		"not found":         {apierrors.NewNotFound(waitResource, "hello"), false},
		"forbidden":         {apierrors.NewForbidden(waitResource, "hello", nil), false},
		"unauthorized":      {apierrors.NewUnauthorized("who are you"), false},
		"an unknown error":  {errors.New("what"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				var events []cloudrun.Event
				polls := 0
				getter := waitGetter(func(context.Context, string) (*servingv1.Service, error) {
					if polls++; polls == 2 || polls == 3 {
						return nil, tc.err
					}
					status := "Unknown"
					if polls > 4 {
						status = "True"
					}
					return waitService(t, "1/1 - Ready="+status), nil
				})
				_, err := cloudrun.WaitReady(t.Context(), getter, "hello", cloudrun.WithProgress(func(e cloudrun.Event) {
					if e.Kind == cloudrun.Retrying {
						events = append(events, e)
					}
				}))
				if !tc.passes {
					require.ErrorIs(t, err, tc.err)
					require.Equal(t, 2, polls)
					return
				}
				require.NoError(t, err)
				require.Len(t, events, 2)
				require.ErrorIs(t, events[0].Err, tc.err)
			})
		})
	}
}

// The same over HTTP, at the first poll and later, with the long poll or without.
func TestPollsThatAreRefused(t *testing.T) {
	t.Parallel()
	for status, is := range map[int]func(error) bool{401: apierrors.IsUnauthorized, 403: apierrors.IsForbidden, 404: apierrors.IsNotFound} {
		for skip := range 2 {
			inVirtualTime(t, func(t *testing.T) {
				s, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: time.Minute, NoOperation: true})
				s.Fault(cloudruntest.Fault{Path: "/services/hello", Status: status, Skip: skip, Times: -1})
				_, err := cloudrun.WaitReady(t.Context(), c, "hello")
				require.True(t, is(err), err)
				require.Len(t, s.Requests(), skip+1)
			})
		}
	}
}

// The pause after a failed poll is the one that the event has.
func TestRetryingReportsTheDelay(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: time.Minute, NoOperation: true})
		s.Fault(cloudruntest.Fault{Path: "/services/hello", Status: 503, Times: 6})
		s.Fault(cloudruntest.Fault{Path: "/services/hello", Status: 429, Times: 2, Header: http.Header{"Retry-After": {"20"}}})
		var due time.Time
		reported := 0
		_, err := cloudrun.WaitReady(t.Context(), c, "hello", cloudrun.WithProgress(func(e cloudrun.Event) {
			if !due.IsZero() {
				require.Equal(t, due, e.Time)
				due = time.Time{}
			}
			if e.Kind == cloudrun.Retrying {
				reported++
				due = e.Time.Add(e.Delay)
				if reported > 6 {
					require.Greater(t, e.Delay, 20*time.Second)
				}
			}
		}))
		require.NoError(t, err)
		require.Equal(t, 8, reported)
	})
}

// Polls that fail during the failure window back off as usual.
func TestPollsThatFailDuringAFailure(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: time.Second, NoOperation: true, FailRevision: &cloudruntest.Failure{Log: []string{"a line"}}})
		time.Sleep(2 * time.Second)
		s.Fault(cloudruntest.Fault{Path: "/services/hello", Status: 503, Skip: 1, Times: 20})
		_, err := cloudrun.WaitReady(t.Context(), c, "hello")
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		polls := s.Requests()
		require.Len(t, polls, 24, "the first, the failing ones, one that sees the end, one of the Revision, and one of its log")
		require.Greater(t, polls[21].Time.Sub(polls[1].Time), 20*time.Second)
	})
}

// A connection that hangs does not end the wait.
func TestPollThatHangs(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: 10 * time.Second, NoOperation: true})
		s.Fault(cloudruntest.Fault{Path: "/services/hello", Delay: time.Hour, Skip: 1})
		start := time.Now()
		_, err := cloudrun.WaitReady(t.Context(), c, "hello")
		require.NoError(t, err)
		require.Less(t, time.Since(start), 40*time.Second)
	})
}

// A TimeoutError has what was seen last, and the error of the last poll.
func TestWaitThatEnds(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c, _ := waitServer(t, cloudruntest.Script{NeverReady: true})
		_, err := cloudrun.WaitReady(t.Context(), c, "hello", cloudrun.WithWaitTimeout(90*time.Second))
		var timeout *cloudrun.TimeoutError
		require.ErrorAs(t, err, &timeout)
		require.Equal(t, 90*time.Second, timeout.Waited)
		require.Equal(t, "Unknown", string(timeout.Last.Status))
		require.NoError(t, timeout.LastErr)

		s.Fault(cloudruntest.Fault{Path: "/services/hello", Status: 503, Skip: 1, Times: -1})
		s.Fault(cloudruntest.Fault{Path: waitOperation, Status: 404, Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err = cloudrun.WaitReady(ctx, c, "hello")
		require.ErrorAs(t, err, &timeout)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start), "the context bounds it as well")
		require.NotNil(t, timeout.Last)
		var api *cloudrun.APIError
		require.ErrorAs(t, err, &api, "why the last poll failed")
	})
	inVirtualTime(t, func(t *testing.T) {
		_, c, _ := waitServer(t, cloudruntest.Script{NeverReady: true})
		start := time.Now()
		_, err := cloudrun.WaitReady(t.Context(), c, "hello")
		require.Error(t, err)
		require.Equal(t, cloudrun.DefaultWaitTimeout, time.Since(start))
	})
}

// Each call returns as soon as its context is cancelled, whatever it is doing.
func TestCancelReturnsAtOnce(t *testing.T) {
	t.Parallel()
	stuck := cloudruntest.Script{NeverReady: true, DeletionTime: time.Hour}
	hang := cloudruntest.Fault{Delay: time.Hour, Times: -1}
	down := cloudruntest.Fault{Status: 503, Times: -1, Header: http.Header{"Retry-After": {"60"}}}
	for name, tc := range map[string]struct {
		fault cloudruntest.Fault
		call  func(context.Context, *cloudrun.Client) error
	}{
		"wait": {call: func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.WaitReady(ctx, c, "hello")
			return err
		}},
		"wait, polling": {fault: cloudruntest.Fault{Path: waitOperation, Status: 404, Times: -1}, call: func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.WaitReady(ctx, c, "hello")
			return err
		}},
		"wait, hanging": {fault: hang, call: func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.WaitReady(ctx, c, "hello")
			return err
		}},
		"deploy": {call: func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image), cloudrun.WithPublicAccess())
			return err
		}},
		"deploy, hanging": {fault: hang, call: func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image))
			return err
		}},
		"deploy, down": {fault: down, call: func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image))
			return err
		}},
		"deploy, write hangs": {fault: cloudruntest.Fault{Delay: time.Hour, Times: -1, Method: http.MethodPut}, call: func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image))
			return err
		}},
		"deploy, conflicts": {fault: cloudruntest.Fault{Status: 409, Times: -1, Method: http.MethodPut}, call: func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image))
			return err
		}},
		"deploy, IAM hangs": {fault: cloudruntest.Fault{Delay: time.Hour, Times: -1, Path: "IamPolicy"}, call: func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image), cloudrun.WithPublicAccess())
			return err
		}},
		"delete": {call: func(ctx context.Context, c *cloudrun.Client) error {
			return cloudrun.NewDeployer(c).Delete(ctx, "hello")
		}},
		"get, down": {fault: down, call: func(ctx context.Context, c *cloudrun.Client) error { _, err := c.GetService(ctx, "hello"); return err }},
		"create, down": {fault: cloudruntest.Fault{Status: 429, Times: -1}, call: func(ctx context.Context, c *cloudrun.Client) error {
			_, err := c.CreateService(ctx, named("new"))
			return err
		}},
		"update, down": {fault: down, call: func(ctx context.Context, c *cloudrun.Client) error {
			_, err := c.UpdateService(ctx, "hello", func(*service) error { return nil })
			return err
		}},
		"delete, down":       {fault: down, call: func(ctx context.Context, c *cloudrun.Client) error { return c.DeleteService(ctx, "hello") }},
		"make public, down":  {fault: down, call: func(ctx context.Context, c *cloudrun.Client) error { return cloudrun.MakePublic(ctx, c, "hello") }},
		"locations, hanging": {fault: hang, call: func(ctx context.Context, c *cloudrun.Client) error { _, err := c.ListLocations(ctx); return err }},
		"list, down": {fault: down, call: func(ctx context.Context, c *cloudrun.Client) error {
			for _, err := range c.ListServices(ctx) {
				return err
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c, _ := waitServer(t, stuck)
				if tc.fault.Times != 0 {
					s.Fault(tc.fault)
				}
				ctx, cancel := context.WithCancel(t.Context())
				const after = 20 * time.Second
				time.AfterFunc(after, cancel)
				start := time.Now()
				err := tc.call(ctx, c)
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, after, time.Since(start))
			})
			inVirtualTime(t, func(t *testing.T) {
				s, c, _ := waitServer(t, stuck)
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				start := time.Now()
				require.ErrorIs(t, tc.call(ctx, c), context.Canceled, "nor is anything begun")
				require.Zero(t, time.Since(start))
				require.Empty(t, s.Requests())
			})
		})
	}
}

// Events come in order, one at a time, and none after the call returns.
func TestProgressOfAWait(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: 30 * time.Second, ObservedLag: time.Second})
		s.Fault(cloudruntest.Fault{Path: "/services/hello", Status: 503, Skip: 2})
		returned := false
		var events []cloudrun.Event
		_, err := cloudrun.WaitReady(t.Context(), c, "hello", cloudrun.WithProgress(func(e cloudrun.Event) {
			require.False(t, returned)
			require.Equal(t, "hello", e.Service)
			require.Equal(t, time.Now(), e.Time)
			events = append(events, e)
		}))
		returned = true
		require.NoError(t, err)
		time.Sleep(time.Minute)
		synctest.Wait()

		require.Equal(t, cloudrun.StageStarted, events[0].Kind)
		last := events[len(events)-1]
		require.Equal(t, cloudrun.StageDone, last.Kind)
		require.Equal(t, cloudrun.StageWait, last.Stage)
		conditions := map[string][]string{}
		retries := 0
		for _, e := range events[1 : len(events)-1] {
			switch e.Kind {
			case cloudrun.ConditionChanged:
				require.EqualValues(t, 1, e.Generation)
				conditions[string(e.Condition.Type)] = append(conditions[string(e.Condition.Type)], string(e.Condition.Status))
			case cloudrun.Retrying:
				retries++
				require.Error(t, e.Err)
			}
		}
		require.Equal(t, 1, retries)
		for _, name := range []string{"Ready", "ConfigurationsReady", "RoutesReady"} {
			require.Equal(t, "True", conditions[name][len(conditions[name])-1])
		}
		require.Less(t, len(s.Requests()), 14, "polls beside the long poll are few: %v", methods(s.Requests()))
	})
}

// Without a progress handler there is no poll beside the long poll for the first
// seconds, and few later.
func TestWithoutAHandlerTheLongPollIsEnough(t *testing.T) {
	t.Parallel()
	for ready, most := range map[time.Duration]int{7 * time.Second: 2, 25 * time.Second: 4} {
		inVirtualTime(t, func(t *testing.T) {
			s, c, _ := waitServer(t, cloudruntest.Script{TimeToReady: ready})
			_, err := cloudrun.WaitReady(t.Context(), c, "hello")
			require.NoError(t, err)
			require.LessOrEqual(t, len(s.Requests()), most, methods(s.Requests()))
		})
	}
}

// waitAnswers returns a Client of a control plane with scripted responses to writes and reads.
func waitAnswers(t *testing.T, write string, reads ...string) *cloudrun.Client {
	t.Helper()
	r := &endpointRecorder{}
	polls := -1 // the first read comes before the write
	r.answer = func(req *http.Request) (*http.Response, error) {
		body := write
		if req.Method == http.MethodGet {
			if polls < 0 {
				polls = 0
				return endpointAnswer(req, http.StatusNotFound, "application/json", `{"kind": "Status", "reason": "NotFound", "code": 404}`), nil
			}
			body = reads[min(polls, len(reads)-1)]
			polls++
		} else if strings.Contains(write, "SENT") {
			sent, _ := io.ReadAll(req.Body)
			nonce := fields(t, string(sent))["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"]
			encoded, _ := json.Marshal(nonce)
			for i := range reads {
				reads[i] = strings.ReplaceAll(reads[i], `"SENT"`, string(encoded))
			}
			body = strings.ReplaceAll(write, `"SENT"`, string(encoded))
		}
		return endpointAnswer(req, http.StatusOK, "application/json", body), nil
	}
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
	require.NoError(t, err)
	return c
}

// waitObject returns a Service as JSON.
func waitObject(uid, created string, generation, observed int, ready, labels string) string {
	doc, _ := json.Marshal(map[string]any{
		"metadata": map[string]any{"name": "hello", "uid": uid, "creationTimestamp": created, "generation": generation, "resourceVersion": "1",
			"annotations": map[string]string{"serving.knative.dev/lastModifier": "ann@example.com"}},
		"spec":   map[string]any{"template": map[string]any{"metadata": map[string]any{"labels": labels}, "spec": map[string]any{"containers": []any{map[string]any{"image": image}}}}},
		"status": map[string]any{"observedGeneration": observed, "conditions": []any{map[string]any{"type": "Ready", "status": ready}}},
	})
	return strings.ReplaceAll(string(doc), `"labels":""`, `"labels":{}`)
}

// A stale read of a deleted Service with the same name does not end the wait, even if it is ready.
func TestWaitKnowsThePredecessor(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		old := waitObject("old", "2025-01-01T00:00:00Z", 7, 7, "True", "")
		c := waitAnswers(t, waitObject("new", "2025-02-01T00:00:00Z", 1, 0, "Unknown", "SENT"),
			old, old, waitObject("new", "2025-02-01T00:00:00Z", 1, 1, "Unknown", "SENT"), waitObject("new", "2025-02-01T00:00:00Z", 1, 1, "True", "SENT"))
		r, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		require.Equal(t, types.UID("new"), r.Service.UID)
	})
}

// A wait that another writer overtakes does not succeed. The error names the writer.
func TestWaitIsOvertaken(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		read      string
		overtaken bool
	}{
		"another configuration":        {waitObject("new", "2025-02-01T00:00:00Z", 2, 2, "True", ""), true},
		"another Service":              {waitObject("newer", "2025-03-01T00:00:00Z", 1, 1, "True", "SENT"), true},
		"ours, with the traffic moved": {waitObject("new", "2025-02-01T00:00:00Z", 2, 2, "True", "SENT"), false},
		"ours":                         {waitObject("new", "2025-02-01T00:00:00Z", 1, 1, "True", "SENT"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				c := waitAnswers(t, waitObject("new", "2025-02-01T00:00:00Z", 1, 0, "Unknown", "SENT"), tc.read)
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				var overtaken *cloudrun.OvertakenError
				require.Equal(t, tc.overtaken, errors.As(err, &overtaken), err)
				if tc.overtaken {
					require.Equal(t, "ann@example.com", overtaken.By)
				}
			})
		})
	}
}

func TestWaitChecksItsArguments(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	_, err := cloudrun.WaitReady(t.Context(), nil, "hello")
	require.ErrorContains(t, err, `"hello"`)
	var option *cloudrun.OptionError
	_, err = cloudrun.WaitReady(t.Context(), c, "hello", cloudrun.WithGeneration(0), cloudrun.WithFailureWindow(-1))
	require.ErrorAs(t, err, &option)
	require.ErrorContains(t, err, "WithGeneration(0)")
	require.ErrorContains(t, err, "WithFailureWindow(-1ns)")
	_, err = cloudrun.WaitReady(t.Context(), c, "hello", nil)
	require.Error(t, err)
	require.Empty(t, s.Requests())
}

// With an error too, the Service is returned as it was last seen, unless all reads are older than the write.
func TestWaitReturnsTheServiceAsLastSeen(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c, made := waitServer(t, cloudruntest.Script{NeverReady: true, NoOperation: true})
		time.Sleep(time.Minute)
		got, err := cloudrun.WaitReady(t.Context(), c, "hello", cloudrun.WithWaitTimeout(time.Minute))
		require.Error(t, err)
		require.Equal(t, made.Generation, got.Generation)
		got, err = cloudrun.WaitReady(t.Context(), c, "hello", cloudrun.WithWaitTimeout(time.Minute), cloudrun.WithGeneration(made.Generation+1))
		require.Error(t, err)
		require.Nil(t, got)
		s.Fault(cloudruntest.Fault{Path: "/services/hello", Status: 403, Skip: 1})
		got, err = cloudrun.WaitReady(t.Context(), c, "hello")
		require.True(t, apierrors.IsForbidden(err))
		require.NotNil(t, got)
	})
	inVirtualTime(t, func(t *testing.T) {
		const created = "2025-02-01T00:00:00Z"
		c := waitAnswers(t, waitObject("new", created, 1, 0, "Unknown", "SENT"), waitObject("new", created, 1, 1, "Unknown", "SENT"))
		r, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithWaitTimeout(time.Minute))
		require.Error(t, err)
		require.EqualValues(t, 1, r.Service.Status.ObservedGeneration, "it is newer than the response to the write")
	})
}
