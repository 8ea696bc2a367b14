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
	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/status"
)

// ErrPlanStale is matched by the error of [Deployer.Apply] when the Service is
// no longer what it was when the plan was made. Nothing was written.
var ErrPlanStale = errors.New("the service is not what it was when the plan was made")

// PlanStaleError tells how a Service moved on since a plan was made of it. It matches [ErrPlanStale].
type PlanStaleError struct {
	// Service is the name of the Service.
	Service string
	// Reason says what happened to it, such as "it was changed".
	Reason string
	// By is who wrote it last, as far as the server tells.
	By string
	// Changes are what is different in it now, with values hidden as in the
	// plan. They are empty if it is gone, or was deployed again as it was.
	Changes []Change
	// Err is how the server told of it; nil if reading the Service did.
	Err error
}

// Error says what happened, who did it, and what is different.
func (e *PlanStaleError) Error() string {
	text := fmt.Sprintf("service %q is not what it was when the plan was made: %s", e.Service, e.Reason)
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
	return text + ": plan anew"
}

// Is reports whether the target is [ErrPlanStale].
func (e *PlanStaleError) Is(target error) bool { return target == ErrPlanStale }

// Unwrap gives how the server told of it.
func (e *PlanStaleError) Unwrap() error { return e.Err }

// Apply does what a plan says: it writes just that, waits, and makes the Service
// public or private, as [Deployer.Deploy] would have done. The options of the
// plan say how, those of Apply take precedence.
//
// If the Service moved on since the plan was made, nothing is written, and the
// error has a [*PlanStaleError] in it: so a plan that made a change cannot be
// applied again. What the server alone writes, such as a new status, makes no
// plan stale unless other Revisions are the latest. A plan that the server
// refused may be applied, in case it changes its mind.
//
// One call makes one Revision at most, whatever happens on the wire. The error
// is a [*DeployError], as that of Deploy. The client of the Deployer must be for
// the project and region of the plan.
func (d *Deployer) Apply(ctx context.Context, plan *Plan, opts ...CallOption) (*Result, error) {
	a, err := d.beginApply("apply the plan of service", plan, opts)
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

// application is one call of Apply.
type application struct {
	call  *call
	plan  *prepared
	cfg   deployConfig
	nonce nonce.Nonce // of the new Revision; empty if there is none
}

func (d *Deployer) beginApply(op string, plan *Plan, opts []CallOption) (*application, error) {
	if plan == nil || plan.prepared == nil {
		return nil, &DeployError{Op: op, Stage: StageOptions, Err: errNoPlan}
	}
	p := plan.prepared
	c, err := d.beginWith(op, p.name, append(slices.Clone(p.layers), edits.Of(opts))...)
	if err == nil {
		err = p.checkFor(d.client)
	}
	if known, ok := asType[*DeployError](err); ok {
		return nil, known
	}
	if err != nil {
		return nil, c.fail(StageOptions, NotWritten, err)
	}
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
		is.project, is.region, hostOf(is.regional), c.project, c.region, hostOf(c.regional))
}

// write is the write that was planned.
func (a *application) write() serviceWrite {
	w := serviceWrite{client: a.call.observed(StageWrite), name: a.plan.name, create: true, reveal: a.plan.reveal, compose: a.compose}
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
	if a.nonce != "" {
		d.service.Spec.Template.Labels = a.nonce.Put(d.service.Spec.Template.Labels)
	}
	if base != nil {
		d.service.ResourceVersion = base.service.ResourceVersion
	}
	result.body, err = d.merge()
	return result, err
}

// staleFor tells how a Service has moved on; nil if it has not.
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
		e.Reason = "it was deleted and created anew"
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

// isStill reports whether a Service that was read later is the same, but for
// what the server writes on its own account: on a cluster each change of the
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
