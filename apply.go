package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/edits"
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
	w, err := a.write(ctx)
	if err != nil {
		return nil, hideFailure(a.planned.hide, err)
	}
	a.call.before = a.planned.release.before
	return a.call.finish(ctx, w, a.mark)
}

// application is one call of Apply.
type application struct {
	call    *deployment
	planned *prepared
	mark    *nonce // of the new Revision; nil if there is none
	updater *updater
}

func (d *Deployer) beginApply(op string, plan *Plan, opts []CallOption) (*application, error) {
	if plan == nil || plan.prepared == nil {
		return nil, &DeployError{Op: op, Stage: StageOptions, Err: errNoPlan}
	}
	p := plan.prepared
	options, err := collect(append(slices.Clone(p.layers), edits.Of(opts))...)
	c := newDeployment(op, d.client, p.call.name, options)
	c.warnings = slices.Clone(p.release.warnings)
	if err = errors.Join(c.check(), p.checkFor(d.client), err); err != nil {
		return nil, c.fail(StageOptions, NotWritten, err)
	}
	c.report = newReporter(c.name, c.wait.progress)
	a := &application{call: c, planned: p}
	if p.marked {
		a.mark = newNonce()
	}
	a.updater = &updater{create: true, compose: a.compose, mark: a.mark}
	return a, nil
}

// checkFor finds out whether a plan is for what a client is for.
func (p *prepared) checkFor(c *Client) error {
	is := p.client
	if c == nil || is.project == c.project && is.region == c.region && is.regional == c.regional {
		return nil
	}
	return fmt.Errorf("the plan is for project %q, region %q at %s, the client for project %q, region %q at %s",
		is.project, is.region, hostOf(is.regional), c.project, c.region, hostOf(c.regional))
}

// write writes what was planned.
func (a *application) write(ctx context.Context) (*written, error) {
	w, err := a.call.write(ctx, a.updater)
	if err == nil {
		return w, nil
	}
	call, ok := asType[*DeployError](err)
	switch known := errors.Is(err, ErrPlanStale); {
	case known || !ok || call.Outcome != NotWritten:
		return nil, err
	case errors.Is(err, ErrBeingDeleted):
		return nil, a.call.fail(StageWrite, NotWritten, &PlanStaleError{Service: a.call.name, Reason: "it is being deleted", Err: call.Err})
	case apierrors.IsConflict(err): // and yet each read showed it as it was
		return nil, a.call.fail(StageWrite, NotWritten, &PlanStaleError{Service: a.call.name, Reason: "it was changed", Err: call.Err})
	}
	return nil, err
}

// compose gives what was planned, for the Service that it was planned for.
func (a *application) compose(_ context.Context, d *document) ([]byte, error) {
	p := a.planned
	stale, err := p.staleFor(d)
	if err != nil {
		return nil, err
	}
	if stale != nil {
		if d != nil && a.mark != nil && (p.before == nil || d.uid == p.before.uid) {
			a.updater.lost = nil // the mark was looked for: the lost write did nothing
		}
		return nil, &DeployError{Stage: StageWrite, Err: stale}
	}
	if p.unchanged() {
		return d.raw, nil
	}
	body, err := newDocument(p.body)
	if err != nil {
		return nil, err
	}
	if a.mark != nil {
		a.mark.put(body.service)
	}
	if d != nil {
		body.service.ResourceVersion = d.version
	}
	return body.merge()
}

// staleFor tells how a Service has moved on; nil if it has not.
func (p *prepared) staleFor(d *document) (*PlanStaleError, error) {
	e := &PlanStaleError{Service: p.call.name}
	switch {
	case p.before == nil && d == nil:
		return nil, nil
	case d == nil:
		e.Reason = "it was deleted"
		return e, nil
	case p.before != nil && p.before.isStill(d):
		return nil, nil
	case p.before == nil:
		e.Reason = "it was created"
	case p.before.uid != d.uid:
		e.Reason = "it was deleted and created anew"
	case p.before.generation != d.generation || !configuration.Same(p.before.raw, d.raw):
		e.Reason = "it was changed"
	default:
		e.Reason = "another revision became the latest"
	}
	e.By = d.service.Annotations[annotationLastModifier]
	hide, err := redactorFor(p.cfg.reveal, p.raw(), d.raw)
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
	if d.uid != later.uid || d.generation != later.generation {
		return false
	}
	is, was := later.service.Status, d.service.Status
	return d.version == later.version || configuration.Same(d.raw, later.raw) &&
		is.LatestReadyRevisionName == was.LatestReadyRevisionName && is.LatestCreatedRevisionName == was.LatestCreatedRevisionName
}
