package rollout

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cloudrun-go/cloudrun/internal/logform"
	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// ErrTrafficChanged is matched by the error of a [Run] that stopped because
// another writer changed the traffic, or may have. Their traffic is kept.
var ErrTrafficChanged = errors.New("another writer changed the traffic during the rollout")

// ErrUnderWay is matched by the error of a [Run] of one Revision, or of a
// [Release], while the rollout of another is not finished.
var ErrUnderWay = errors.New("the rollout of another revision is under way")

// ErrRejected is matched by the error of a [Release] whose candidate was rejected
// before. Nothing is written then.
var ErrRejected = errors.New("the revision of this release was rejected")

// Outcome reports the state of the traffic after a rollout failed.
type Outcome string

// The outcomes of a rollout that failed.
const (
	// NotBegun means that the traffic was never changed.
	NotBegun Outcome = "not begun"
	// Restored means that the previous split was restored.
	Restored Outcome = "restored"
	// Unfinished means that the traffic is as in the step that failed, because
	// restoring it, or ending the last step, failed as well. Call [Run] again, or [Abort].
	Unfinished Outcome = "unfinished"
	// Overridden means that another writer changed the traffic, or deleted the
	// Service. Their traffic is kept.
	Overridden Outcome = "overridden"
	// Unknown means that the traffic is as in one of the steps or as before, and
	// that the server could not be reached to find out which, or to remove the
	// state of the rollout. Call [Run] again, or [Abort].
	Unknown Outcome = "unknown"
)

// Error is the error of a rollout that has begun. It is in the
// [*cloudrun.DeployError] that [Run] returns.
type Error struct {
	// Revision is the candidate, and Percent its share at the step that failed.
	Revision string
	Percent  int
	// Outcome reports the state of the traffic.
	Outcome Outcome
	// PreviousSplit is the split before the rollout.
	PreviousSplit Split
	// Err is the cause: the error of the check, of a write or of a wait.
	Err error
	// RestoreErr is the error of restoring the previous split. With [Restored],
	// the split was written but not yet seen in effect.
	RestoreErr error
}

// Error names the candidate, the step, the cause and the state of the traffic.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s failed with %d %% of the traffic: %v: ", e.Revision, e.Percent, e.Err)
	switch e.Outcome {
	case Restored:
		s += fmt.Sprintf("the traffic was returned to %v", e.PreviousSplit)
	case Unfinished:
		s += fmt.Sprintf("the traffic is as in that step: call rollout.Run again, or rollout.Abort to return to %v", e.PreviousSplit)
	case Overridden:
		s += "the current traffic is kept"
	case NotBegun:
		s += "the traffic was not changed"
	default:
		s += fmt.Sprintf("it is unknown whether the traffic was returned to %v: call rollout.Run again, or rollout.Abort", e.PreviousSplit)
	}
	if e.RestoreErr != nil {
		s += fmt.Sprintf(" (%v)", e.RestoreErr)
	}
	return s
}

// Unwrap returns the cause and the error of restoring the previous split.
func (e *Error) Unwrap() []error {
	if e.RestoreErr != nil {
		return []error{e.Err, e.RestoreErr}
	}
	return []error{e.Err}
}

// LogValue returns the error as a group: type, error, revision, percent, outcome,
// previousSplit, restoreError and wrapped, the group of the cause if that has one.
func (e *Error) LogValue() slog.Value {
	problem := ""
	if e.RestoreErr != nil {
		problem = e.RestoreErr.Error()
	}
	return logform.Error("RolloutError", e, slog.String("revision", e.Revision), slog.Int("percent", e.Percent), slog.String("outcome", string(e.Outcome)),
		slog.Any("previousSplit", e.PreviousSplit), slog.String("restoreError", problem), logform.Wrapped(e.Err))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *Error) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// errTrafficChanged and those like it are of the step of writing: nothing is
// wrong with the options.
var errTrafficChanged = conflict(ErrTrafficChanged)

// errPerhapsChanged is the error of a first step that may have been in effect.
var errPerhapsChanged = conflict(fmt.Errorf("%w, or may have: the first write was not confirmed, and the service was changed since: check the traffic, and call rollout.Run again", ErrTrafficChanged))

func conflict(err error) error { return &once.StepError{Step: once.StepWrite, Err: err} }

// errUnderWay is the error of a call that finds the rollout of another candidate.
func errUnderWay(recorded *traffic.Rollout) error {
	of := ""
	if recorded.Release != "" {
		of = fmt.Sprintf(" (release %s)", recorded.Release)
	}
	return fmt.Errorf("%w: %s%s has %d %% of the traffic: finish its rollout, or call rollout.Abort", ErrUnderWay, recorded.Revision, of, recorded.Percent)
}

// errRejected is the error of a release whose candidate was rejected.
func errRejected(revision string) error {
	return fmt.Errorf("%w (%s): release a new one with another Config.RunID, or set Config.RetryRejected", ErrRejected, revision)
}
