package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudrun-go/cloudrun"
)

// Deploy deploys all targets and waits until they are ready. It returns when no
// target is under way any more.
//
// The targets of a project and region share limits for reads and for writes, which
// adapt to the quota that the server enforces. Projects and regions are deployed
// beside each other. If a region does not answer for minutes, the rest of its
// targets is skipped, and the others are deployed.
//
// The error is an [*Error] if targets are not deployed, with a [*TargetError] for
// each; then the report is complete, too. If the targets or the options cannot
// be used, the error lists all mistakes, the report is nil and nothing was sent.
//
// If the process ends, or the context does, the same call with the same
// [WithRunID] goes on. No target is deployed twice.
func Deploy(ctx context.Context, targets []Target, opts ...Option) (*Report, error) {
	r, err := newRun(ctx, targets, opts)
	if err != nil {
		return nil, fmt.Errorf("deploy fleet: %w", err)
	}
	defer r.events.Close()
	for number, wave := range r.waves() {
		r.each(ctx, wave, func(ctx context.Context, i int) { r.deploy(ctx, i, number+1) })
		if r.config.rollback && r.stopped() != nil && ctx.Err() == nil {
			r.each(ctx, wave, r.rollBack)
		}
	}
	report := &Report{RunID: r.config.runID, Results: r.results, Duration: time.Since(r.began)}
	return report, report.Err()
}

// deploy deploys one target, unless there is a reason to skip it.
func (r *run) deploy(ctx context.Context, i, wave int) {
	t := r.targets[i]
	if reason := r.skip(ctx, r.places[t.place()]); reason != nil {
		r.finish(i, Result{Target: t, Wave: wave, Status: Skipped, Err: fmt.Errorf("%w: %w", ErrSkipped, reason)})
		return
	}
	r.events.Add(r.event(TargetStarted, i))
	p, began := r.places[t.place()], time.Now()
	options := slices.Concat(t.Options, []cloudrun.DeployOption{cloudrun.WithRunID(r.config.runID), r.progress(i)})
	deployment, err := p.deployer.Deploy(p.gated(ctx), t.Service, options...)
	if err != nil {
		p.judge(began, err)
	}
	result := deployed(t, r.config.runID, deployment, err)
	result.Wave, result.Duration = wave, time.Since(began)
	r.finish(i, result)
}

// skip returns why a target in a place is not tried; nil if it is.
func (r *run) skip(ctx context.Context, p *place) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.stopped(); err != nil {
		return err
	}
	return p.isDown()
}

// rollBack returns the traffic of a target to what served before, if this run has written the target.
func (r *run) rollBack(ctx context.Context, i int) {
	result := r.results[i]
	d := result.Deployment
	if d == nil || d.Action == cloudrun.Created || d.Action == cloudrun.Unchanged && !result.Resumed {
		return
	}
	began := time.Now()
	var options []cloudrun.RollbackOption
	if !result.Resumed {
		options = append(options, cloudrun.RollbackToTraffic(d.PreviousTraffic))
	}
	p := r.places[result.Target.place()]
	_, err := p.deployer.Rollback(p.gated(ctx), result.Target.Service, append(options, r.progress(i))...)
	result.Duration += time.Since(began)
	if err != nil {
		result.Status, result.Err = Failed, errors.Join(result.Err, &notRolledBack{err})
	} else {
		result.Status, result.Err = RolledBack, errors.Join(result.Err, ErrRolledBack)
	}
	r.finish(i, result)
}
