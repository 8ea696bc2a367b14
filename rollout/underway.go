package rollout

import (
	"context"
	"crypto/rand"
	"slices"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/task"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// run is a rollout under way.
type run struct {
	service *service
	edits   edits

	seen      sight
	last      step // as last composed
	begun     bool // the traffic may have been changed
	confirmed bool // the traffic is known to have been changed
	result    *Result
	abandoned *task.Task[error] // the check that ignored the end of its context; nil if none did
}

// newRun returns the run of a Service as it was read. It continues the recorded
// rollout if that is the candidate's.
func newRun(v *service, cfg Config, s *servingv1.Service, recorded *traffic.Rollout) *run {
	if cfg.Revision == "" {
		cfg.Revision = s.Status.LatestCreatedRevisionName
	}
	r := &run{service: v, seen: see(s), edits: edits{cfg: cfg, runID: rand.Text()}}
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

// update edits the traffic. The edit returns the warnings of what it composed.
func (r *run) update(ctx context.Context, edit func(*servingv1.Service) ([]string, error)) (*cloudrun.Result, *cloudrun.DeployError) {
	var notes []string
	var state string
	changed, failed := r.service.update(ctx, r.seen, func(s *servingv1.Service) (err error) {
		notes, err = edit(s)
		state = s.Annotations[traffic.RolloutAnnotation]
		return err
	})
	if changed != nil {
		r.seen = r.seen.then(changed.Service, state)
		r.begun, r.confirmed = true, true
		r.result.Service, r.result.Split = changed.Service, splitOf(changed.Service)
		r.result.Warnings = slices.Concat(notes, changed.Warnings)
	}
	return changed, failed
}
