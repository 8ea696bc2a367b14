package rollout

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
	"knative.dev/serving/pkg/apis/serving"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// run is a rollout under way.
type run struct {
	service *service
	edits   edits

	last      step // as last composed
	begun     bool // the traffic may have been changed
	confirmed bool // the traffic is known to have been changed
	result    *Result
}

// Run rolls out a Revision step by step. The candidate, which must be ready,
// gets a growing share of the traffic. The other Revisions share the rest as
// before. Each step is followed by a pause and a check. Deploy the candidate with
// [cloudrun.WithNoTraffic] first.
//
// If a check, a write or a wait fails, the context ends or the check panics, the
// previous split is restored, within a timeout of its own. If another writer
// changes the traffic, Run stops with [ErrTrafficChanged] and keeps their
// traffic. If another writer moves the tag, the previous split is restored,
// because the checks would be of another Revision.
//
// The state of the rollout is an annotation of the Service. It is written
// together with the traffic, so it is not lost if the program ends in the
// middle. Calling Run again for the same Revision takes the rollout over and
// continues with the step that it had reached. A call that is still running then
// stops. [Abort] returns to the previous split, and [Status] reports the state.
// A call that sets the split, such as [cloudrun.Deployer.UpdateTraffic] or
// [cloudrun.Deployer.Rollback], ends a rollout, even if it does not change the
// split. Run for another Revision returns [ErrUnderWay].
//
// At the end the candidate has all traffic, by its name or through
// [cloudrun.Latest]; see [Config.ToLatest]. If it has all traffic from the start,
// Run does nothing.
//
// The options configure progress and how each step is waited for.
// [cloudrun.Async] has no effect. The error is a [*cloudrun.DeployError]. Once
// anything was written it contains an [*Error], which reports the state of the
// traffic, and the result is not nil.
func Run(ctx context.Context, d *cloudrun.Deployer, service string, cfg Config, opts ...cloudrun.CallOption) (*Result, error) {
	v, err := open(d, "roll out service", service, cfg, opts)
	if err != nil {
		return nil, err
	}
	s, err := v.read(ctx)
	if err != nil {
		return nil, v.fail(cloudrun.StageRead, cloudrun.NotWritten, err)
	}
	recorded, err := traffic.ReadRollout(s)
	r := newRun(v, cfg.withDefaults(), s, recorded)
	if err != nil {
		return r.result, v.fail(cloudrun.StageRead, cloudrun.NotWritten, err)
	}
	return r.result, r.run(ctx, recorded)
}

// newRun returns the run of a Service as it was read. It continues the recorded
// rollout if that is the candidate's.
func newRun(v *service, cfg Config, s *servingv1.Service, recorded *traffic.Rollout) *run {
	if cfg.Revision == "" {
		cfg.Revision = s.Status.LatestCreatedRevisionName
	}
	r := &run{service: v, edits: edits{cfg: cfg, runID: rand.Text()}}
	r.last.state = traffic.BeginRollout(s, r.edits.runID, cfg.Revision, "")
	if recorded != nil && recorded.Revision == cfg.Revision && recorded.InForce(s) {
		r.edits.resumed, r.begun, r.confirmed = recorded.RunID, true, true
		r.last = step{state: *recorded, resumed: true}
	}
	r.result = &Result{
		Service: s, Candidate: Candidate{Service: v.name, Revision: cfg.Revision}, Resumed: r.last.resumed,
		PreviousSplit: Split(r.last.state.Previous), Split: splitOf(s),
	}
	return r
}

func (r *run) run(ctx context.Context, recorded *traffic.Rollout) error {
	if err := r.checkCandidate(ctx); err != nil {
		return r.giveUp(ctx, cloudrun.StageRead, err)
	}
	if recorded == nil && r.last.state.Done() {
		r.result.Candidate.Percent = 100
		return nil
	}
	ended := false
	defer func() {
		if !ended { // the check panicked
			r.restore(ctx)
		}
	}()
	stage, err := r.climb(ctx)
	if err != nil {
		err = r.giveUp(ctx, stage, err)
	} else {
		err = r.finish(ctx)
	}
	ended = true
	return err
}

// checkCandidate returns an error if the candidate cannot serve traffic.
func (r *run) checkCandidate(ctx context.Context) error {
	name := r.edits.cfg.Revision
	if name == "" {
		return errors.New("the service has no revision yet")
	}
	revision, err := r.service.deployer.Client().GetRevision(ctx, name)
	if err != nil {
		return err
	}
	if of := revision.Labels[serving.ServiceLabelKey]; of != "" && of != r.service.name {
		return fmt.Errorf("revision %q is one of service %q", name, of)
	}
	ready := revision.Status.GetCondition(apis.ConditionReady)
	if ready != nil && ready.Status == corev1.ConditionTrue {
		return nil
	}
	e := &cloudrun.NotReadyError{
		Service: r.service.name, Revision: name, RevisionConditions: revision.Status.Conditions,
		LogURL: safetext.Line(revision.Status.LogURL, maxText), Message: "it has no condition Ready yet",
	}
	if ready != nil {
		e.Condition, e.Reason, e.Message = string(ready.Type), ready.Reason, safetext.Line(ready.Message, maxText)
	}
	return e
}

// climb goes through the steps. It returns the stage that failed.
func (r *run) climb(ctx context.Context) (cloudrun.Stage, error) {
	edit := r.edits.start
	for {
		if stage, err := r.shift(ctx, edit); err != nil {
			return stage, err
		}
		if err := r.check(ctx); err != nil {
			return cloudrun.StageCheck, err
		}
		percent := r.edits.cfg.stepFrom(r.last.state.Percent + 1)
		if percent == 0 {
			return "", nil
		}
		edit = func(s *servingv1.Service, last step) (step, error) { return r.edits.next(s, last, percent) }
	}
}

// shift writes a step and waits until its traffic is in effect. It returns the stage that failed.
func (r *run) shift(ctx context.Context, edit func(*servingv1.Service, step) (step, error)) (cloudrun.Stage, error) {
	changed, failed := r.update(ctx, func(s *servingv1.Service) ([]string, error) {
		next, err := edit(s, r.last)
		if err != nil {
			return nil, err
		}
		r.last = next
		r.result.Resumed, r.result.PreviousSplit = next.resumed, Split(next.state.Previous)
		return next.notes, nil
	})
	if changed != nil {
		state := r.last.state
		r.result.Candidate = Candidate{
			Service: r.service.name, Revision: state.Revision, Percent: int(state.Percent),
			Tag: state.Tag, TagURL: changed.TagURLs[state.Tag], URL: changed.URL,
		}
	}
	if failed == nil {
		return "", nil
	}
	r.begun = r.begun || failed.Outcome != cloudrun.NotWritten
	return failed.Stage, failed.Err
}

// update edits the traffic. The edit returns the warnings of what it composed.
func (r *run) update(ctx context.Context, edit func(*servingv1.Service) ([]string, error)) (*cloudrun.Result, *cloudrun.DeployError) {
	var notes []string
	changed, failed := r.service.update(ctx, r.result.Service, func(s *servingv1.Service) (err error) {
		notes, err = edit(s)
		return err
	})
	if changed != nil {
		r.begun, r.confirmed = true, true
		r.result.Service, r.result.Split = changed.Service, splitOf(changed.Service)
		r.result.Warnings = slices.Concat(notes, changed.Warnings)
	}
	return changed, failed
}

// check pauses, and then checks the candidate.
func (r *run) check(ctx context.Context) (err error) {
	end := r.service.stage(cloudrun.StageCheck)
	defer func() { end(err) }()
	if err := pause.Sleep(ctx, r.edits.cfg.Pause); err != nil {
		return fmt.Errorf("the pause before the check: %w", err)
	}
	if r.edits.cfg.Check == nil {
		return ctx.Err()
	}
	return r.edits.cfg.Check(ctx, r.result.Candidate)
}
