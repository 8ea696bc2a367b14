package fleet

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/diagnosis"
	"github.com/cloudrun-go/cloudrun/internal/logform"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// ErrSkipped is matched by the error of a target that was not tried.
var ErrSkipped = errors.New("not tried")

// ErrRolledBack is matched by the error of a target whose traffic was returned to what served before.
var ErrRolledBack = errors.New("rolled back, because the wave failed")

// maxCause bounds the cause of a failure in a line, in bytes.
const maxCause = 300

// TargetError is the error of one target.
type TargetError struct {
	Target Target
	Err    error
}

// Error names the target and the cause.
func (e *TargetError) Error() string { return fmt.Sprintf("%s: %s", e.Target, cause(e.Err)) }

// Unwrap returns the error of the deployment, usually a [*cloudrun.DeployError].
func (e *TargetError) Unwrap() error { return e.Err }

// LogValue returns the error as a group: type, error, service, project, region and
// wrapped, the group of the cause if that has one.
func (e *TargetError) LogValue() slog.Value {
	return logform.Error("TargetError", e, slog.String("service", e.Target.Service), slog.String("project", e.Target.Project),
		slog.String("region", e.Target.Region), logform.Wrapped(e.Err))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *TargetError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// Error is returned when some targets are not deployed. It wraps a [*TargetError] for each.
type Error struct {
	// Targets are the errors of the targets that are not deployed, in the order of
	// the targets.
	Targets []*TargetError

	total int
	lack  string // what the targets lack
	runID string // that can be continued; empty for none
}

// orNil returns the error; nil if it has no targets.
func (e *Error) orNil() error {
	if len(e.Targets) == 0 {
		return nil
	}
	return e
}

// Error returns how many targets are not deployed, and the first cause.
func (e *Error) Error() string {
	if len(e.Targets) == 0 {
		return "no target failed"
	}
	first, skipped := e.Targets[0], 0
	for _, t := range e.Targets {
		if errors.Is(t.Err, ErrSkipped) {
			skipped++
		} else if errors.Is(first.Err, ErrSkipped) {
			first = t
		}
	}
	text := fmt.Sprintf("%d of %d targets %s", len(e.Targets), e.total, e.lack)
	if skipped > 0 {
		text += fmt.Sprintf(" (%d were not tried)", skipped)
	}
	text += ": " + first.Error()
	if more := len(e.Targets) - 1; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	if e.runID != "" {
		text += fmt.Sprintf("; run %q can be continued with its ID", e.runID)
	}
	return text
}

// LogValue returns the error as a group: type, error, runId, targets, which is how many
// are concerned, and wrapped, the group of the first of them.
func (e *Error) LogValue() slog.Value {
	return logform.Error("FleetError", e, slog.String("runId", e.runID), slog.Int("targets", len(e.Targets)), logform.Wrapped(errors.Join(e.Unwrap()...)))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *Error) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// Unwrap returns the errors of the targets.
func (e *Error) Unwrap() []error {
	all := make([]error, len(e.Targets))
	for i, t := range e.Targets {
		all[i] = t
	}
	return all
}

// notRolledBack is the error of a target whose traffic could not be returned to what served before.
type notRolledBack struct{ err error }

func (e *notRolledBack) Error() string { return "not rolled back: " + cause(e.err) }
func (e *notRolledBack) Unwrap() error { return e.err }

// cause returns the cause of an error in few words.
func cause(err error) string {
	if err == nil {
		return ""
	}
	var failure *cloudrun.NotReadyError
	var failed *cloudrun.DeployError
	var stays *notRolledBack
	switch {
	case errors.As(err, &stays):
		return stays.Error()
	case errors.As(err, &failure) && failure.Message != "":
		text, why := diagnosis.Essence(failure.Message), failure.Cause()
		if why != cloudrun.CauseUnknown && !strings.HasPrefix(text, string(why)) {
			text = string(why) + ": " + text
		}
		return safetext.Line(text, maxCause)
	case errors.As(err, &failed):
		return safetext.Line(failed.Err.Error(), maxCause)
	}
	return safetext.Line(err.Error(), maxCause)
}
