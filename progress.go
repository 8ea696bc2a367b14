package cloudrun

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/events"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/status"
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

// Event is one step of progress. Its text, its JSON and its form in logs name its
// fields as those of a [Result] do.
type Event struct {
	Kind    EventKind
	Time    time.Time
	Service string
	// Stage is the stage that the event belongs to.
	Stage Stage
	// Generation is the generation of the Service, 0 if it is not known yet.
	Generation int64
	// Condition is set for ConditionChanged.
	Condition *Condition
	// Err is set for StageFailed and Retrying.
	Err error
	// Delay is set for Retrying.
	Delay time.Duration
	// Message is set for Warned.
	Message string
}

// String returns the event on one line.
func (e Event) String() string {
	parts := []string{fmt.Sprintf("service %q: %s", e.Service, e.Kind)}
	for _, attr := range e.LogValue().Group()[2:] {
		parts = append(parts, attr.String())
	}
	return strings.Join(parts, " ")
}

// LogValue returns the event as a group: kind, service, and stage, generation,
// condition, error, delay and message where the event has them. Logs have a time
// of their own.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", string(e.Kind)), slog.String("service", e.Service)}
	add := func(has bool, attr slog.Attr) {
		if has {
			attrs = append(attrs, attr)
		}
	}
	add(e.Stage != "", slog.String("stage", string(e.Stage)))
	add(e.Generation != 0, slog.Int64("generation", e.Generation))
	if c := e.Condition; c != nil {
		attrs = append(attrs, slog.Group("condition", "type", string(c.Type), "status", string(c.Status), "reason", c.Reason, "message", c.Message))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	add(e.Delay != 0, slog.Duration("delay", e.Delay))
	add(e.Message != "", slog.String("message", e.Message))
	return slog.GroupValue(attrs...)
}

// MarshalJSON encodes the event as an object with the fields kind, time, service,
// stage, generation, condition, error, delaySeconds and message. The error is its text.
func (e Event) MarshalJSON() ([]byte, error) {
	var cause string
	if e.Err != nil {
		cause = e.Err.Error()
	}
	return json.Marshal(struct {
		Kind       EventKind  `json:"kind"`
		Time       time.Time  `json:"time"`
		Service    string     `json:"service"`
		Stage      Stage      `json:"stage,omitempty"`
		Generation int64      `json:"generation,omitempty"`
		Condition  *Condition `json:"condition,omitempty"`
		Error      string     `json:"error,omitempty"`
		Seconds    float64    `json:"delaySeconds,omitempty"`
		Message    string     `json:"message,omitempty"`
	}{e.Kind, e.Time, e.Service, e.Stage, e.Generation, e.Condition, cause, e.Delay.Seconds(), e.Message})
}

// reporter passes events to a handler: in order, one at a time, and none after
// close. A nil reporter drops them.
type reporter struct {
	service string
	queue   *events.Queue[Event]
}

func newReporter(service string, handle func(Event)) *reporter {
	if handle == nil {
		return nil
	}
	return &reporter{service: service, queue: events.NewQueue(handle)}
}

func (r *reporter) emit(e Event) {
	if r == nil {
		return
	}
	e.Time, e.Service = time.Now(), cmp.Or(e.Service, r.service)
	r.queue.Add(e)
}

// close waits until all events are handled and drops later ones.
func (r *reporter) close() {
	if r != nil {
		r.queue.Close()
	}
}

// stage reports the start of a stage; the returned function reports its end.
func (r *reporter) stage(s Stage) (end func(error)) {
	r.emit(Event{Kind: StageStarted, Stage: s})
	return func(err error) {
		if err != nil {
			r.emit(Event{Kind: StageFailed, Stage: s, Err: err})
			return
		}
		r.emit(Event{Kind: StageDone, Stage: s})
	}
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

// waitReport reports a wait: its stages, the conditions that change and the
// polls that fail. A nil waitReport reports nothing.
type waitReport struct {
	report     *reporter
	hide       *redact.Memory
	generation int64 // the oldest that counts
	known      map[apis.ConditionType]Condition
	stages     *waitStages
	endWait    func(error)
}

// newWaitReport begins the report of a wait. makes reports whether the write
// before it makes a Revision.
func newWaitReport(report *reporter, hide *redact.Memory, generation int64, makes bool) *waitReport {
	if report == nil {
		return nil
	}
	end := report.stage(StageWait)
	return &waitReport{
		report: report, hide: hide, generation: generation, known: map[apis.ConditionType]Condition{},
		stages: newWaitStages(report, makes), endWait: end,
	}
}

// observer returns the report as an observer, nil if there is none.
func (r *waitReport) observer() watch.Observer[*servingv1.Service] {
	if r == nil {
		return nil
	}
	return r
}

// Seen reports what has changed since the Service was last seen.
func (r *waitReport) Seen(s *servingv1.Service) {
	if !status.Current(s, r.generation) {
		return
	}
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
	report *reporter
	makes  bool // a new Revision is created
	routed bool // StageRouteTraffic has ended

	create, route func(error) // end the stages under way; nil for the others
}

// newWaitStages begins with StageCreateRevision if a new Revision is known to be created.
func newWaitStages(report *reporter, makes bool) *waitStages {
	t := &waitStages{report: report}
	if makes {
		t.beginCreate()
	}
	return t
}

func (t *waitStages) beginCreate() { t.makes, t.create = true, t.report.stage(StageCreateRevision) }

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
		t.route = t.report.stage(StageRouteTraffic)
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
		t.route = t.report.stage(StageRouteTraffic)
	}
	for _, end := range []func(error){t.create, t.route} {
		if end != nil {
			end(err)
		}
	}
}
