package cloudrun

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/diff"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/status"
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

// RevealValues shows the values of environment variables, secrets and
// everything else that may be secret in a plan.
func RevealValues() PlanOption {
	return planOption{settings{edits.Configures("RevealValues()", "whether values are shown", "yes", nil, func(c *planConfig) { c.reveal = true })}}
}

// WithoutDryRun skips the server-side dry run of [Deployer.Plan], which takes
// the permission to make the change.
func WithoutDryRun() PlanOption {
	return planOption{settings{edits.Configures("WithoutDryRun()", "whether the server is asked", "no", nil, func(c *planConfig) { c.unchecked = true })}}
}

// planConfig is what the options say about a plan.
type planConfig struct{ reveal, unchecked bool }

// Plan returns what [Deployer.Deploy] with the same options would do, without
// doing it. The Service is read, edited and compared. The change is sent as a
// dry run, so that the server checks it and writes nothing. If the server
// refuses it, that is the [Plan.Verdict], not an error.
//
// Changes are compared by meaning: another spelling of the same quantity,
// another order of variables, and what the server and clients write on their
// own account are no changes. Values that may be secret are hidden, see
// [RevealValues].
//
// The error is a [*DeployError]: the options cannot be used, or the Service
// cannot be read, or the server cannot be asked.
func (d *Deployer) Plan(ctx context.Context, name string, opts ...PlanOption) (*Plan, error) {
	c, err := d.begin("plan service", name, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	p := &planning{call: c, composition: newComposition(c.client, name, c.options), cfg: edits.Configure(c.options, planConfig{})}
	end := c.report.stage(StageRead)
	tried, err := p.try(ctx)
	end(err)
	if err != nil {
		return nil, writeError(c.op, c.name, StageWrite, err)
	}
	plan, err := p.plan(tried, [][]edits.Setting{edits.Of(d.defaults), edits.Of(opts)})
	if err != nil {
		return nil, c.fail(StageRead, NotWritten, err)
	}
	return plan, nil
}

// prepared is what [Deployer.Apply] needs of a plan.
type prepared struct {
	client  *Client
	name    string
	layers  [][]edits.Setting // the options, from the weakest layer to the strongest
	base    *document         // the Service as it was read; nil if there was none
	target  *document         // the Service as it would be sent
	changes composed
	marked  bool // a new Revision would be made
	reveal  bool
	answer  *servingv1.Service // nil if the server was not asked or refuses the change
}

// raw is the Service as it was read.
func (p *prepared) raw() []byte { return rawOf(p.base) }

func rawOf(d *document) []byte {
	if d == nil {
		return nil
	}
	return d.raw
}

// planning is one call of Plan.
type planning struct {
	call        *call
	composition *composition
	cfg         planConfig
}

// try composes the write and has the server check it.
func (p *planning) try(ctx context.Context) (*once.Written[*trial, composed], error) {
	client := p.call.observed(StageRead)
	write := serviceWrite{compose: p.composition.compose}
	losses := pause.NewBackOff() // a dry run can be repeated, whatever became of the last one
	return once.Writer[*trial, composed]{
		Store: &trialStore{serviceStore{client, p.call.name, true, p.cfg.reveal}, p.cfg},
		Compose: func(ctx context.Context, base *trial) (composed, error) {
			if base == nil {
				return write.composeUnlessDeleting(ctx, nil)
			}
			return write.composeUnlessDeleting(ctx, base.document)
		},
		Create: true, DryRun: true, Classify: classify, Delay: rest.Delay, Retrying: client.onRetry,
		Patience: []once.Patience{{Applies: isLost, Pause: func(err error) time.Duration { return losses.Next(rest.Delay(err)) }}},
	}.Run(ctx)
}

func isLost(err error) bool { return classify(err) == once.Lost }

// plan returns the plan for a write that was tried.
func (p *planning) plan(tried *once.Written[*trial, composed], layers [][]edits.Setting) (*Plan, error) {
	target, err := newDocument(tried.Body.body)
	if err != nil {
		return nil, err
	}
	ready := &prepared{
		client: p.call.client, name: p.call.name, layers: layers, target: target, changes: tried.Body,
		marked: tried.Changed && p.composition.nonce.On(target.service.Spec.Template.Labels), reveal: p.cfg.reveal,
	}
	if tried.Base != nil {
		ready.base = tried.Base.document
	}
	if tried.Doc.checked && tried.Doc.verdict == nil {
		ready.answer = tried.Doc.service
	}
	hide, err := redactorFor(p.cfg.reveal, ready.raw(), target.raw)
	if err != nil {
		return nil, err
	}
	changes, err := changesOf(ready.raw(), target.raw, hide)
	if err != nil {
		return nil, err
	}
	plan := &Plan{
		Service: p.call.name, Project: p.call.client.project, Region: p.call.client.region,
		Action: actionOf(written{created: tried.Created, changed: tried.Changed}), Changes: changes, NewRevision: ready.marked,
		PublicAccess: p.composition.cfg.public, Warnings: slices.Clone(tried.Body.warnings),
		Checked: tried.Doc.checked, Verdict: tried.Doc.verdict, prepared: ready,
	}
	if plan.NewRevision {
		plan.Revision = target.service.Spec.Template.Name
		if status.AskedShare(target.service, plan.Revision) == 0 && !p.composition.cfg.noTraffic {
			plan.Warnings = append(plan.Warnings, pinnedWarning(target.service, plan.Revision))
		}
	}
	return plan, nil
}

// trial is a Service as it is, or as a write would make it.
type trial struct {
	*document
	checked bool  // by the server
	verdict error // why the server refuses the write
}

// trialStore has the server check writes that are not made.
type trialStore struct {
	serviceStore
	cfg planConfig
}

func (s *trialStore) Read(ctx context.Context) (*trial, error) {
	d, err := s.serviceStore.Read(ctx)
	return &trial{document: d}, err
}

func (s *trialStore) Create(ctx context.Context, body composed) (*trial, error) {
	if s.cfg.unchecked {
		return unchecked(body, nil)
	}
	d, err := s.serviceStore.Create(ctx, body)
	if err != nil && !apierrors.IsAlreadyExists(err) && isRefusal(err) {
		return unchecked(body, err)
	}
	return &trial{document: d, checked: true}, err
}

func (s *trialStore) Replace(ctx context.Context, base *trial, body composed) (*trial, error) {
	if s.cfg.unchecked {
		return unchecked(body, nil)
	}
	d, err := s.serviceStore.Replace(ctx, base.document, body)
	if err != nil && !apierrors.IsNotFound(err) && isRefusal(err) {
		return unchecked(body, err)
	}
	return &trial{document: d, checked: true}, err
}

// unchecked is what a write would send, which the server was not asked about or refuses.
func unchecked(body composed, verdict error) (*trial, error) {
	d, err := newDocument(body.body)
	return &trial{document: d, checked: verdict != nil, verdict: verdict}, err
}

// isRefusal reports whether a server judged a request, rather than not
// answering for now or refusing it for a concurrent change.
func isRefusal(err error) bool {
	api, ok := asType[*APIError](err)
	return ok && !api.notAPI() && api.StatusCode() < 500 && !apierrors.IsConflict(err) &&
		!slices.Contains([]int{http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests}, api.StatusCode())
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
