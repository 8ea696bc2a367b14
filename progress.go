package cloudrun

import (
	"cmp"
	"sync"
	"time"

	"knative.dev/pkg/apis"
)

// Stage is a part of a deployment.
type Stage string

// The stages of a deployment. Publish runs beside CreateRevision and RouteTraffic.
const (
	StageOptions        Stage = "options"         // checking the options
	StageRead           Stage = "read"            // reading the current Service
	StageWrite          Stage = "write"           // writing the Service
	StageCreateRevision Stage = "create revision" // condition ConfigurationsReady
	StageRouteTraffic   Stage = "route traffic"   // condition RoutesReady
	StageWait           Stage = "wait"            // the wait as a whole, condition Ready
	StagePublish        Stage = "publish"         // the IAM policy
	StageDelete         Stage = "delete"          // waiting until the Service is gone
	StageCheck          Stage = "check"           // the pause and the check of a step of a rollout
	StageRestore        Stage = "restore"         // returning to the split before the rollout
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

// Condition is one condition of a Service or Revision.
type Condition = apis.Condition

// Event is one step of progress.
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

// reporter passes events to a handler: in order, one at a time, and none after
// close. A nil reporter drops them.
type reporter struct {
	mu      sync.Mutex
	service string
	handle  func(Event)
	closed  bool
}

func newReporter(service string, handle func(Event)) *reporter {
	if handle == nil {
		return nil
	}
	return &reporter{service: service, handle: handle}
}

func (r *reporter) emit(e Event) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	e.Time, e.Service = time.Now(), cmp.Or(e.Service, r.service)
	r.handle(e)
}

// close waits for a handler that is running and drops all later events.
func (r *reporter) close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
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
