package cloudrun_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
)

// waitState is what a control plane shows from a certain time on.
type waitState struct {
	after time.Duration
	shown *servingv1.Service
}

// waitTimeline is what a control plane shows of a Service after a write. Like the
// client of a Knative clientset, it is a ServiceGetter with no optional interfaces.
type waitTimeline struct {
	verdict, title string
	states         []waitState

	start time.Time // of the timeline
	lag   time.Duration
	polls []time.Duration
}

func (w *waitTimeline) GetService(ctx context.Context, name string) (*servingv1.Service, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at := time.Since(w.start)
	w.polls = append(w.polls, at)
	shown := w.states[0].shown
	for _, s := range w.states {
		if s.after <= at-w.lag {
			shown = s.shown
		}
	}
	return shown.DeepCopy(), nil
}

// settled returns when the timeline is first ready, or when its final failure begins.
func (w *waitTimeline) settled() (at time.Duration) {
	last := ""
	for _, s := range w.states {
		now := string(waitReadyStatus(s.shown))
		if s.shown.Status.ObservedGeneration != s.shown.Generation {
			now = "stale"
		}
		if now != last {
			last, at = now, s.after
		}
		if now == "True" {
			break
		}
	}
	return at
}

func waitReadyStatus(s *servingv1.Service) corev1.ConditionStatus {
	if c := s.Status.GetCondition("Ready"); c != nil {
		return c.Status
	}
	return ""
}

var waitCondition = regexp.MustCompile(`(\w+)=(True|False|Unknown)(?:\((\w+)(?:: (.*?))?\))?(?: |$)`)

// waitService reads one line of a timeline: generations, the latest Revision, conditions.
func waitService(t *testing.T, line string) *servingv1.Service {
	t.Helper()
	s := named("hello")
	var revision string
	_, err := fmt.Sscanf(line, "%d/%d %s", &s.Generation, &s.Status.ObservedGeneration, &revision)
	require.NoError(t, err, line)
	s.Status.LatestCreatedRevisionName = strings.TrimPrefix(revision, "-")
	for _, m := range waitCondition.FindAllStringSubmatch(line, -1) {
		s.Status.Conditions = append(s.Status.Conditions, apis.Condition{
			Type: apis.ConditionType(m[1]), Status: corev1.ConditionStatus(m[2]), Reason: m[3], Message: m[4],
		})
	}
	return s
}

// waitTimelines reads the timelines that were recorded from real control planes.
func waitTimelines(t *testing.T) (all []waitTimeline) {
	t.Helper()
	recorded, err := os.ReadFile("testdata/timelines.txt")
	require.NoError(t, err)
	for _, block := range strings.Split(string(recorded), "\n== ")[1:] {
		head, lines, _ := strings.Cut(block, "\n")
		w := waitTimeline{}
		w.verdict, w.title, _ = strings.Cut(head, ": ")
		for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
			after, state, _ := strings.Cut(strings.TrimSpace(line), " ")
			ms, err := time.ParseDuration(after + "ms")
			require.NoError(t, err)
			w.states = append(w.states, waitState{ms, waitService(t, state)})
		}
		all = append(all, w)
	}
	return all
}

// Every recorded timeline ends in its true verdict, whenever the polls happen:
// false alarms do not fail a wait, and stale states do not end it.
func TestWaitOnRecordedTimelines(t *testing.T) {
	t.Parallel()
	timelines := waitTimelines(t)
	require.Greater(t, len(timelines), 40)
	for _, recorded := range timelines {
		t.Run(recorded.title, func(t *testing.T) {
			t.Parallel()
			for phase := time.Duration(0); phase < time.Second; phase += 37 * time.Millisecond {
				inVirtualTime(t, func(t *testing.T) {
					w := recorded
					w.start = time.Now()
					time.Sleep(phase)
					checkTimeline(t, &w, phase)
				})
			}
		})
	}
}

func checkTimeline(t *testing.T, w *waitTimeline, phase time.Duration) {
	t.Helper()
	final := w.states[len(w.states)-1].shown
	var timeout *cloudrun.TimeoutError
	var failed *cloudrun.NotReadyError
	s, err := cloudrun.WaitReady(t.Context(), w, "hello", cloudrun.WithWaitTimeout(2*time.Minute))
	took := time.Since(w.start)
	switch w.verdict {
	case "ready":
		require.NoError(t, err)
		require.Equal(t, final.Generation, s.Status.ObservedGeneration)
		require.GreaterOrEqual(t, took, w.settled())
		require.LessOrEqual(t, took, max(w.settled(), phase)+cloudrun.DefaultPollMax*6/5)
	case "failed":
		require.ErrorAs(t, err, &failed)
		require.GreaterOrEqual(t, took, w.settled()+cloudrun.DefaultFailureWindow)
		require.LessOrEqual(t, took, max(w.settled(), phase)+cloudrun.DefaultFailureWindow+cloudrun.DefaultPollMax*6/5)
		checkCause(t, failed, s)
	default:
		require.ErrorAs(t, err, &timeout)
		require.Equal(t, "Unknown", string(timeout.Last.Status))
		require.Equal(t, "RevisionMissing", timeout.Last.Reason)
		require.Equal(t, 2*time.Minute, timeout.Waited)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
}

// checkCause checks that the error has the cause even if Ready has no message.
func checkCause(t *testing.T, failed *cloudrun.NotReadyError, s *servingv1.Service) {
	t.Helper()
	want := s.Status.GetCondition("ConfigurationsReady")
	if want.Status != corev1.ConditionFalse {
		want = s.Status.GetCondition("RoutesReady")
	}
	require.Equal(t, string(want.Type), failed.Condition)
	switch {
	case strings.HasSuffix(want.Message, "failed with message: ."):
		require.Empty(t, failed.Message, "an empty message gives way to the reason")
		require.ErrorContains(t, failed, want.Reason)
	default:
		require.Equal(t, want.Message, failed.Message)
		require.ErrorContains(t, failed, want.Message)
	}
	switch {
	case strings.Contains(want.Message, "already exists"):
		require.Empty(t, failed.Revision, "the latest Revision serves, and the failed one was not created")
		require.Equal(t, cloudrun.CauseRevisionName, failed.Cause())
	case want.Type == "ConfigurationsReady":
		require.Equal(t, s.Status.LatestCreatedRevisionName, failed.Revision)
		require.NotEqual(t, cloudrun.CauseRouting, failed.Cause())
	}
}

// After a write, nothing older than its generation counts, even if a stale read
// is consistent. Here each read is 700 ms behind, and the first ones show the
// ready Service before the write.
func TestWaitIsAnchored(t *testing.T) {
	t.Parallel()
	for _, recorded := range waitTimelines(t) {
		written := recorded.states[0].shown
		if recorded.verdict != "ready" || written.Generation < 2 || written.Generation == written.Status.ObservedGeneration {
			continue
		}
		t.Run(recorded.title, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				w := recorded
				stale := written.DeepCopy()
				stale.Generation = stale.Status.ObservedGeneration
				w.states = append([]waitState{{0, stale}}, recorded.states...)
				w.states[1].after = 1 // so that the lag shows the stale one at first
				w.start, w.lag = time.Now(), 700*time.Millisecond
				s, err := cloudrun.WaitReady(t.Context(), &w, "hello", cloudrun.WithGeneration(written.Generation))
				require.NoError(t, err)
				require.GreaterOrEqual(t, s.Generation, written.Generation)
				require.GreaterOrEqual(t, time.Since(w.start), recorded.settled()+w.lag)
			})
		})
	}
}

// Callers can set how long a failure must last to be final.
func TestFailureWindow(t *testing.T) {
	t.Parallel()
	alarm := func(t *testing.T, last time.Duration) *waitTimeline {
		return &waitTimeline{start: time.Now(), states: []waitState{
			{0, waitService(t, "1/1 - Ready=Unknown")},
			{time.Second, waitService(t, "1/1 - Ready=False(NotOwned: not ours)")},
			{time.Second + last, waitService(t, "1/1 - Ready=Unknown")},
			{2*time.Second + last, waitService(t, "1/1 - Ready=False(NotOwned: not ours)")},
			{2*time.Second + 2*last, waitService(t, "1/1 - Ready=True")},
		}}
	}
	for name, tc := range map[string]struct {
		last  time.Duration
		opts  []cloudrun.WaitOption
		fails bool
	}{
		"heals within the default window": {1900 * time.Millisecond, nil, false},
		"lasts longer than the default":   {6 * time.Second, nil, true},
		"heals within a wider window":     {6 * time.Second, []cloudrun.WaitOption{cloudrun.WithFailureWindow(10 * time.Second)}, false},
		"no window":                       {2500 * time.Millisecond, []cloudrun.WaitOption{cloudrun.WithFailureWindow(0)}, true},
		"two short ones are not one long": {1200 * time.Millisecond, []cloudrun.WaitOption{cloudrun.WithFailureWindow(1500 * time.Millisecond)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				_, err := cloudrun.WaitReady(t.Context(), alarm(t, tc.last), "hello", append(tc.opts, cloudrun.WithPollInterval(100*time.Millisecond, 500*time.Millisecond))...)
				var failed *cloudrun.NotReadyError
				require.Equal(t, tc.fails, errors.As(err, &failed), err)
			})
		})
	}
}

// The failure window of a new generation starts anew.
func TestFailureWindowIsOfOneGeneration(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		w := &waitTimeline{start: time.Now(), states: []waitState{
			{0, waitService(t, "1/1 - Ready=False(RevisionFailed: broken)")},
			{1900 * time.Millisecond, waitService(t, "2/2 - Ready=False(RevisionFailed: broken)")},
			{2500 * time.Millisecond, waitService(t, "2/2 - Ready=True")},
		}}
		_, err := cloudrun.WaitReady(t.Context(), w, "hello", cloudrun.WithPollInterval(100*time.Millisecond, 200*time.Millisecond))
		require.NoError(t, err)
	})
}

// Conditions of severity Warning or Info are reported and decide nothing.
func TestSeverity(t *testing.T) {
	t.Parallel()
	with := func(severity string, status corev1.ConditionStatus) *servingv1.Service {
		s := waitService(t, "1/1 - ConfigurationsReady=True Ready=True RoutesReady=True")
		s.Status.Conditions = append(s.Status.Conditions, apis.Condition{
			Type: "BaseImageValidated", Status: status, Severity: apis.ConditionSeverity(severity), Reason: "Old", Message: "the base image is old",
		})
		return s
	}
	for _, severity := range []string{"Warning", "Info"} {
		for _, status := range []corev1.ConditionStatus{corev1.ConditionFalse, corev1.ConditionUnknown} {
			inVirtualTime(t, func(t *testing.T) {
				w := &waitTimeline{start: time.Now(), states: []waitState{{0, with(severity, status)}}}
				var reported []string
				_, err := cloudrun.WaitReady(t.Context(), w, "hello", cloudrun.WithProgress(func(e cloudrun.Event) {
					if e.Condition != nil {
						reported = append(reported, string(e.Condition.Type))
					}
				}))
				require.NoError(t, err)
				require.Contains(t, reported, "BaseImageValidated")
			})
		}
		inVirtualTime(t, func(t *testing.T) {
			s := waitService(t, "1/1 - Ready=False(Old: old)")
			s.Status.Conditions[0].Severity = apis.ConditionSeverity(severity)
			w := &waitTimeline{start: time.Now(), states: []waitState{{0, s}, {time.Minute, waitService(t, "1/1 - Ready=True")}}}
			_, err := cloudrun.WaitReady(t.Context(), w, "hello")
			require.NoError(t, err, "it does not decide even as Ready")
		})
	}
}
