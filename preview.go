package cloudrun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/diff"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/redact"
)

// Plan tells what [Deployer.Deploy] would do to a Service: see [Deployer.Plan].
// It is what [Deployer.Apply] does later.
//
// Printing a plan, with [Plan.WriteText], as JSON or with package fmt, shows no
// value of an environment variable and nothing else that may be secret, unless
// it was made with [RevealValues].
type Plan struct {
	// Service is the name of the Service.
	Service string
	// Project and Region are where it is; on a cluster, its namespace and an empty region.
	Project, Region string
	// Action is what would be done: Created, Updated or Unchanged.
	Action Action
	// Changes are what would be different in the Service, sorted by path. They
	// are empty for a new Revision that is like the last.
	Changes []Change
	// NewRevision tells whether a new Revision would be made.
	NewRevision bool
	// Revision is the name of the new Revision; empty if the server would choose it, or there would be none.
	Revision string
	// PublicAccess is what the options say of it: true lets everybody call the
	// Service, false takes that away, nil leaves it as it is.
	PublicAccess *bool
	// Warnings are things to know, such as that the new Revision would get no traffic.
	Warnings []string
	// Checked tells whether the server was asked what it thinks: it is not where
	// there is nothing to write, nor with [WithoutDryRun].
	Checked bool
	// Verdict is why the server refuses the change; nil if it takes it, or was
	// not asked. There is an [*APIError] in it.
	Verdict error

	prepared *prepared // a pointer, so that package fmt does not look into it
}

// Answer is the Service as the server says it would be, with its defaults; nil
// unless the server was asked and takes the change. Nothing in it is hidden.
func (p *Plan) Answer() *servingv1.Service {
	if p.prepared == nil || p.prepared.answer == nil {
		return nil
	}
	return p.prepared.answer.DeepCopy()
}

// RevealValues has [Deployer.Plan] show the values of environment variables,
// secrets and what else may be secret. It has no effect on other calls.
func RevealValues() DeployOption {
	return deployOption{edits.Configures("RevealValues()", "whether values are shown", "yes", nil, func(c *previewConfig) { c.reveal = true })}
}

// WithoutDryRun has [Deployer.Plan] not ask the server what it thinks of the
// change, which takes the permission to make it. It has no effect on other calls.
func WithoutDryRun() DeployOption {
	return deployOption{edits.Configures("WithoutDryRun()", "whether the server is asked", "no", nil, func(c *previewConfig) { c.unchecked = true })}
}

// previewConfig is what the options say of a plan.
type previewConfig struct{ reveal, unchecked bool }

// Plan tells what [Deployer.Deploy] with the same options would do, without
// doing it: the Service is read, edited and compared, and the change is sent
// with dryRun, so that the server checks it and writes nothing. What the server
// refuses is the [Plan.Verdict], not an error.
//
// Changes are told by meaning: another spelling of the same quantity, another
// order of variables, and what the server and clients write on their own account
// are none. Values that may be secret are hidden, see [RevealValues].
//
// The error is a [*DeployError]: the options cannot be used, or the Service
// cannot be read, or the server cannot be asked.
func (d *Deployer) Plan(ctx context.Context, name string, opts ...DeployOption) (*Plan, error) {
	c, err := d.begin("plan service", name, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	p := &prepared{
		call: c, client: c.client, release: newRelease(c), cfg: edits.Configure(c.options, previewConfig{}),
		layers: [][]edits.Setting{edits.Of(d.defaults), edits.Of(opts)},
	}
	if c.report != nil {
		p.client = c.client.observed(c.report.retrying(StageRead))
	}
	end := c.report.stage(StageRead)
	err = p.client.writeAnew(ctx, newPauses().after, func() error { return p.try(ctx) })
	end(err)
	if err != nil {
		return nil, hideFailure(p.hide, writeFailure(c.op, c.name, StageWrite, err, nil))
	}
	plan, err := p.plan()
	if err != nil {
		return nil, c.fail(StageRead, NotWritten, err)
	}
	return plan, nil
}

// prepared is a deployment up to where something would be written.
type prepared struct {
	call    *deployment
	client  *Client
	release *release
	cfg     previewConfig
	layers  [][]edits.Setting // the options, from the weakest layer to the strongest

	before  *document // the Service as it was read; nil if there was none
	body    []byte    // what would be sent
	marked  bool      // whether that makes a new Revision
	hide    redact.Redactor
	checked bool
	answer  *servingv1.Service
	verdict error
}

// try reads and composes, and asks the server, once.
func (p *prepared) try(ctx context.Context) error {
	p.before, p.checked, p.answer, p.verdict = nil, false, nil, nil
	raw, err := p.client.getServiceRaw(ctx, p.call.name)
	if err == nil {
		p.before, err = newDocument(raw)
	}
	if err != nil && !isMissing(err) {
		return &DeployError{Stage: StageRead, Err: err}
	}
	if p.before != nil && p.before.service.DeletionTimestamp != nil {
		return &DeployError{Stage: StageRead, Err: fmt.Errorf("%w: wait until it is gone, then plan anew", ErrBeingDeleted)}
	}
	if p.body, err = p.release.compose(ctx, p.before); err != nil {
		return refused(err)
	}
	if p.hide, err = redactorFor(p.cfg.reveal, p.raw(), p.body); err != nil {
		return &DeployError{Stage: StageRead, Err: err}
	}
	if p.unchanged() || p.cfg.unchecked {
		return nil
	}
	return p.ask(ctx)
}

// raw is the Service as it was read.
func (p *prepared) raw() []byte {
	if p.before == nil {
		return nil
	}
	return p.before.raw
}

func (p *prepared) unchanged() bool { return p.before != nil && bytes.Equal(p.body, p.before.raw) }

// ask has the server judge the change. A dry run can be made again, whatever became of the last.
func (p *prepared) ask(ctx context.Context) error {
	write := p.client.createServiceRaw
	if p.before != nil {
		write = p.client.replaceServiceRaw
	}
	raw, err := write(ctx, p.call.name, p.body, DryRun())
	if err == nil {
		if p.answer, err = decodeService(raw); err != nil {
			return err
		}
		p.checked = true
		return nil
	}
	switch moved := apierrors.IsConflict(err) || isMissing(err) || p.before == nil && apierrors.IsAlreadyExists(err); {
	case moved:
		return &retryError{errConflict, err}
	case outcomeOf(err) == WriteUnknown:
		return &retryError{errLost, err}
	case !isRefusal(err):
		return err
	}
	p.checked, p.verdict = true, p.hide.Error(err)
	return nil
}

// isRefusal tells a server that judges a request from one that does not answer for now.
func isRefusal(err error) bool {
	api, ok := asType[*APIError](err)
	return ok && !api.notAPI() && api.StatusCode() < 500 &&
		!slices.Contains([]int{http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests}, api.StatusCode())
}

// plan tells what was prepared.
func (p *prepared) plan() (*Plan, error) {
	s, err := decodeService(p.body)
	if err != nil {
		return nil, err
	}
	changes, err := changesOf(p.raw(), p.body, p.hide)
	if err != nil {
		return nil, err
	}
	w := written{created: p.before == nil, changed: !p.unchanged()}
	p.marked = w.changed && p.release.nonce.on(s)
	plan := &Plan{
		Service: p.call.name, Project: p.client.project, Region: p.client.region,
		Action: actionOf(&w), Changes: changes, NewRevision: p.marked,
		PublicAccess: p.call.cfg.public, Warnings: slices.Clone(p.release.warnings),
		Checked: p.checked, Verdict: p.verdict, prepared: p,
	}
	if plan.NewRevision {
		plan.Revision = s.Spec.Template.Name
		s.Status = servingv1.ServiceStatus{} // tells of the Revisions before
		if shareOf(s, plan.Revision) == 0 && !p.call.cfg.noTraffic {
			plan.Warnings = append(plan.Warnings, pinnedWarning(s, plan.Revision))
		}
	}
	return plan, nil
}

// redactorFor returns what hides the secrets of Services, unless they are to be revealed.
func redactorFor(reveal bool, docs ...[]byte) (redact.Redactor, error) {
	if reveal {
		return redact.Reveal(), nil
	}
	return redact.New(docs...)
}

// hideFailure returns a failed call with nothing hidden in its message.
func hideFailure(hide redact.Redactor, err error) error {
	if call, ok := asType[*DeployError](err); ok {
		is := *call
		is.Err = hide.Error(call.Err)
		return &is
	}
	return hide.Error(err)
}

// changesOf tells what is different, with what may be secret hidden. That the
// template loses the name of the Revision before is none: every new one does that.
func changesOf(before, after []byte, hide redact.Redactor) ([]Change, error) {
	found, err := diff.Diff(before, after)
	if err != nil {
		return nil, err
	}
	changes := make([]Change, 0, len(found))
	for _, c := range found {
		if c.Kind != diff.Removed || c.Path.String() != "spec.template.metadata.name" {
			s := hide.Change(c)
			changes = append(changes, Change{Path: s.Path, Kind: ChangeKind(s.Kind), Before: s.Before, After: s.After, Hidden: s.Hidden})
		}
	}
	return changes, nil
}

var errNoPlan = errors.New("the plan is empty: make it with Deployer.Plan")
