package cloudrun

import "fmt"

// RolloutOutcome tells what became of the traffic when a rollout failed.
type RolloutOutcome string

// What can become of the traffic.
const (
	// RolloutNotBegun: the traffic was never changed.
	RolloutNotBegun RolloutOutcome = "not begun"
	// RolloutRestored: it is as before the rollout again.
	RolloutRestored RolloutOutcome = "restored"
	// RolloutUnfinished: it is as in the step that failed, because the return (or
	// the end of the last step) failed as well. Call Rollout again, or AbortRollout.
	RolloutUnfinished RolloutOutcome = "unfinished"
	// RolloutOverridden: it is what somebody else made of it.
	RolloutOverridden RolloutOutcome = "overridden"
	// RolloutUnknown: it is as in one of the steps or as before, and it could not
	// be found out which. Call Rollout again, or AbortRollout.
	RolloutUnknown RolloutOutcome = "unknown"
)

// RolloutError is how a rollout fails once it has begun. It is in the
// [*DeployError] of [Deployer.Rollout].
type RolloutError struct {
	// Revision is the candidate, and Percent the share of the step that failed.
	Revision string
	Percent  int
	// Outcome tells what became of the traffic.
	Outcome RolloutOutcome
	// Before is the split before the rollout.
	Before Split
	// Err is why the rollout failed: the check's error, or that of a write or a wait.
	Err error
	// RestoreErr is why the return to the previous split failed. With
	// [RolloutRestored], the split was written, but not yet seen in effect.
	RestoreErr error
}

// Error names the candidate, the step, the cause, and what became of the traffic.
func (e *RolloutError) Error() string {
	s := fmt.Sprintf("%s failed with %d %% of the traffic: %v: ", e.Revision, e.Percent, e.Err)
	switch e.Outcome {
	case RolloutRestored:
		s += fmt.Sprintf("the traffic was returned to %v", e.Before)
	case RolloutUnfinished:
		s += fmt.Sprintf("the traffic is as in that step: call Rollout again, or AbortRollout to return to %v", e.Before)
	case RolloutOverridden:
		s += "the traffic is left as it is now"
	case RolloutNotBegun:
		s += "the traffic was not changed"
	default:
		s += fmt.Sprintf("it is not known whether the traffic was returned to %v: call Rollout again, or AbortRollout", e.Before)
	}
	if e.RestoreErr != nil {
		s += fmt.Sprintf(" (%v)", e.RestoreErr)
	}
	return s
}

// Unwrap gives the cause, and the failure to return to the previous split.
func (e *RolloutError) Unwrap() []error {
	if e.RestoreErr != nil {
		return []error{e.Err, e.RestoreErr}
	}
	return []error{e.Err}
}
