package cloudrun_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// progressLog records the events of a call. It fails the test if events come
// concurrently or after the call has returned.
type progressLog struct {
	t        *testing.T
	stages   []string
	events   []cloudrun.Event
	inside   atomic.Bool
	returned atomic.Bool
}

func (l *progressLog) handle(e cloudrun.Event) {
	if !l.inside.CompareAndSwap(false, true) {
		l.t.Error("two events at the same time")
	}
	defer l.inside.Store(false)
	if l.returned.Load() {
		l.t.Errorf("an event after the return: %+v", e)
	}
	l.events = append(l.events, e)
	switch e.Kind {
	case cloudrun.StageStarted, cloudrun.StageDone, cloudrun.StageFailed:
		l.stages = append(l.stages, fmt.Sprintf("%s: %s", e.Stage, e.Kind))
	}
}

func progressOf(t *testing.T, call func(cloudrun.ProgressOption) error) (*progressLog, error) {
	t.Helper()
	l := &progressLog{t: t}
	err := call(cloudrun.WithProgress(l.handle))
	l.returned.Store(true)
	time.Sleep(time.Minute) // virtual: late events would come now
	return l, err
}

var progressOfADeployment = []string{
	"write: stage started", "write: stage done",
	"wait: stage started",
	"create revision: stage started", "create revision: stage done",
	"route traffic: stage started", "route traffic: stage done",
	"wait: stage done",
}

func TestProgressFramesTheStages(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]cloudruntest.Option{
		"ready at once":          nil,
		"ready between looks":    {cloudruntest.WithTimeToReady(2 * time.Second)},
		"every look has changes": {cloudruntest.WithTimeToReady(time.Minute)},
		"on a cluster":           {cloudruntest.Cluster(), cloudruntest.WithTimeToReady(20 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				d := progressDeployer(t, name == "on a cluster", options...)
				for range 2 { // a new Service, then a new Revision of it
					l, err := progressOf(t, func(o cloudrun.ProgressOption) error {
						_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), o)
						return err
					})
					require.NoError(t, err)
					require.Equal(t, progressOfADeployment, l.stages)
				}
			})
		})
	}
}

func progressDeployer(t *testing.T, cluster bool, opts ...cloudruntest.Option) *cloudrun.Deployer {
	t.Helper()
	s, c := newServer(t, opts...)
	if cluster {
		var err error
		c, err = cloudrun.NewClusterClient(t.Context(), "demo", s.ClientOptions()...)
		require.NoError(t, err)
	}
	return cloudrun.NewDeployer(c)
}

// Every stage that starts also ends. The stage at fault ends last within the wait.
func TestProgressOfFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script cloudruntest.Script
		stages []string
	}{
		"the Revision fails": {
			script: cloudruntest.Script{TimeToReady: 20 * time.Second, FailRevision: &cloudruntest.Failure{}},
			stages: []string{"wait: stage started", "create revision: stage started", "create revision: stage failed", "wait: stage failed"},
		},
		"the routing never ends": {
			script: cloudruntest.Script{Stages: []cloudruntest.Stage{{Conditions: []cloudruntest.Condition{
				{Type: "ConfigurationsReady", Status: "True"}, {Type: "RoutesReady", Status: "Unknown"}, {Type: "Ready", Status: "Unknown"}}}}},
			stages: []string{"wait: stage started", "create revision: stage started", "create revision: stage done",
				"route traffic: stage started", "route traffic: stage failed", "wait: stage failed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				s.Script("hello", tc.script)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				l, err := progressOf(t, func(o cloudrun.ProgressOption) error {
					_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image), o)
					return err
				})
				require.Error(t, err)
				require.Equal(t, append([]string{"write: stage started", "write: stage done"}, tc.stages...), l.stages)
				for _, e := range l.events {
					require.Equal(t, e.Kind == cloudrun.StageFailed || e.Kind == cloudrun.Retrying, e.Err != nil, "%+v", e)
				}
			})
		})
	}
}

func TestProgressReportsOnlyStagesThatHappen(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		deploy := func(opts ...cloudrun.DeployOption) []string {
			l, err := progressOf(t, func(o cloudrun.ProgressOption) error {
				_, err := d.Deploy(t.Context(), "hello", append(opts, o)...)
				return err
			})
			require.NoError(t, err)
			return l.stages
		}
		written, waited := progressOfADeployment[:2:2], []string{"wait: stage started", "wait: stage done"}
		require.Equal(t, written, deploy(cloudrun.Async()))
		require.Equal(t, append(written, waited...), deploy(cloudrun.IfChanged()), "nothing was changed")
		require.Equal(t, append(written, "wait: stage started", "create revision: stage started", "create revision: stage done", "wait: stage done"),
			deploy(cloudrun.WithNoTraffic()), "no traffic is moved to the new Revision")

		s.Script("hello", cloudruntest.Script{FalseAlarm: time.Second, TimeToReady: 10 * time.Second})
		require.NotContains(t, deploy(), "create revision: stage failed", "a false alarm")
		l, err := progressOf(t, func(o cloudrun.ProgressOption) error {
			_, err := cloudrun.WaitReady(t.Context(), c, "hello", o)
			return err
		})
		require.NoError(t, err)
		require.Equal(t, waited, l.stages, "the Service was ready before")
	})
}

// Events that a program reports between calls reach the handlers of those calls, in order.
func TestProgressOfAProgram(t *testing.T) {
	t.Parallel()
	_, c := newServer(t)
	var heard []string
	hear := func(by string) cloudrun.ProgressOption {
		return cloudrun.WithProgress(func(e cloudrun.Event) {
			require.WithinDuration(t, time.Now(), e.Time, time.Minute)
			heard = append(heard, by+": "+e.Service+" "+string(e.Stage))
		})
	}
	d := cloudrun.NewDeployer(c, hear("default"), cloudrun.WithImage(image))
	report, err := d.Progress(hear("call"), cloudrun.WithWaitTimeout(time.Minute))
	require.NoError(t, err)
	report(cloudrun.Event{Kind: cloudrun.StageStarted, Service: "hello", Stage: cloudrun.StageCheck})
	require.Equal(t, []string{"default: hello check", "call: hello check"}, heard)

	report, err = cloudrun.NewDeployer(c).Progress()
	require.NoError(t, err)
	report(cloudrun.Event{Kind: cloudrun.StageStarted})

	report, err = d.Progress(nil, cloudrun.WithWaitTimeout(-1))
	var option *cloudrun.OptionError
	require.ErrorAs(t, err, &option)
	require.NotNil(t, report)
}

// Events are made for logs: what an event has, and its error as text.
func TestEventsInLogs(t *testing.T) {
	t.Parallel()
	e := cloudrun.Event{Kind: cloudrun.Retrying, Service: "hello", Stage: cloudrun.StageWait, Generation: 2, Err: errors.New("HTTP 503"), Delay: 2 * time.Second}
	changed := cloudrun.Event{Kind: cloudrun.ConditionChanged, Service: "hello", Condition: &cloudrun.Condition{Type: "Ready", Status: "Unknown", Reason: "Deploying"}}
	warned := cloudrun.Event{Kind: cloudrun.Warned, Message: "no traffic"}

	require.Equal(t, `service "hello": retrying stage=wait generation=2 error=HTTP 503 delay=2s`, e.String())
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, nil))
	logger.Info("deploying", "event", e)
	logger.Info("deploying", "event", changed)
	logger.Info("deploying", "event", warned)
	require.Contains(t, out.String(), `event.kind=retrying event.service=hello event.stage=wait event.generation=2 event.error="HTTP 503" event.delay=2s`)
	require.Contains(t, out.String(), `event.condition.type=Ready event.condition.status=Unknown event.condition.reason=Deploying event.condition.message=""`)
	require.Contains(t, out.String(), `event.kind=warning event.service="" event.message="no traffic"`)

	encoded, err := json.Marshal(e)
	require.NoError(t, err)
	require.JSONEq(t, `{"kind":"retrying","time":"0001-01-01T00:00:00Z","service":"hello","stage":"wait","generation":2,"error":"HTTP 503","delaySeconds":2}`, string(encoded))
	encoded, err = json.Marshal(changed)
	require.NoError(t, err)
	require.Contains(t, string(encoded), `"condition":{"type":"Ready","status":"Unknown"`)
}
