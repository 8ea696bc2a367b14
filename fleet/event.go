package fleet

import "github.com/cloudrun-go/cloudrun"

// EventKind is the kind of an [Event].
type EventKind string

// The kinds of events.
const (
	// TargetStarted begins a target.
	TargetStarted EventKind = "started"
	// TargetProgress is a step of its deployment, or of its rollback.
	TargetProgress EventKind = "progress"
	// TargetFinished has the result of a target, also of one that is skipped. After a
	// rollback there is another one, with the new result.
	TargetFinished EventKind = "finished"
)

// Event is a step of a run. Results come with events, as soon as they are known.
type Event struct {
	Kind EventKind
	// Target is the target, Index its index, and Total the number of targets.
	Target       Target
	Index, Total int
	// Progress is set for TargetProgress.
	Progress *cloudrun.Event
	// Result is set for TargetFinished.
	Result *Result
}
