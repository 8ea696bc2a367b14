package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"maps"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// settle ends a rollout that went well, even if the context ends now.
func (o *rollout) settle(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.how.RestoreTimeout)
	defer cancel()
	changed, err := o.apply(bounded, o.end)
	if err == nil {
		return nil
	}
	stage := StageWrite
	if failed, ok := asType[*DeployError](err); ok {
		stage, err = failed.Stage, failed.Err
	}
	switch {
	case changed != nil:
		o.result.Warnings = append(o.result.Warnings, fmt.Sprintf("the rollout has ended, but that was not yet seen in effect: %v", err))
		return nil
	case errors.Is(err, ErrTrafficChanged):
		return o.giveUp(ctx, stage, err)
	}
	return o.fail(stage, Written, o.failure(RolloutUnfinished, err, nil))
}

// end is the edit that ends a rollout: the candidate keeps all traffic, by its name or as the latest.
func (o *rollout) end(s *servingv1.Service) error {
	recorded, err := o.own(s)
	switch {
	case err != nil && o.ending != nil && o.endedWith(s, o.ending):
		return nil
	case err != nil:
		return err
	}
	o.endNotes, o.ending = nil, Split{recorded.Revision: 100}
	follow := o.how.ToLatest || recorded.Before[Latest] > 0
	switch {
	case follow && recorded.isNewest(s) && s.Status.ObservedGeneration == s.Generation:
		o.ending = Split{Latest: 100}
	case follow:
		o.endNotes = append(o.endNotes, fmt.Sprintf("the traffic stays pinned to %s, because that is not the latest revision", recorded.Revision))
	}
	return recorded.takeBack(s, o.ending)
}

// endedWith reports whether the rollout has ended with a split. That is this
// call's own doing where a proxy repeated the write, and passed on the answer to the second.
func (o *rollout) endedWith(s *servingv1.Service, to Split) bool {
	return s.Annotations[annotationRollout] == "" && maps.Equal(splitOf(s), to)
}

// giveUp returns the traffic to what it was, if that was changed and is still ours, and tells what became of it.
func (o *rollout) giveUp(ctx context.Context, stage Stage, err error) error {
	if !o.begun {
		return o.fail(stage, NotWritten, err)
	}
	outcome, restoreErr := o.restore(ctx)
	if errors.Is(err, restoreErr) {
		restoreErr = nil
	}
	written := Written
	switch {
	case outcome == RolloutNotBegun:
		written = NotWritten
	case !o.confirmed:
		written = WriteUnknown
	}
	return o.fail(stage, written, o.failure(outcome, err, restoreErr))
}

func (o *rollout) failure(outcome RolloutOutcome, err, restoreErr error) *RolloutError {
	return &RolloutError{Revision: o.how.Revision, Percent: int(o.state.Percent), Outcome: outcome, Before: o.result.Before, Err: err, RestoreErr: restoreErr}
}

// restore returns the traffic to what it was, whatever became of the caller's context.
func (o *rollout) restore(ctx context.Context) (RolloutOutcome, error) {
	if !o.begun {
		return RolloutNotBegun, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.how.RestoreTimeout)
	defer cancel()
	finish := o.report.stage(StageRestore)
	changed, err := o.apply(ctx, o.giveBack)
	fenced := changed != nil && o.fenced
	if fenced {
		changed, err = o.apply(ctx, o.giveBack)
	}
	finish(err)
	return o.restored(changed != nil, fenced, err)
}

// restored tells what became of the traffic. It is as before the rollout again
// if that was written, even if an error says that it was not yet seen so.
func (o *rollout) restored(written, fenced bool, err error) (RolloutOutcome, error) {
	lost := false
	if failed, ok := asType[*DeployError](err); ok {
		lost, err = failed.Outcome == WriteUnknown, failed.Err
	}
	switch {
	case o.overridden, errors.Is(err, ErrTrafficChanged):
		return RolloutOverridden, ErrTrafficChanged
	case written && fenced:
		return RolloutNotBegun, err
	case written:
		o.result.Restored = true
		return RolloutRestored, err
	case lost || !o.confirmed:
		return RolloutUnknown, err
	}
	return RolloutUnfinished, err
}

// giveBack is the edit that returns to the split before the rollout. Traffic
// that is not as the rollout left it stays, and the rollout is forgotten.
//
// Where the first write has left no sign, it may still be on its way: the state
// is written then, so that it comes too late, and giveBack is to be applied again.
func (o *rollout) giveBack(s *servingv1.Service) error {
	o.endNotes, o.overridden, o.fenced = nil, false, false
	recorded, err := recordedRollout(s)
	own := err == nil && recorded != nil && o.isOwn(recorded)
	switch {
	case err != nil:
		return err
	case !own && !o.confirmed && (recorded == nil || !recorded.inForce(s)):
		o.fenced = true
		return fence(s, o.id, o.how.Revision)
	case !own && o.endedWith(s, o.state.Before):
		return nil
	case !own:
		return errTrafficChanged()
	case !recorded.inForce(s):
		o.overridden = true
		endRollout(s)
		return nil
	}
	return o.back(s, recorded)
}

// back returns to the split before a rollout.
func (o *rollout) back(s *servingv1.Service, recorded *rolloutState) error {
	to := recorded.Before
	if recorded.Latest && to[Latest] > 0 && !recorded.isNewest(s) {
		to = recorded.base()
		o.endNotes = append(o.endNotes, fmt.Sprintf("the traffic that went to %s before goes to %s by its name, because that is not the latest revision any more", Latest, recorded.Revision))
	}
	return recorded.takeBack(s, to)
}

// abort is the edit that ends a rollout that some other call has begun.
func (o *rollout) abort(s *servingv1.Service) error {
	recorded, err := recordedRollout(s)
	if err != nil || recorded == nil {
		return err
	}
	o.endNotes, o.overridden = nil, false
	o.result.Before = recorded.Before
	o.result.Candidate = Candidate{Service: o.name, Revision: recorded.Revision, Tag: recorded.Tag}
	if !recorded.inForce(s) {
		o.overridden = true
		o.endNotes = append(o.endNotes, "the traffic was changed since the rollout left it: it stays as it is")
		endRollout(s)
		return nil
	}
	return o.back(s, recorded)
}
