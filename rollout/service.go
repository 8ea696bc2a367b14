package rollout

import (
	"context"
	"errors"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/agent"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/telemetry"
)

// service reads and writes the Service of one call.
type service struct {
	deployer *cloudrun.Deployer
	op       string
	name     string
	opts     []cloudrun.CallOption
	report   func(cloudrun.Event)
	trace    *telemetry.Call
}

// begin begins the span of a call, whose requests use the context. The caller ends it.
func begin(ctx context.Context, d *cloudrun.Deployer, op, name string) (context.Context, *telemetry.Call) {
	c := d.Client()
	return telemetry.Spans(c.TracerProvider(), agent.Version()).
		Begin(ctx, op, telemetry.Target{Project: c.Project(), Region: c.Region(), Service: name})
}

// open checks the arguments of a call before anything is sent.
func open(t *telemetry.Call, d *cloudrun.Deployer, cfg Config, opts []cloudrun.CallOption) (*service, error) {
	name := t.Target.Service
	v := &service{deployer: d, op: t.Operation, name: name, opts: opts, trace: t}
	if d == nil || d.Client() == nil {
		return nil, v.fail(cloudrun.StageOptions, cloudrun.NotWritten, errors.New("the deployer has no client"))
	}
	checkName, host := names.Service, split.Host{Service: name, Cluster: d.Client().Region() == ""}
	if host.Cluster {
		checkName = names.ClusterService
	}
	report, err := d.Progress(opts...)
	if err := errors.Join(checkName(name), cfg.validate(host), err); err != nil {
		return nil, v.fail(cloudrun.StageOptions, cloudrun.NotWritten, err)
	}
	v.report = report
	return v, nil
}

func (v *service) fail(stage cloudrun.Stage, outcome cloudrun.WriteOutcome, err error) error {
	return &cloudrun.DeployError{Op: v.op, Service: v.name, Stage: stage, Outcome: outcome, Err: err}
}

func (v *service) read(ctx context.Context) (*servingv1.Service, error) {
	return v.deployer.Client().GetService(ctx, v.name)
}

// silent returns the service without the handlers of events, and with the
// defaults for how to wait. What it does cannot fail because of a handler.
func (v *service) silent() *service {
	silent := *v
	silent.deployer, silent.opts, silent.report = cloudrun.NewDeployer(v.deployer.Client()), nil, func(cloudrun.Event) {}
	return &silent
}

// update edits the traffic and waits until it is in effect. The edit gets the
// Service that was seen before, in the same or a newer state: an edit that finds
// nothing to do would otherwise believe a stale read. The result is nil if
// nothing was written. The failure is nil if the call succeeded.
func (v *service) update(ctx context.Context, seen sight, edit func(*servingv1.Service) error) (*cloudrun.Result, *cloudrun.DeployError) {
	onFresh := func(s *servingv1.Service) error {
		if err := seen.check(s); err != nil {
			return err
		}
		return edit(s)
	}
	opts := make([]cloudrun.TrafficOption, 0, len(v.opts)+1)
	for _, o := range v.opts {
		opts = append(opts, o)
	}
	changed, err := v.deployer.UpdateTraffic(ctx, v.name, append(opts, cloudrun.EditTraffic(onFresh))...)
	if err == nil {
		return changed, nil
	}
	return changed, v.failure(err)
}

// failure returns the error of an update as one of this call.
func (v *service) failure(err error) *cloudrun.DeployError {
	failed := cloudrun.DeployError{Stage: cloudrun.StageWrite, Err: err}
	var known *cloudrun.DeployError
	if errors.As(err, &known) {
		failed = *known
	}
	failed.Op, failed.Service = v.op, v.name
	return &failed
}

// stage reports the start of a stage of a step. The returned function reports its end.
func (v *service) stage(ctx context.Context, stage cloudrun.Stage) (_ context.Context, end func(error)) {
	e := cloudrun.Event{Kind: cloudrun.StageStarted, Service: v.name, Stage: stage, Step: telemetry.StepOf(ctx)}
	v.report(e)
	ctx, ended := v.trace.Stage(ctx, string(stage))
	return ctx, func(err error) {
		ended(err)
		if e.Kind = cloudrun.StageDone; err != nil {
			e.Kind, e.Err = cloudrun.StageFailed, err
		}
		v.report(e)
	}
}
