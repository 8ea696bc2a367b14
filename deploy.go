package cloudrun

import (
	"context"
	"errors"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/preflight"
	"github.com/cloudrun-go/cloudrun/internal/spec"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/task"
	"github.com/cloudrun-go/cloudrun/internal/telemetry"
)

// Deployer deploys Services. Each of its calls reads, edits, writes and waits.
// Settings that a call does not mention are preserved, including concurrent
// changes. A Deployer is safe for concurrent use.
type Deployer struct {
	client   *Client
	defaults []DeployOption
}

// NewDeployer returns a Deployer. The defaults apply to all its calls and yield
// to the options of a call. Every call reports mistakes in them.
func NewDeployer(client *Client, defaults ...DeployOption) *Deployer {
	return &Deployer{client: client, defaults: slices.Clone(defaults)}
}

// Client returns the Client that the Deployer was made with; nil if it has none.
func (d *Deployer) Client() *Client {
	if d == nil {
		return nil
	}
	return d.client
}

// Deploy creates or updates a Service, makes a new Revision, and waits until
// the Revision is ready and was seen to get its traffic and its tag. If an
// option asks for it, the Service is made public or private beside the wait.
//
// A new Service needs an image. On an existing Service only what the options
// mention is changed. Without an image option the code that runs now is kept, by
// its digest, as gcloud run services update does. Options that are all about
// the Service itself, such as [WithDescription], make no new Revision. Without
// any options the new Revision equals the last, which restarts the Service.
// With [IfChanged], nothing is written if nothing changes.
//
// One call makes at most one Revision, whatever happens on the wire. If an
// answer is lost, the Service is read to find out whether the write took
// effect. After a conflict with a concurrent change, the Service is read and
// edited again.
//
// The error is a [*DeployError] with the stage that failed and the
// [WriteOutcome]. It wraps [*OptionError] for options that cannot be used
// (nothing is written then), [*APIError] for refusals of the server,
// [*NotReadyError], [*TimeoutError] and [*OvertakenError] for how the wait
// ended, and [*OrgPolicyError] and [*PermissionError] for IAM. If the Service
// was changed, the result is not nil even with an error.
func (d *Deployer) Deploy(ctx context.Context, name string, opts ...DeployOption) (result *Result, err error) {
	ctx, t := d.Client().trace(ctx, "deploy service", name)
	defer func() { t.Deployed(result.traced(), err) }()
	c, err := d.begin(t, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	composition := newComposition(c.client, name, c.options)
	if err := c.preflightFirst(ctx, composition); err != nil {
		return nil, err
	}
	result, err = c.deploy(ctx, composition)
	if again := composition.again(result, err); again != nil {
		return c.deploy(ctx, again)
	}
	return result, err
}

// deploy writes what is composed and waits for it.
func (c *call) deploy(ctx context.Context, composition *composition) (*Result, error) {
	w, err := c.write(ctx, composition.write(c.observed(StageWrite)))
	if err != nil {
		return nil, err
	}
	return c.finish(ctx, w, composition.ending(w))
}

// Preflight reports everything that would keep a Deploy with the same options from
// succeeding: permissions of the account in use on the Service or the project, on the
// Service's account and on the images (with [CheckImage] or [PinImage]), and secrets that
// the Service's account is not allowed to read. Nothing is written. The error is a
// [*DeployError] if the check itself failed. On a cluster it matches [ErrNotOnCluster].
func (d *Deployer) Preflight(ctx context.Context, name string, opts ...DeployOption) (_ *PreflightReport, err error) {
	ctx, t := d.Client().trace(ctx, "check the permissions for service", name)
	defer func() { t.End(err) }()
	c, err := d.begin(t, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	report, err := c.preflight(ctx, newComposition(c.client, name, c.options))
	if err != nil {
		return nil, c.fail(StagePreflight, NotWritten, err)
	}
	return report, nil
}

// preflightFirst checks the permissions of a Deploy if an option asks for that.
func (c *call) preflightFirst(ctx context.Context, composition *composition) error {
	if !composition.cfg.preflight {
		return nil
	}
	ctx, end := c.report.stage(ctx, StagePreflight)
	report, err := c.preflight(ctx, composition)
	if err == nil {
		err = report.Err()
	}
	if end(err); err != nil {
		return c.fail(StagePreflight, NotWritten, err)
	}
	return nil
}

// intended returns the Service as the options want it. The base is nil if it is new.
func (c *composition) intended(base *document) (*servingv1.Service, error) {
	if base == nil {
		return newService(c.name, c.options, false)
	}
	s := base.service.DeepCopy()
	return s, assemble(s, c.options, false)
}

// needs returns what a Deploy of the Service needs permissions for.
func (c *composition) needs(base *document, s *servingv1.Service, logs bool) preflight.Deployment {
	d := preflight.Deployment{Project: c.client.project, Account: s.Spec.Template.Spec.ServiceAccountName,
		Required: []string{grant.CreateService}, Optional: []string{grant.GetOperation}}
	if base != nil {
		d.Service, d.Required, d.Number = c.client.resource(kindServices, c.name), []string{grant.UpdateService}, base.service.Namespace
	}
	if logs {
		d.Optional = append(d.Optional, grant.ReadLogs)
	}
	if !c.cfg.access(written{created: base == nil, doc: &document{service: s}}).isEmpty() {
		d.Required = append(d.Required, grant.GetServicePolicy, grant.SetServicePolicy)
	}
	for _, name := range spec.Secrets(workloadOf(s, false)) {
		d.Secrets = append(d.Secrets, preflight.FullSecret(d.Project, name))
	}
	return d
}

// ending is how Deploy ends after its write.
func (c *composition) ending(w written) ending {
	return ending{goal: status.GoalServing, made: c.made(w), access: c.cfg.access(w), withoutTraffic: c.cfg.noTraffic}
}

// call is one call of a Deployer whose name and options have been checked.
type call struct {
	op, name string
	began    time.Time
	client   *Client
	options  *edits.Set
	async    bool
	wait     waitConfig
	report   *reporter
}

// begin checks the name and the options of a call before anything is sent.
func (d *Deployer) begin(t *telemetry.Call, opts []edits.Setting) (*call, error) {
	if d == nil {
		d = &Deployer{} // whose lack of a client is an error
	}
	return d.beginWith(t, ifNew, edits.Of(d.defaults), opts)
}

// beginCall is begin for a call that does not assemble a Service: defaults
// that are about the Service itself do not apply to it.
func (d *Deployer) beginCall(t *telemetry.Call, opts []edits.Setting) (*call, error) {
	return d.beginWith(t, asIs, edits.Of(d.callDefaults()), opts)
}

// beginWith begins a call whose options come in layers. What else a call that
// failed lacks is part of its error.
func (d *Deployer) beginWith(t *telemetry.Call, also func(failed error, options *edits.Set) error, layers ...[]edits.Setting) (*call, error) {
	options, err := collect(layers...)
	c := &call{
		op: t.Operation, name: t.Target.Service, began: time.Now(), client: d.Client().forCall(t.Target.Service, edits.Configure(options, planConfig{}).reveal), options: options,
		async: edits.Configure(options, callConfig{}).async, wait: edits.Configure(options, defaultWait()),
	}
	if err = errors.Join(c.check(), err); err != nil {
		return nil, c.fail(StageOptions, NotWritten, errors.Join(err, also(err, options)))
	}
	c.report = newReporter(t, c.wait.progress)
	c.client = c.observed(StageRead)
	return c, nil
}

// Progress returns a function that reports events to the [WithProgress] handlers
// of the Deployer's defaults and of the options: those that a call of the
// Deployer with the same options reports to. Programs that combine several
// calls use it to report stages of their own between them. Event.Time is set by
// the function. Without handlers it does nothing. It may be called concurrently
// and by the handlers. The handlers are called one at a time: an event that is
// reported while they run is handled next, by the same goroutine. After a
// handler has panicked, further events are dropped.
//
// The error joins an [*OptionError] for each option that cannot be used. The
// function is not nil even then.
func (d *Deployer) Progress(opts ...CallOption) (report func(Event), err error) {
	options, err := collect(edits.Of(d.callDefaults()), edits.Of(opts))
	return newReporter(&telemetry.Call{Target: telemetry.Target{Region: d.Client().Region()}}, edits.Configure(options, waitConfig{}).progress).emit, err
}

// callDefaults returns the defaults that apply to every call. What the others
// say about the Service itself is for Deploy only.
func (d *Deployer) callDefaults() []DeployOption {
	if d == nil {
		return nil
	}
	var all []DeployOption
	for _, o := range d.defaults {
		if _, ok := o.(CallOption); ok || o == nil {
			all = append(all, o)
		}
	}
	return all
}

// check returns everything that is wrong with the name and the configuration of a call.
func (c *call) check() error {
	if c.client == nil {
		return errors.New("the deployer has no client")
	}
	var problems []error
	if err := c.client.checkService(c.name); err != nil {
		problems = append(problems, err)
	}
	cfg := edits.Configure(c.options, deployConfig{})
	if c.client.onCluster() {
		problems = append(problems, clusterProblems(c.name, cfg, c.options)...)
	}
	if cfg.tag != "" {
		if err := split.CheckTag(cfg.tag, c.client.tagHost(c.name)); err != nil {
			problems = append(problems, &OptionError{Option: edits.Spell("WithTag", cfg.tag), Reason: err.Error()})
		}
	}
	return errors.Join(append(problems, optionErrors(edits.Configure(c.options, trafficConfig{}).Check(c.client.tagHost(c.name))))...)
}

// tagHost returns the Service whose name limits the length of its tags.
func (c *Client) tagHost(service string) split.Host {
	return split.Host{Service: service, Cluster: c.onCluster()}
}

// fail is the error of the call.
func (c *call) fail(stage Stage, outcome WriteOutcome, err error) error {
	return &DeployError{Op: c.op, Service: c.name, Stage: stage, Outcome: outcome, Err: err}
}

// observed returns the client with retries reported as events of a stage.
func (c *call) observed(stage Stage) *Client {
	if c.report == nil {
		return c.client
	}
	return c.client.observed(c.report.retrying(stage))
}

// write writes the Service.
func (c *call) write(ctx context.Context, w serviceWrite) (written, error) {
	ctx, end := c.report.stage(ctx, StageWrite)
	result, err := w.run(ctx)
	if err != nil {
		err = writeError(c.op, c.name, StageWrite, err)
	}
	c.report.learn(result.generation, "")
	end(err)
	return result, err
}

// finish waits until what was written is ready, updates the IAM policy beside
// the wait, and returns the result.
func (c *call) finish(ctx context.Context, w written, e ending) (*Result, error) {
	var s *servingv1.Service
	var superseded *status.RevisionSummary
	var waited error
	published := task.Beside(ctx, func(ctx context.Context) error {
		return publish(ctx, c.observed(StagePublish), c.name, w.created || w.first == nil, e.access, c.report)
	}, func(ctx context.Context) { s, superseded, waited = c.await(ctx, w, e) })

	outcome := NotWritten
	if w.changed {
		outcome = Written
	}
	result := c.result(w, s, e, superseded)
	switch {
	case waited != nil:
		return result, c.fail(StageWait, outcome, errors.Join(waited, published))
	case published != nil:
		return result, c.fail(StagePublish, outcome, published)
	}
	return result, nil
}

// await waits for the Service that was written, except with [Async]. With an
// error it returns the Service as it was last seen. If another writer changed that
// since, it also returns the Revision that the call made, if that is known.
func (c *call) await(ctx context.Context, w written, e ending) (*servingv1.Service, *status.RevisionSummary, error) {
	if c.async {
		return w.doc.service, nil, nil
	}
	client := c.observed(StageWait)
	wait := serviceWait{
		services: client, name: c.name, cfg: c.wait, report: c.report, known: c.client.known, goal: e.goal,
		write: &status.Write{Service: w.doc.service, Generation: w.generation, Nonce: e.made},
	}
	if e.made != "" {
		wait.follower = status.NewFollower(wait.write, func(ctx context.Context) (*status.RevisionSummary, error) {
			return client.madeRevision(ctx, e.made, w.doc.service.Spec.Template.Name)
		})
	}
	s, err := wait.run(ctx)
	if s == nil {
		s = w.doc.service
	}
	return s, wait.follower.Superseded(s), err
}

// madeRevision returns the Revision that a call made, by its name if the call chose
// one; nil if the server does not list it yet.
func (c *Client) madeRevision(ctx context.Context, n nonce.Nonce, name string) (*status.RevisionSummary, error) {
	if name == "" {
		all, err := c.revisionsOf(ctx, n, 10)
		return status.FirstMade(all), err
	}
	r, err := getRevision[status.RevisionSummary](ctx, c, name)
	if apierrors.IsNotFound(err) || err == nil && !n.On(r.Metadata.Labels) {
		return nil, nil
	}
	return r, err
}
