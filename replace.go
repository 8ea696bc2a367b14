package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/schema"
	"github.com/cloudrun-go/cloudrun/internal/status"
)

// ReplaceManifest makes a Service what a manifest says, as gcloud run services
// replace does, and waits until it is ready. A Service that does not exist is created.
//
// What the manifest does not have is gone afterwards, or has the server's
// default. Of the Service that is there only the serving.knative.dev
// annotations stay. The manifest's status and what in its metadata is the
// server's are not sent. Nothing is added: no mark, no client annotations, no
// IAM policy. The Deployer's defaults that set up a Service have no effect.
// The result warns of annotations of Cloud Run that are lost, such as the
// ingress, or without effect where they are, and of a new Revision without traffic.
//
// A new Revision is made if the template is not what it was. If the manifest is
// what the Service is already, nothing is written; if it only leaves out what
// the server fills in, it is written, and the result still says [Unchanged].
//
// The manifest's namespace, if it has one, must be the client's project or its
// number, and its location label the client's region: the error holds a
// [*ManifestError] if they are not. It is a [*DeployError], as that of
// [Deployer.Deploy]. Somebody else's change at the same time is overwritten. A
// write whose answer was lost is found again, or made again, which then changes nothing.
func (d *Deployer) ReplaceManifest(ctx context.Context, m *Manifest, opts ...CallOption) (*Result, error) {
	r, err := d.beginReplace("replace service", m, opts)
	if err != nil {
		return nil, err
	}
	defer r.call.report.close()
	w, err := r.write(ctx, false)
	if err != nil {
		return nil, err
	}
	return r.call.finish(ctx, w, r.ending(w))
}

// Replace is [Deployer.ReplaceManifest] for a Service made by a program. The
// Service is sent without its status and without the empty fields that
// encoding the Knative types adds; s itself is not changed.
//
// A Service that was read loses here what the Knative types do not know: change
// it with [Deployer.Deploy] or [Client.UpdateService], or export it.
func (d *Deployer) Replace(ctx context.Context, s *servingv1.Service, opts ...CallOption) (*Result, error) {
	m, err := manifestOf(s)
	if err != nil {
		return nil, &DeployError{Op: "replace service", Service: m.Name(), Stage: StageOptions, Err: err}
	}
	return d.ReplaceManifest(ctx, m, opts...)
}

// CheckManifest has the server check what [Deployer.ReplaceManifest] would
// write, without writing it, as gcloud run services replace --dry-run does. The
// result tells what would be done; its Service has the server's defaults.
func (d *Deployer) CheckManifest(ctx context.Context, m *Manifest, opts ...CallOption) (*Result, error) {
	r, err := d.beginReplace("check service", m, opts)
	if err != nil {
		return nil, err
	}
	defer r.call.report.close()
	w, err := r.write(ctx, true)
	if err != nil {
		return nil, err
	}
	result := newResult(w, w.doc.service, r.ending(w))
	r.call.warn(result)
	return result, nil
}

// manifestOf makes a manifest of a Service.
func manifestOf(s *servingv1.Service) (*Manifest, error) {
	if s == nil {
		return &Manifest{}, errors.New("the service is nil")
	}
	t := *s
	t.Status = servingv1.ServiceStatus{}
	raw, err := marshalService(t)
	if err != nil {
		return &Manifest{name: s.Name}, err
	}
	m, err := newManifest(raw)
	if err != nil {
		return &Manifest{}, err
	}
	return m, nil
}

// replacement is one call that makes a Service what a manifest says.
type replacement struct {
	call     *call
	manifest *Manifest
}

func (d *Deployer) beginReplace(op string, m *Manifest, opts []CallOption) (*replacement, error) {
	if m == nil || m.json == nil {
		return nil, &DeployError{Op: op, Stage: StageOptions, Err: errors.New("the manifest is empty: make it with ParseManifest")}
	}
	c, err := d.beginCall(op, m.name, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	if err := m.checkFor(c.client); err != nil {
		return nil, c.fail(StageOptions, NotWritten, err)
	}
	return &replacement{call: c, manifest: m}, nil
}

// write writes the Service. The result compares it with what it was before the
// call: a read in between may show what the call itself wrote.
func (r *replacement) write(ctx context.Context, dryRun bool) (written, error) {
	w, err := r.call.write(ctx, serviceWrite{
		client: r.call.observed(StageWrite), name: r.manifest.name, create: true, dryRun: dryRun, compose: r.compose,
	})
	if err != nil {
		return written{}, err
	}
	w.composed.warnings = schema.Misplaced(r.manifest.object())
	if w.created {
		return w, nil
	}
	was := w.first
	if was == nil { // created by somebody else during the call
		was = w.base
	}
	w.changed = w.doc.service.Generation != was.service.Generation || !configuration.Same(w.doc.raw, was.raw)
	if w.changed {
		w.composed.warnings = append(w.composed.warnings, r.removals(was, w.base)...)
	}
	w.base = was
	return w, nil
}

// removals are warnings about the annotations that the Service had at two times and the manifest has not.
func (r *replacement) removals(was ...*document) []string {
	var all []string
	for _, d := range was {
		for _, warning := range schema.Removed(r.manifest.object(), d.service.Annotations) {
			if !slices.Contains(all, warning) {
				all = append(all, warning)
			}
		}
	}
	return all
}

// ending is how a replacement ends after its write. A new Revision may get no
// traffic if the manifest is an export, because that names the Revisions of its time.
func (r *replacement) ending(w written) ending {
	e := ending{goal: status.GoalServing}
	if !w.created && w.base != nil {
		e.latest = w.base.service.Status.LatestCreatedRevisionName
	}
	return e
}

func (r *replacement) compose(_ context.Context, base *document) (composed, error) {
	if base != nil {
		if err := r.manifest.checkNumber(base.service.Namespace); err != nil {
			return composed{}, err
		}
		if configuration.Same(r.manifest.json, base.raw) {
			return composed{body: base.raw}, nil
		}
	}
	body, err := r.manifest.body(r.call.client, base)
	return composed{body: body}, err
}

// body is the text to send in place of a Service, or for a new one.
func (m *Manifest) body(c *Client, d *document) ([]byte, error) {
	var existing *configuration.Existing
	if d != nil {
		existing = &configuration.Existing{Annotations: d.service.Annotations, ResourceVersion: d.service.ResourceVersion}
	}
	body, err := configuration.Replacement(m.json, c.project, existing)
	if err != nil {
		return nil, &ManifestError{Reason: err.Error()}
	}
	return body, nil
}

// checkFor finds out whether the manifest is for the client's project and region.
func (m *Manifest) checkFor(c *Client) error {
	var problems []error
	if m.location != "" && c.region != "" && m.location != c.region {
		problems = append(problems, &ManifestError{Path: "metadata.labels[" + configuration.Location + "]",
			Reason: fmt.Sprintf("it is %q, and the client is for %q: take the label out, or make a client for its region", m.location, c.region)})
	}
	verifiable := c.region == "" || !isNumeric(m.namespace) || isNumeric(c.project)
	if m.namespace != "" && m.namespace != c.project && verifiable {
		problems = append(problems, &ManifestError{Path: "metadata.namespace",
			Reason: fmt.Sprintf("it is %q, and the client is for %q: take it out, or write that", m.namespace, c.project)})
	}
	return errors.Join(problems...)
}

// checkNumber finds out whether the manifest's project number is that of a Service that is there.
func (m *Manifest) checkNumber(number string) error {
	if !isNumeric(m.namespace) || !isNumeric(number) || m.namespace == number {
		return nil
	}
	return &ManifestError{Path: "metadata.namespace", Reason: fmt.Sprintf("it is %q, and the number of the client's project is %q", m.namespace, number)}
}

func isNumeric(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
