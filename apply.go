package cloudrun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/runmark"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/telemetry"
)

// ErrPlanStale is matched by the error of [Deployer.Apply] when the Service has
// changed since the plan was made. Nothing was written, unless the Outcome is
// [WriteUnknown] because the response to a write was lost.
var ErrPlanStale = errors.New("the service has changed since the plan was made")

// PlanStaleError is returned when the Service has changed since the plan was
// made. It matches [ErrPlanStale].
type PlanStaleError struct {
	// Service is the name of the Service.
	Service string
	// Reason is what happened to the Service, such as "it was changed".
	Reason string
	// By is the account that changed it last, if the server reports it.
	By string
	// Changes are the fields that differ now, with values hidden as in the plan.
	// There are none if the Service is gone, or was deployed again without a change.
	Changes []Change
	// Err is the response of the server that revealed it; nil if a read did.
	Err error
}

// Error returns what happened, who did it, and what differs.
func (e *PlanStaleError) Error() string {
	text := fmt.Sprintf("service %q has changed since the plan was made: %s", e.Service, e.Reason)
	if e.By != "" {
		text += " by " + printable(e.By, 200)
	}
	if len(e.Changes) > 0 {
		text += " (" + e.Changes[0].String()
		if more := len(e.Changes) - 1; more > 0 {
			text += fmt.Sprintf("; and %d more", more)
		}
		text += ")"
	}
	return text + ": make a new plan"
}

// Is reports whether the target is [ErrPlanStale].
func (e *PlanStaleError) Is(target error) bool { return target == ErrPlanStale }

// Unwrap returns the response of the server that revealed the change.
func (e *PlanStaleError) Unwrap() error { return e.Err }

// Apply carries out a plan. It writes exactly the planned change, waits for it
// and updates public access, as [Deployer.Deploy] would have. The options of the
// plan apply; those of Apply take precedence.
//
// If the Service has changed since the plan was made, nothing is written and the
// error wraps a [*PlanStaleError]. So a plan that made a change cannot be applied
// again. A change by the server alone, such as a new status, does not make a plan
// stale unless another Revision became the latest. A plan that the server
// rejected can be applied; the server may accept it later.
//
// One call makes at most one Revision, whatever happens on the wire. The error
// is a [*DeployError], like that of Deploy. The client of the Deployer must be
// for the project and region of the plan.
func (d *Deployer) Apply(ctx context.Context, plan *Plan, opts ...CallOption) (result *Result, err error) {
	ctx, t := d.Client().trace(ctx, "apply the plan of service", plan.target())
	defer func() { t.Deployed(result.traced(), err) }()
	a, err := d.beginApply(t, plan, opts)
	if err != nil {
		return nil, err
	}
	defer a.call.report.close()
	w, err := a.call.write(ctx, a.write())
	if err != nil {
		return nil, a.explain(err)
	}
	return a.call.finish(ctx, w, ending{goal: status.GoalServing, made: a.nonce, access: a.cfg.access(w), withoutTraffic: a.cfg.noTraffic})
}

// target returns the name of the Service that the plan is for; empty if there is no plan.
func (p *Plan) target() string {
	if p == nil || p.prepared == nil {
		return ""
	}
	return p.prepared().name
}

// application is one call of Apply.
type application struct {
	call  *call
	plan  *prepared
	cfg   deployConfig
	nonce nonce.Nonce // of the new Revision; empty if there is none
}

func (d *Deployer) beginApply(t *telemetry.Call, plan *Plan, opts []CallOption) (*application, error) {
	if plan == nil || plan.prepared == nil {
		return nil, &DeployError{Op: t.Operation, Stage: StageOptions, Err: errNoPlan}
	}
	p := plan.prepared()
	c, err := d.beginWith(t, asIs, append(slices.Clone(p.layers), edits.Of(opts))...)
	if err == nil {
		err = p.checkFor(d.Client())
	}
	if known, ok := asType[*DeployError](err); ok {
		return nil, known
	}
	if err != nil {
		return nil, c.fail(StageOptions, NotWritten, err)
	}
	c.client.known.Learn(p.raw())
	c.client.known.Learn(p.target.raw)
	a := &application{call: c, plan: p, cfg: edits.Configure(c.options, deployConfig{})}
	if p.marked {
		a.nonce = nonce.New()
	}
	return a, nil
}

// checkFor reports an error if a plan is for another project, region or endpoint than a client.
func (p *prepared) checkFor(c *Client) error {
	is := p.client
	if is.project == c.project && is.region == c.region && is.regional == c.regional {
		return nil
	}
	return fmt.Errorf("the plan is for project %q, region %q at %s, the client for project %q, region %q at %s",
		is.project, is.region, names.HostOf(is.regional), c.project, c.region, names.HostOf(c.regional))
}

// write is the write that was planned.
func (a *application) write() serviceWrite {
	w := serviceWrite{client: a.call.observed(StageWrite), name: a.plan.name, create: true, compose: a.compose}
	if a.plan.base != nil {
		w.since = a.plan.base.Version()
	}
	if a.nonce != "" {
		w.mark = nonceMark{a.nonce, a.call.client}
	}
	return w
}

// explain returns the error of a write that found the plan out of date.
func (a *application) explain(err error) error {
	failed, ok := asType[*DeployError](err)
	stale := func(reason string) error {
		return a.call.fail(StageWrite, NotWritten, &PlanStaleError{Service: a.plan.name, Reason: reason, Err: failed.Err})
	}
	switch {
	case !ok || failed.Outcome != NotWritten || errors.Is(err, ErrPlanStale):
		return err
	case errors.Is(err, ErrBeingDeleted):
		return stale("it is being deleted")
	case apierrors.IsConflict(err): // although each read showed it as planned
		return stale("it was changed")
	}
	return err
}

// compose returns what was planned, for the Service that it was planned for.
func (a *application) compose(_ context.Context, base *document) (composed, error) {
	p := a.plan
	stale, err := p.staleFor(base)
	if err == nil && stale != nil {
		err = &once.StepError{Step: once.StepWrite, Err: stale}
	}
	if err != nil {
		return composed{}, err
	}
	result := p.changes
	if p.base != nil && bytes.Equal(p.target.raw, p.base.raw) {
		result.body = base.raw
		return result, nil
	}
	d := p.target.draft()
	if result.marked = a.nonce != ""; result.marked {
		d.service.Spec.Template.Labels = a.nonce.Put(d.service.Spec.Template.Labels)
		if a.cfg.runID != "" {
			d.service.Annotations = runmark.Mark{ID: a.cfg.runID, Nonce: a.nonce}.Put(d.service.Annotations)
		}
	}
	if base != nil {
		d.service.ResourceVersion = base.service.ResourceVersion
	}
	result.body, err = d.merge()
	return result, err
}

// staleFor returns how a Service has changed since the plan; nil if it has not.
func (p *prepared) staleFor(d *document) (*PlanStaleError, error) {
	e := &PlanStaleError{Service: p.name}
	switch {
	case p.base == nil && d == nil:
		return nil, nil
	case d == nil:
		e.Reason = "it was deleted"
		return e, nil
	case p.base != nil && p.base.isStill(d):
		return nil, nil
	case p.base == nil:
		e.Reason = "it was created"
	case p.base.service.UID != d.service.UID:
		e.Reason = "it was deleted and created again"
	case p.base.service.Generation != d.service.Generation || !configuration.Same(p.base.raw, d.raw):
		e.Reason = "it was changed"
	default:
		e.Reason = "another revision became the latest"
	}
	e.By = status.LastModifier(d.service)
	hide, err := redactorFor(p.reveal, p.raw(), d.raw)
	if err != nil {
		return nil, err
	}
	e.Changes, err = changesOf(p.raw(), d.raw, hide)
	return e, err
}

// isStill reports whether a later read shows the same Service. What the server
// writes on its own account does not count: on a cluster, each change of the
// status makes a new version.
func (d *document) isStill(later *document) bool {
	was, is := d.service, later.service
	if is.UID != was.UID || is.Generation != was.Generation {
		return false
	}
	return is.ResourceVersion == was.ResourceVersion || configuration.Same(d.raw, later.raw) &&
		is.Status.LatestReadyRevisionName == was.Status.LatestReadyRevisionName &&
		is.Status.LatestCreatedRevisionName == was.Status.LatestCreatedRevisionName
}
