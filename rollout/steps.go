package rollout

import (
	"context"
	"fmt"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/telemetry"
)

// climb goes through the steps. It returns the stage that failed.
func (r *run) climb(ctx context.Context) (cloudrun.Stage, error) {
	r.edits.now = time.Now().UTC().Truncate(time.Second)
	edit, percent := r.edits.start, r.edits.cfg.stepFrom(r.last.state.Percent)
	for {
		within := telemetry.WithStep(ctx, int(percent))
		if stage, err := r.shift(within, edit); err != nil {
			return stage, err
		}
		if err := r.check(within); err != nil {
			return cloudrun.StageCheck, err
		}
		if percent = r.edits.cfg.stepFrom(r.last.state.Percent + 1); percent == 0 {
			return "", nil
		}
		r.edits.now = time.Now().UTC().Truncate(time.Second)
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

// check pauses, and then checks the candidate.
func (r *run) check(ctx context.Context) (err error) {
	ctx, end := r.service.stage(ctx, cloudrun.StageCheck)
	defer func() { end(err) }()
	if err := pause.Sleep(ctx, r.edits.cfg.Pause); err != nil {
		return fmt.Errorf("the pause before the check: %w", err)
	}
	if r.edits.cfg.Check == nil {
		return ctx.Err()
	}
	err = errCheckPanicked // unless it returns
	return r.judge(ctx)
}
