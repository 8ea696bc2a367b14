package rollout

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
	"knative.dev/serving/pkg/apis/serving"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/history"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// Run rolls out a Revision step by step. The candidate, which must be ready,
// gets a growing share of the traffic. The other Revisions share the rest as
// before. Each step is followed by a pause and a check. Deploy the candidate with
// [cloudrun.WithNoTraffic] first.
//
// If a check, a write or a wait fails, the context ends, a check does not end in
// time, or a check or a handler of events panics, the previous split is restored,
// within a timeout of its own. A panic goes on afterwards. If another writer
// changes the traffic, or deletes the Service and creates it again, Run stops
// with [ErrTrafficChanged] and keeps their traffic. If another writer moves the
// tag, the previous split is restored, because the checks would be of another
// Revision.
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
func Run(ctx context.Context, d *cloudrun.Deployer, service string, cfg Config, opts ...cloudrun.CallOption) (_ *Result, err error) {
	ctx, t := begin(ctx, d, "roll out service", service)
	defer func() { t.End(err) }()
	v, err := open(t, d, cfg, opts)
	if err != nil {
		return nil, err
	}
	return v.rollOut(ctx, cfg, false)
}

// rollOut rolls out the candidate of a configuration, perhaps that of a release.
func (v *service) rollOut(ctx context.Context, cfg Config, release bool) (*Result, error) {
	s, err := v.read(ctx)
	if err != nil {
		return nil, v.fail(cloudrun.StageRead, cloudrun.NotWritten, err)
	}
	recorded, err := traffic.ReadRollout(s)
	r := newRun(v, cfg.withDefaults(), s, recorded)
	r.edits.release = release
	if err != nil {
		return r.result, v.fail(cloudrun.StageRead, cloudrun.NotWritten, err)
	}
	return r.result, r.run(ctx, recorded)
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
		if !ended { // the check or a handler of events panicked, and the panic goes on
			r.service = r.service.silent()
			_, _ = r.restore(ctx, history.Withdrawn)
		}
	}()
	stage, err := r.climb(ctx)
	if err != nil {
		err = r.giveUp(ctx, stage, err)
	} else {
		err = r.finish(ctx)
	}
	ended = true
	r.takeUpPanic()
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
	known := redact.NewMemory(r.service.name)
	status.Learn(known, revision, revision)
	e := &cloudrun.NotReadyError{
		Service: r.service.name, Revision: name, RevisionConditions: status.Hidden(known, revision.Status.Conditions),
		LogURL: safetext.Line(revision.Status.LogURL, maxText), Message: "it has no condition Ready yet",
	}
	if ready != nil {
		e.Condition, e.Reason, e.Message = string(ready.Type), known.Message(ready.Reason), known.Message(safetext.Line(ready.Message, maxText))
	}
	return e
}
