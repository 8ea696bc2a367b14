package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/history"
)

// finish ends a successful rollout, even if the caller's context ends now.
func (r *run) finish(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.edits.cfg.RestoreTimeout)
	defer cancel()
	var last *ending
	changed, failed := r.update(bounded, func(s *servingv1.Service) ([]string, error) {
		end, err := r.edits.finish(s, last)
		if err != nil {
			return nil, err
		}
		last = end
		return slices.Concat(r.last.notes, end.notes), nil
	})
	switch {
	case failed == nil:
		return nil
	case changed != nil:
		r.result.Warnings = append(r.result.Warnings, fmt.Sprintf("the rollout has ended, but that was not yet seen in effect: %v", failed.Err))
		return nil
	case errors.Is(failed.Err, ErrTrafficChanged):
		return r.giveUp(ctx, failed.Stage, failed.Err)
	}
	return r.service.fail(failed.Stage, cloudrun.Written, r.failure(Unfinished, failed.Err, nil))
}

// giveUp restores the previous split if the traffic was changed. It returns the error of the call.
func (r *run) giveUp(ctx context.Context, stage cloudrun.Stage, err error) error {
	if !r.begun {
		return r.service.fail(stage, cloudrun.NotWritten, err)
	}
	fate := history.Withdrawn
	if stage == cloudrun.StageCheck && ctx.Err() == nil {
		fate = history.Rejected
	}
	outcome, restoreErr := r.restore(ctx, fate)
	if errors.Is(err, restoreErr) {
		restoreErr = nil
	}
	written := cloudrun.Written
	switch {
	case outcome == NotBegun:
		written = cloudrun.NotWritten
	case !r.confirmed:
		written = cloudrun.WriteUnknown
	}
	return r.service.fail(stage, written, r.failure(outcome, err, restoreErr))
}

func (r *run) failure(outcome Outcome, err, restoreErr error) *Error {
	state := r.last.state
	return &Error{Revision: state.Revision, Percent: int(state.Percent), Outcome: outcome, PreviousSplit: r.result.PreviousSplit, Err: err, RestoreErr: restoreErr}
}

// restore returns to the previous split, even if the caller's context has ended,
// and records the fate of the candidate.
func (r *run) restore(ctx context.Context, fate history.Fate) (Outcome, error) {
	if !r.begun {
		return NotBegun, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.edits.cfg.RestoreTimeout)
	defer cancel()
	ctx, end := r.service.stage(ctx, cloudrun.StageRestore)
	back, written, failed := r.goBack(ctx, fate)
	fence := back
	if written && fence.fenced {
		back, written, failed = r.goBack(ctx, fate)
	}
	if failed == nil {
		end(nil)
	} else {
		end(failed)
	}
	return r.restored(fence, back, written, failed)
}

// goBack applies the edit that restores the previous split.
func (r *run) goBack(ctx context.Context, fate history.Fate) (back ending, written bool, failed *cloudrun.DeployError) {
	changed, failed := r.update(ctx, func(s *servingv1.Service) (notes []string, err error) {
		back, err = r.edits.restore(s, r.last, r.confirmed, fate)
		return slices.Concat(r.last.notes, back.notes), err
	})
	return back, changed != nil, failed
}

// restored returns the state of the traffic after the return to the previous
// split. If that was written, the traffic is restored even if it was not yet
// seen in effect.
func (r *run) restored(fence, back ending, written bool, failed *cloudrun.DeployError) (Outcome, error) {
	lost, err := false, error(nil)
	if failed != nil {
		lost, err = failed.Outcome == cloudrun.WriteUnknown, failed.Err
	}
	switch {
	case apierrors.IsNotFound(err):
		return Overridden, err
	case errors.Is(err, errRecreated):
		return Overridden, errRecreated
	case back.overridden, errors.Is(err, ErrTrafficChanged):
		return Overridden, ErrTrafficChanged
	case written && fence.fenced && !fence.replaced:
		return NotBegun, err
	case written:
		r.result.Restored = true
		return Restored, err
	case lost, !r.confirmed, fence.fenced:
		return Unknown, err
	}
	return Unfinished, err
}
