package cloudrun

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/agent"
	"github.com/cloudrun-go/cloudrun/internal/events"
	"github.com/cloudrun-go/cloudrun/internal/logform"
	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/telemetry"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
	"github.com/cloudrun-go/cloudrun/internal/watch"
)

// EventKind is the kind of an [Event].
type EventKind string

// The kinds of events.
const (
	// StageStarted begins a stage, StageDone or StageFailed ends it. Err is set for StageFailed.
	StageStarted EventKind = "stage started"
	StageDone    EventKind = "stage done"
	StageFailed  EventKind = "stage failed"
	// ConditionChanged reports that Condition has a new status, reason or message.
	ConditionChanged EventKind = "condition changed"
	// Retrying reports that a request failed with Err and is retried after Delay.
	Retrying EventKind = "retrying"
	// Warned carries a Message that the caller should see, such as a warning of the server.
	Warned EventKind = "warning"
)

// Event is one step of progress. [LogProgress] logs events. Its text, its JSON and its form in logs name its
// fields as those of a [Result] do.
type Event struct {
	Kind    EventKind
	Time    time.Time
	Service string
	// Region is where the Service is; empty on a cluster, and for [WaitReady].
	Region string
	// Stage is the stage that the event belongs to.
	Stage Stage
	// Generation is the generation of the Service, 0 if it is not known yet.
	Generation int64
	// Revision is the Revision that the call made, or the latest one if the call made
	// none; empty if it is not known yet.
	Revision string
	// Step is the percentage of the step of a rollout that the event belongs to; 0
	// outside of a rollout.
	Step int
	// Condition is set for ConditionChanged.
	Condition *Condition
	// Err is set for StageFailed and Retrying.
	Err error
	// Delay is set for Retrying.
	Delay time.Duration
	// Message is set for Warned.
	Message string
}

// details returns what happened as a group.
func (e Event) details() slog.Value {
	all := []slog.Attr{slog.Int64("generation", e.Generation), slog.String("revision", e.Revision), conditionAttr(e.Condition)}
	if e.Err != nil {
		all = append(all, slog.String("error", e.Err.Error()))
	}
	return logform.Group(append(all, slog.Duration("delay", e.Delay), slog.String("message", e.Message))...)
}

// conditionAttr returns a condition as a group; empty without one.
func conditionAttr(c *Condition) slog.Attr {
	if c == nil {
		return slog.Attr{}
	}
	return slog.Group("condition", "type", string(c.Type), "status", string(c.Status), "reason", c.Reason, "message", c.Message)
}

// reporter passes the events of a call to a handler and to the telemetry: in
// order, one at a time, and none after close. A nil reporter drops them.
type reporter struct {
	trace *telemetry.Call
	queue *events.Queue[Event] // nil without a handler

	mu    sync.Mutex
	known Event // the generation and the Revision that are known by now
}

// newReporter returns the reporter of a call; nil if nobody listens.
func newReporter(t *telemetry.Call, handle func(Event)) *reporter {
	if handle == nil && !t.Listening() {
		return nil
	}
	r := &reporter{trace: t}
	if handle != nil {
		r.queue = events.NewQueue(handle)
	}
	return r
}

func (r *reporter) emit(e Event) {
	if r == nil {
		return
	}
	e = r.complete(e)
	switch e.Kind {
	case Retrying:
		r.trace.Retried(string(e.Stage), e.Err)
		r.trace.Event(string(e.Stage), string(e.Kind), e.details)
	case ConditionChanged, Warned:
		r.trace.Event(string(StageWait), string(e.Kind), e.details) // their stage may not have begun
	}
	if r.queue != nil {
		r.queue.Add(e)
	}
}

// complete adds to an event what is known of each.
func (r *reporter) complete(e Event) Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Time, e.Service, e.Region = time.Now(), cmp.Or(e.Service, r.trace.Target.Service), cmp.Or(e.Region, r.trace.Target.Region)
	e.Step, e.Generation, e.Revision = cmp.Or(e.Step, r.trace.Step), cmp.Or(e.Generation, r.known.Generation), cmp.Or(e.Revision, r.known.Revision)
	return e
}

// learn notes the generation and the Revision of a call. Those that are not known
// are 0 and empty.
func (r *reporter) learn(generation int64, revision string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known.Generation, r.known.Revision = cmp.Or(generation, r.known.Generation), cmp.Or(revision, r.known.Revision)
}

// close waits until all events are handled and drops later ones.
func (r *reporter) close() {
	if r != nil && r.queue != nil {
		r.queue.Close()
	}
}

// stage reports the start of a stage, whose requests use the context. The returned
// function reports its end.
func (r *reporter) stage(ctx context.Context, s Stage) (_ context.Context, end func(error)) {
	if r == nil {
		return ctx, func(error) {}
	}
	r.emit(Event{Kind: StageStarted, Stage: s})
	ctx, ended := r.trace.Stage(ctx, string(s))
	return ctx, func(err error) {
		ended(err)
		if err != nil {
			r.emit(Event{Kind: StageFailed, Stage: s, Err: err})
			return
		}
		r.emit(Event{Kind: StageDone, Stage: s})
	}
}

// polled reports to the telemetry what a poll saw.
func (r *reporter) polled(stage Stage, s *servingv1.Service) {
	r.trace.Event(string(stage), "poll", func() slog.Value { return status.Seen(s) })
}

// retrying returns a function that reports retried requests; nil for a nil reporter.
func (r *reporter) retrying(s Stage) func(error, time.Duration) {
	if r == nil {
		return nil
	}
	return func(err error, delay time.Duration) {
		r.emit(Event{Kind: Retrying, Stage: s, Err: err, Delay: delay})
	}
}

// traceOf begins the span of a call that reads with a ServiceGetter, which may be a
// Client or embed one.
func traceOf(ctx context.Context, services any, op, name string) (context.Context, *telemetry.Call) {
	if c, ok := services.(interface {
		trace(ctx context.Context, op, name string) (context.Context, *telemetry.Call)
	}); ok {
		return c.trace(ctx, op, name)
	}
	return telemetry.New(nil, nil, agent.Version()).Begin(ctx, op, telemetry.Target{Service: name})
}

// waitReport reports a wait: its stages, the conditions that change and the
// polls that fail. A nil waitReport reports nothing.
type waitReport struct {
	report     *reporter
	hide       *redact.Memory
	generation int64       // the oldest that counts
	made       nonce.Nonce // of the Revision that the write before the wait made; empty if there is none
	known      map[apis.ConditionType]Condition
	stages     *waitStages
	endWait    func(error)
}

// newWaitReport begins the report of a wait, whose requests use the context.
func newWaitReport(ctx context.Context, report *reporter, hide *redact.Memory, generation int64, made nonce.Nonce) (context.Context, *waitReport) {
	if report == nil {
		return ctx, nil
	}
	ctx, end := report.stage(ctx, StageWait)
	return ctx, &waitReport{
		report: report, hide: hide, generation: generation, made: made, known: map[apis.ConditionType]Condition{},
		stages: newWaitStages(func(s Stage) func(error) { _, end := report.stage(ctx, s); return end }, made != ""), endWait: end,
	}
}

// observer returns the report as an observer, nil if there is none.
func (r *waitReport) observer() watch.Observer[*servingv1.Service] {
	if r == nil {
		return nil
	}
	return r
}

// quiet reports whether the observer needs no polls of its own: spans show what a
// wait sees, and handlers of progress want to see more.
func (r *waitReport) quiet() bool { return r == nil || r.report.queue == nil }

// Seen reports what has changed since the Service was last seen.
func (r *waitReport) Seen(s *servingv1.Service) {
	r.report.polled(StageWait, s)
	if !status.Current(s, r.generation) {
		return
	}
	r.report.learn(s.Generation, status.RevisionOf(s, r.made, nil))
	for _, c := range status.Changes(r.known, s.Status.Conditions) {
		r.known[c.Type] = c
		status.Learn(r.hide, s, s)
		c = status.Hidden(r.hide, []Condition{c})[0]
		r.report.emit(Event{Kind: ConditionChanged, Stage: stageOf(string(c.Type)), Generation: s.Generation, Condition: &c})
	}
	r.stages.see(s)
}

// Retrying reports a failed poll.
func (r *waitReport) Retrying(err error, pause time.Duration) {
	r.report.emit(Event{Kind: Retrying, Stage: StageWait, Err: err, Delay: pause})
}

// end ends the report with the wait.
func (r *waitReport) end(s *servingv1.Service, err error) {
	if r == nil {
		return
	}
	r.stages.end(s, err)
	r.endWait(err)
}

// stageOf returns the stage that ends when a condition becomes true.
func stageOf(condition string) Stage {
	switch condition {
	case status.ConditionConfigurations:
		return StageCreateRevision
	case status.ConditionRoutes:
		return StageRouteTraffic
	}
	return StageWait
}

// waitStages reports the stages within a wait, [StageCreateRevision] and then
// [StageRouteTraffic], as far as the conditions of the Service show them. A
// condition that is always True shows nothing, because right after a write it
// still describes the previous generation.
type waitStages struct {
	begin  func(Stage) (end func(error))
	makes  bool // a new Revision is created
	routed bool // StageRouteTraffic has ended

	create, route func(error) // end the stages under way; nil for the others
}

// newWaitStages begins with StageCreateRevision if a new Revision is known to be created.
func newWaitStages(begin func(Stage) (end func(error)), makes bool) *waitStages {
	t := &waitStages{begin: begin}
	if makes {
		t.beginCreate()
	}
	return t
}

func (t *waitStages) beginCreate() { t.makes, t.create = true, t.begin(StageCreateRevision) }

func (t *waitStages) endCreate() {
	if t.create != nil {
		t.create(nil)
		t.create = nil
	}
}

// see follows the conditions of a Service whose status is current.
func (t *waitStages) see(s *servingv1.Service) {
	configurations := status.Find(s.Status.Conditions, status.ConditionConfigurations)
	routes := status.Find(s.Status.Conditions, status.ConditionRoutes)
	if configurations == nil || routes == nil {
		return
	}
	if configurations.Status != corev1.ConditionTrue {
		if t.create == nil && !t.makes {
			t.beginCreate()
		}
		if t.create != nil {
			return
		}
	}
	t.endCreate()
	switch routed := routes.Status == corev1.ConditionTrue; {
	case t.route == nil && !t.routed && !routed:
		t.route = t.begin(StageRouteTraffic)
	case t.route != nil && routed:
		t.route(nil)
		t.route, t.routed = nil, true
	}
}

// end ends the stages under way with the wait. It also reports the routing of
// traffic that happened between two looks at the Service.
func (t *waitStages) end(s *servingv1.Service, err error) {
	if err == nil && t.route == nil && t.makes && !t.routed && !split.Pinned(traffic.Targets(s)) {
		t.endCreate()
		t.route = t.begin(StageRouteTraffic)
	}
	for _, end := range []func(error){t.create, t.route} {
		if end != nil {
			end(err)
		}
	}
}
