package fleet

import (
	"log/slog"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/logform"
)

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

// LogValue returns the event as a group: kind, service, project, region, progress
// and result, as far as it has them.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", string(e.Kind)), slog.String("service", e.Target.Service),
		slog.String("project", e.Target.Project), slog.String("region", e.Target.Region)}
	if e.Progress != nil {
		attrs = append(attrs, slog.Attr{Key: "progress", Value: e.Progress.LogValue()})
	}
	if e.Result != nil {
		attrs = append(attrs, slog.Attr{Key: "result", Value: e.Result.LogValue()})
	}
	return logform.Group(attrs...)
}

// MarshalJSON encodes the event as an object with the attributes of LogValue.
func (e Event) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }
