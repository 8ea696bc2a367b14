package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/status"
)

// rollout is a call of [Deployer.Rollout] under way.
type rollout struct {
	*call
	how Rollout
	id  string

	found     string       // the ID of the call that began the rollout, if an earlier one did
	state     rolloutState // as it was last composed
	begun     bool         // the traffic may have been changed
	confirmed bool         // the traffic is known to have been changed
	notes     []string     // on how the rollout began
	endNotes  []string     // on how it ended
	ending    Split        // the split to end with, as it was last written; nil before that
	result    *RolloutResult

	// What the return to the previous split found when it was last composed.
	overridden bool // somebody else's traffic, which stays
	fenced     bool // no sign of the first write, which may still be under way
}

func (o *rollout) run(ctx context.Context) (*RolloutResult, error) {
	needed, err := o.prepare(ctx)
	if err != nil || !needed {
		return o.result, err
	}
	ended := false
	defer func() {
		if !ended { // the check panicked
			o.restore(ctx)
		}
	}()
	stage, err := o.climb(ctx)
	if err != nil {
		err = o.giveUp(ctx, stage, err)
	} else {
		err = o.settle(ctx)
	}
	ended = true
	return o.result, err
}

// prepare finds the candidate, and whether there is anything to be done. A
// candidate that cannot go on with the rollout that an earlier call began ends it.
func (o *rollout) prepare(ctx context.Context) (needed bool, err error) {
	s, err := o.client.GetService(ctx, o.name)
	if err != nil {
		o.result = nil
		return false, o.fail(StageRead, NotWritten, err)
	}
	o.result.Service, o.result.Before, o.result.After = s, splitOf(s), splitOf(s)
	if o.how.Revision == "" {
		o.how.Revision = s.Status.LatestCreatedRevisionName
	}
	o.result.Candidate = Candidate{Service: o.name, Revision: o.how.Revision}
	recorded, err := recordedRollout(s)
	if err != nil {
		return false, o.fail(StageRead, NotWritten, err)
	}
	if recorded != nil && recorded.Revision == o.how.Revision && recorded.inForce(s) {
		o.found, o.begun, o.confirmed, o.state = recorded.ID, true, true, *recorded
		o.result.Before, o.result.Resumed = recorded.Before, true
	}
	if err := o.checkCandidate(ctx); err != nil {
		return false, o.giveUp(ctx, StageRead, err)
	}
	begin := beginRollout(s, o.how.Revision, "")
	if recorded == nil && begin.base()[o.how.Revision] == 100 {
		o.result.Candidate.Percent = 100
		return false, nil
	}
	return true, nil
}

// checkCandidate finds out whether the candidate can take traffic.
func (o *rollout) checkCandidate(ctx context.Context) error {
	if o.how.Revision == "" {
		return errors.New("the service has no revision yet")
	}
	r, err := o.client.GetRevision(ctx, o.how.Revision)
	if err != nil {
		return err
	}
	if of := r.Labels[labelService]; of != "" && of != o.name {
		return fmt.Errorf("revision %q is one of service %q", o.how.Revision, of)
	}
	ready := status.Find(r.Status.Conditions, status.ConditionReady)
	if ready != nil && ready.Status == corev1.ConditionTrue {
		return nil
	}
	e := &NotReadyError{Service: o.name, Revision: o.how.Revision, RevisionConditions: r.Status.Conditions, LogURL: printable(r.Status.LogURL, maxMessage)}
	if ready == nil {
		e.Message = "it has no condition Ready yet"
	} else {
		e.Condition, e.Reason, e.Message = status.ConditionReady, ready.Reason, printable(ready.Message, maxMessage)
	}
	return e
}

// climb goes up the steps. It tells the stage that failed.
func (o *rollout) climb(ctx context.Context) (Stage, error) {
	for edit := o.start; edit != nil; edit = o.next() {
		if stage, err := o.shift(ctx, edit); err != nil {
			return stage, err
		}
		if err := o.watch(ctx); err != nil {
			return StageCheck, err
		}
	}
	return "", nil
}

// stepFrom is the first step that is not below a percentage; 0 if there is none, because the last is 100.
func (o *rollout) stepFrom(percent int64) int64 {
	for _, step := range o.how.Steps {
		if int64(step) >= percent {
			return int64(step)
		}
	}
	return 0
}

// start is the edit of the first step. It decides which one that is: where an
// earlier call left the rollout, or the first that gives the candidate no less than it has.
func (o *rollout) start(s *servingv1.Service) error {
	recorded, err := recordedRollout(s)
	if err != nil {
		return err
	}
	o.notes, o.result.Resumed = nil, false
	switch {
	case recorded != nil && recorded.ID == o.id && recorded.inForce(s):
		return nil // a proxy repeated the write, and passed on the answer to the second
	case recorded != nil && recorded.ID == o.id, recorded == nil && o.found != "":
		return errTrafficChanged() // in between the first write and its repetition, or the look and the write
	case recorded != nil && recorded.inForce(s) && recorded.Revision != o.how.Revision:
		return fmt.Errorf("%w: %s has %d %% of the traffic: roll it out to its end, or call AbortRollout", ErrRolloutUnderWay, recorded.Revision, recorded.Percent)
	case recorded != nil && recorded.inForce(s):
		o.state, o.result.Resumed = *recorded, true
		o.state.Percent = o.stepFrom(recorded.Percent)
		o.state.takeTag(s)
	default:
		if recorded != nil {
			o.notes = append(o.notes, fmt.Sprintf("the rollout of %s had been left unfinished, and the traffic was changed since then: it is forgotten", printable(recorded.Revision, maxMessage)))
		}
		o.state = beginRollout(s, o.how.Revision, o.tag(s))
		o.state.Percent = o.stepFrom(o.state.base()[o.how.Revision])
	}
	o.state.ID, o.result.Before = o.id, o.state.Before
	return o.state.put(s)
}

// tag is the candidate's tag during the rollout.
func (o *rollout) tag(s *servingv1.Service) string {
	if o.how.Tag != "" {
		return o.how.Tag
	}
	if tag := tagOf(s, o.how.Revision); tag != "" {
		return tag
	}
	return defaultRolloutTag
}

// next is the edit of the next step; nil after the last.
func (o *rollout) next() func(*servingv1.Service) error {
	percent := o.stepFrom(o.state.Percent + 1)
	if percent == 0 {
		return nil
	}
	return func(s *servingv1.Service) error {
		recorded, err := o.own(s)
		if err != nil {
			return err
		}
		if !recorded.tagged(s) {
			return &once.StepError{Step: once.StepWrite, Err: fmt.Errorf("somebody took tag %q away from %s, so that it cannot be told what was checked", recorded.Tag, recorded.Revision)}
		}
		o.state.Percent = percent
		return o.state.put(s)
	}
}

// own is the state of this rollout, as long as nobody else has interfered.
func (o *rollout) own(s *servingv1.Service) (*rolloutState, error) {
	recorded, err := recordedRollout(s)
	switch {
	case err != nil:
		return nil, err
	case recorded == nil || !o.isOwn(recorded) || !recorded.inForce(s):
		return nil, errTrafficChanged()
	}
	return recorded, nil
}

// isOwn reports whether a state was written by this call, or by the one that it takes over from.
func (o *rollout) isOwn(recorded *rolloutState) bool {
	return recorded.ID == o.id || o.found != "" && recorded.ID == o.found
}

// errTrafficChanged is of the stage of writing: nothing is wrong with the options.
func errTrafficChanged() error { return &once.StepError{Step: once.StepWrite, Err: ErrTrafficChanged} }

// shift writes the traffic of a step and waits until it is in effect. It tells the stage that failed.
func (o *rollout) shift(ctx context.Context, edit func(*servingv1.Service) error) (Stage, error) {
	changed, err := o.apply(ctx, edit)
	if changed != nil {
		o.result.Candidate = Candidate{Service: o.name, Revision: o.how.Revision, Percent: int(o.state.Percent),
			Tag: o.state.Tag, TagURL: changed.TagURLs[o.state.Tag], URL: changed.URL}
	}
	if err == nil {
		return "", nil
	}
	failed, ok := asType[*DeployError](err)
	if !ok {
		return StageWrite, err
	}
	o.begun = o.begun || failed.Outcome != NotWritten
	return failed.Stage, failed.Err
}

// apply edits the Service, and waits until the traffic is as it then says.
func (o *rollout) apply(ctx context.Context, edit func(*servingv1.Service) error) (*Result, error) {
	changed, err := o.applyTraffic(ctx, o.onFresh(edit))
	if changed == nil {
		return nil, err
	}
	o.begun, o.confirmed = true, true
	o.result.Service, o.result.After = changed.Service, splitOf(changed.Service)
	o.result.Warnings = slices.Concat(o.notes, o.endNotes, changed.Warnings)
	return changed, err
}

// onFresh is an edit that has the Service read again where the read is older
// than what was seen before: an edit that finds nothing to do would believe it.
func (o *rollout) onFresh(edit func(*servingv1.Service) error) func(*servingv1.Service) error {
	return func(s *servingv1.Service) error {
		if seen := o.result.Service; s.UID == seen.UID && s.Generation < seen.Generation {
			return &once.StepError{Step: once.StepRead, Err: fmt.Errorf("%w: generation %d of the service, after generation %d had been read",
				once.ErrReadAgain, s.Generation, seen.Generation)}
		}
		return edit(s)
	}
}

// watch leaves a step alone for a while, and then has it checked.
func (o *rollout) watch(ctx context.Context) (err error) {
	end := o.report.stage(StageCheck)
	defer func() { end(err) }()
	if err := sleep(ctx, o.how.Pause); err != nil {
		return fmt.Errorf("the pause before the check: %w", err)
	}
	if o.how.Check == nil {
		return ctx.Err()
	}
	return o.how.Check(ctx, o.result.Candidate)
}
