package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/diff"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/status"
)

// Plan is what [Deployer.Deploy] would do to a Service. [Deployer.Plan] returns
// it and [Deployer.Apply] carries it out.
//
// A printed plan shows no values of environment variables and nothing else that
// may be secret, whether it is printed with [Plan.WriteText], as JSON or with
// package fmt. [RevealValues] shows them.
type Plan struct {
	// Service is the name of the Service.
	Service string
	// Project and Region are the location of the Service. On a cluster, Project is
	// the namespace and Region is empty.
	Project, Region string
	// Action is what Deploy would do: Created, Updated or Unchanged.
	Action Action
	// Changes are the fields that would differ, sorted by path. There are none for
	// a new Revision that equals the previous one.
	Changes []Change
	// NewRevision reports whether a new Revision would be made.
	NewRevision bool
	// Revision is the name of the new Revision; empty if the server chooses it, or if there is no new Revision.
	Revision string
	// PublicAccess is what the options ask for and what the IAM policy grants now;
	// nil if the options keep the policy.
	PublicAccess *PublicAccess
	// Warnings do not keep the plan from being applied, such as that the new
	// Revision would get no traffic.
	Warnings []string
	// Checked reports whether the server checked the change in a dry run. It does
	// not if there is nothing to write, or with [WithoutDryRun].
	Checked bool
	// Verdict is the error with which the server rejects the change; nil if it
	// accepts it or did not check it. It wraps an [*APIError].
	Verdict error

	prepared func() *prepared // a function, so that package fmt prints an address
}

// PublicAccess is who is allowed to call a Service, before a planned change and after it.
type PublicAccess struct {
	// Before reports whether the IAM policy lets everybody call the Service now; see
	// [IsPublic]. A new Service is private. It is nil if the account in use is not
	// allowed to read the policy, as one of the [Plan.Warnings] says.
	Before *bool `json:"before"`
	// After is what the options ask for.
	After bool `json:"after"`
}

// Changes reports whether the IAM policy would change, or may change because it could not be read.
func (a *PublicAccess) Changes() bool {
	return a != nil && (a.Before == nil || *a.Before != a.After)
}

// Answer returns the Service as the server would have it, with the server's
// defaults; nil unless the server checked and accepts the change. No values are
// hidden in it.
func (p *Plan) Answer() *servingv1.Service {
	if p.prepared == nil || p.prepared().answer == nil {
		return nil
	}
	return p.prepared().answer.DeepCopy()
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
// If the options set public access, the IAM policy of an existing Service is
// read too. A policy that the account in use is not allowed to read is one of the
// [Plan.Warnings], not an error.
//
// The error is a [*DeployError]: the options cannot be used, or the Service
// cannot be read, or the server cannot be asked.
func (d *Deployer) Plan(ctx context.Context, name string, opts ...PlanOption) (_ *Plan, err error) {
	ctx, t := d.Client().trace(ctx, "plan service", name)
	defer func() { t.End(err) }()
	c, err := d.begin(t, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	p := &planning{call: c, composition: newComposition(c.client, name, c.options), cfg: edits.Configure(c.options, planConfig{})}
	ctx, end := c.report.stage(ctx, StageRead)
	tried, err := p.try(ctx)
	if err != nil {
		end(err)
		return nil, writeError(c.op, c.name, StageWrite, err)
	}
	access, note, err := p.access(ctx, tried.Base != nil && tried.Base.document != nil)
	end(err)
	if err != nil {
		return nil, c.fail(StageRead, NotWritten, err)
	}
	plan, err := p.plan(tried, [][]edits.Setting{edits.Of(d.defaults), edits.Of(opts)})
	if err != nil {
		return nil, c.fail(StageRead, NotWritten, err)
	}
	plan.PublicAccess, plan.Warnings = access, append(plan.Warnings, note...)
	c.client.known.Hide(plan.Warnings)
	return plan, nil
}

// prepared is what [Deployer.Apply] needs from a plan.
type prepared struct {
	client  *Client
	name    string
	layers  [][]edits.Setting // the options, from the weakest layer to the strongest
	base    *document         // the Service as it was read; nil if there was none
	target  *document         // the Service as it would be sent
	changes composed
	marked  bool // a new Revision would be made
	reveal  bool
	answer  *servingv1.Service // nil if the server did not check or rejects the change
}

// raw returns the Service as it was read.
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
	losses := client.rest.Call.Retries.BackOff() // a dry run can be repeated, whatever became of the last one
	return once.Writer[*trial, composed]{
		Store: &trialStore{serviceStore{client, p.call.name, true}, p.cfg},
		Compose: func(ctx context.Context, base *trial) (composed, error) {
			if base == nil {
				return write.composeUnlessDeleting(ctx, nil)
			}
			return write.composeUnlessDeleting(ctx, base.document)
		},
		Create: true, DryRun: true, Classify: classify, Delay: rest.Delay, Retrying: client.onRetry, Retries: &client.rest.Call.Retries,
		Patience: []once.Patience{{Applies: isLost, Pause: func(err error) time.Duration { return losses.Next(rest.Delay(err)) }}},
	}.Run(ctx)
}

// access returns what the options make of the public access to a Service, and a
// note if the account in use is not allowed to read the policy.
func (p *planning) access(ctx context.Context, exists bool) (a *PublicAccess, note []string, err error) {
	asked, before := p.composition.cfg.public, false
	if asked == nil {
		return nil, nil, nil
	}
	if exists {
		before, err = IsPublic(ctx, p.call.observed(StageRead), p.call.name)
	}
	switch {
	case err == nil:
		return &PublicAccess{Before: &before, After: *asked}, nil, nil
	case isRefusal(err):
		return &PublicAccess{After: *asked}, []string{fmt.Sprintf("whether public access would change is unknown: %v", err)}, nil
	}
	return nil, nil, err
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
		Warnings: slices.Clone(tried.Body.warnings),
		Checked:  tried.Doc.checked, Verdict: tried.Doc.verdict, prepared: func() *prepared { return ready },
	}
	for _, warning := range p.call.client.rest.Call.Warnings() {
		plan.Warnings = append(plan.Warnings, hide.Text(warning))
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
	verdict error // with which the server rejects the write
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

// unchecked returns what a write would send and the server did not check, or rejects.
func unchecked(body composed, verdict error) (*trial, error) {
	d, err := newDocument(body.body)
	return &trial{document: d, checked: verdict != nil, verdict: verdict}, err
}

// isRefusal reports whether the server rejected the content of a request. An
// outage and a conflict with a concurrent change are no such rejections.
func isRefusal(err error) bool {
	api, ok := asType[*APIError](err)
	return ok && !api.notAPI() && api.StatusCode() < 500 && !apierrors.IsConflict(err) &&
		!slices.Contains([]int{http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests}, api.StatusCode())
}

// changesOf returns the changes with secrets hidden. The name of the previous
// Revision is dropped from every new template, so that is not reported.
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
