package cloudrun

import (
	"context"
	"errors"
	"slices"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/split"
)

// Deployer deploys Services. Each of its calls reads, edits, writes and waits;
// what a call does not set stays as it is, whoever changes it at the same time.
// It is safe for concurrent use.
type Deployer struct {
	client   *Client
	defaults []DeployOption
}

// NewDeployer returns a Deployer with the defaults of its calls, which give way
// to what a call sets. Mistakes in them are reported by every call.
func NewDeployer(client *Client, defaults ...DeployOption) *Deployer {
	return &Deployer{client: client, defaults: slices.Clone(defaults)}
}

// Deploy creates a Service or changes the existing one, makes a new Revision,
// and waits until it is ready and was seen to get the traffic and the tag that
// it shall; it makes the Service public or private beside the wait, if an option
// says so.
//
// A new Service needs an image. On an existing one only what the options say is
// changed; without an image, the code that runs now is kept, by its digest, as
// gcloud run services update does. Options that all are about the Service
// itself, such as [WithDescription], make no new Revision; no options make one
// that is like the last, which restarts the Service. With [IfChanged], nothing is
// written if nothing is to be changed.
//
// One call makes one Revision at most, whatever happens on the wire: when an
// answer is lost, the Service is read to find out whether the write took effect.
// When somebody else changes the Service between our read and our write, it is
// read and edited again.
//
// The error is a [*DeployError] with the stage that failed and whether the
// Service was changed; in it are [*OptionError] for options that cannot be used
// (nothing is written then), [*APIError] for the server's refusals,
// [*NotReadyError], [*TimeoutError] and [*OvertakenError] for how the wait
// ended, [*OrgPolicyError] and [*PermissionError] for IAM. When the Service was
// changed, the result is not nil even with an error, and tells what is known.
func (d *Deployer) Deploy(ctx context.Context, name string, opts ...DeployOption) (*Result, error) {
	c, err := d.begin("deploy service", name, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	r := newRelease(c)
	w, err := c.write(ctx, r.updater())
	if err != nil {
		return nil, err
	}
	c.warnings, c.before = append(c.warnings, r.warnings...), r.before
	return c.finish(ctx, w, r.mark(w))
}

// begin checks the name and the options of a call, before anything is sent.
func (d *Deployer) begin(op, name string, opts []edits.Setting) (*deployment, error) {
	options, err := collect(edits.Of(d.defaults), opts)
	c := newDeployment(op, d.client, name, options)
	if err = errors.Join(c.check(), err); err != nil {
		return nil, c.fail(StageOptions, NotWritten, err)
	}
	c.report = newReporter(name, c.wait.progress)
	return c, nil
}

// callDefaults are the defaults for calls that do not set up a Service: what
// they say of the Service itself is for Deploy only.
func (d *Deployer) callDefaults() []DeployOption {
	var all []DeployOption
	for _, o := range d.defaults {
		if _, ok := o.(CallOption); ok || o == nil {
			all = append(all, o)
		}
	}
	return all
}

// check finds what is wrong with a call's name and configuration.
func (c *deployment) check() error {
	if c.client == nil {
		return errors.New("the deployer has no client")
	}
	var problems []error
	if err := c.client.checkService(c.name); err != nil {
		problems = append(problems, err)
	}
	if c.client.region == "" && (c.cfg.public != nil || c.cfg.iap) {
		problems = append(problems, &OptionError{Option: "public access", Reason: ErrNotOnCluster.Error()})
	}
	if c.cfg.tag != "" {
		if err := split.CheckTag(c.cfg.tag, c.client.tagService(c.name)); err != nil {
			problems = append(problems, &OptionError{Option: edits.Spell("WithTag", c.cfg.tag), Reason: err.Error()})
		}
	}
	return errors.Join(append(problems, c.traffic.check(c.client.tagService(c.name)))...)
}

// tagService is the Service whose name limits the length of its tags; empty on a cluster, which has no such limit.
func (c *Client) tagService(name string) string {
	if c.region == "" {
		return ""
	}
	return name
}
