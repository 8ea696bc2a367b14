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
	"github.com/cloudrun-go/cloudrun/internal/telemetry"
)

// ReplaceManifest makes a Service match a manifest, as gcloud run services
// replace does, and waits until it is ready. If there is no such Service, it is created.
//
// Settings that the manifest does not have are removed, or get the server's
// defaults. Only annotations of serving.knative.dev are kept from the existing
// Service. The manifest's status and the metadata that the server sets are not
// sent. Nothing is added: no mark, no client annotations, no IAM policy.
// Defaults of the Deployer that configure a Service do not apply. The result
// warns of annotations of Cloud Run that are lost, such as the ingress, of
// annotations that have no effect where they are, and of a new Revision without traffic.
//
// A new Revision is made if the template changes. If the Service matches the
// manifest, nothing is written. If the manifest only lacks what the server fills
// in, it is written, and the result still says [Unchanged].
//
// With [DryRun] the server checks the write and fills in its defaults, as with
// gcloud run services replace --dry-run. The result says what would be done, and
// its Service has the server's defaults.
//
// If the manifest has a namespace, it must be the client's project or its number.
// If it has a location label, it must be the client's region. Otherwise the error
// wraps a [*ManifestError]. The error is a [*DeployError], like that of
// [Deployer.Deploy]. Concurrent changes are overwritten. If an answer is lost, the
// write is found again, or repeated, which then changes nothing.
func (d *Deployer) ReplaceManifest(ctx context.Context, m *Manifest, opts ...ReplaceOption) (result *Result, err error) {
	ctx, t := d.Client().trace(ctx, "replace service", m.Name())
	r, err := d.beginReplace(t, m, opts)
	defer func() { r.end(t, result, err) }()
	if err != nil {
		return nil, err
	}
	defer r.call.report.close()
	w, err := r.write(ctx)
	if err != nil {
		return nil, err
	}
	if r.dryRun {
		return r.call.result(w, w.doc.service, r.ending(w), nil), nil
	}
	return r.call.finish(ctx, w, r.ending(w))
}

// Replace is [Deployer.ReplaceManifest] for a Service made by a program. The
// Service is sent without its status and without the empty fields that
// encoding the Knative types adds. s itself is not changed.
//
// A Service that was read loses the fields that the Knative types do not know.
// To change one, use [Deployer.Deploy] or [Client.UpdateService], or export it.
func (d *Deployer) Replace(ctx context.Context, s *servingv1.Service, opts ...ReplaceOption) (*Result, error) {
	m, err := manifestOf(s)
	if err != nil {
		return nil, &DeployError{Op: "replace service", Service: m.Name(), Stage: StageOptions, Err: err}
	}
	return d.ReplaceManifest(ctx, m, opts...)
}

// manifestOf returns a Service as a manifest.
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
	dryRun   bool
}

func (d *Deployer) beginReplace(t *telemetry.Call, m *Manifest, opts []ReplaceOption) (*replacement, error) {
	if m.raw() == nil {
		return nil, &DeployError{Op: t.Operation, Stage: StageOptions, Err: errors.New("the manifest is empty: make it with ParseManifest")}
	}
	c, err := d.beginCall(t, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	if err := m.checkFor(c.client); err != nil {
		return nil, c.fail(StageOptions, NotWritten, err)
	}
	c.client.known.Learn(m.raw())
	return &replacement{call: c, manifest: m, dryRun: edits.Configure(c.options, dryRunConfig{}).on}, nil
}

// end ends the call. r is nil if it has not begun.
func (r *replacement) end(t *telemetry.Call, result *Result, err error) {
	if r != nil && r.dryRun {
		t.EndWith(result.traced(), err)
		return
	}
	t.Deployed(result.traced(), err)
}

// write writes the Service. The result compares it with what it was before the
// call: a read in between may show what the call itself wrote.
func (r *replacement) write(ctx context.Context) (written, error) {
	w, err := r.call.write(ctx, serviceWrite{
		client: r.call.observed(StageWrite), name: r.manifest.name, create: true, whole: true, dryRun: r.dryRun, compose: r.compose,
	})
	if err != nil {
		return written{}, err
	}
	w.composed.warnings = schema.Misplaced(r.manifest.object())
	if w.created {
		return w, nil
	}
	was := w.first
	if was == nil { // created by another writer during the call
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
		if configuration.Same(r.manifest.raw(), base.raw) {
			return composed{body: base.raw}, nil
		}
	}
	body, err := r.manifest.body(r.call.client, base)
	return composed{body: body}, err
}

// body returns the text that replaces a Service, or creates one.
func (m *Manifest) body(c *Client, d *document) ([]byte, error) {
	var existing *configuration.Existing
	if d != nil {
		existing = &configuration.Existing{Annotations: d.service.Annotations, ResourceVersion: d.service.ResourceVersion, Raw: d.raw}
	}
	body, err := configuration.Replacement(m.raw(), c.project, existing)
	if err != nil {
		return nil, &ManifestError{Reason: err.Error()}
	}
	return body, nil
}

// checkFor reports an error if the manifest is for another project or region than the client.
func (m *Manifest) checkFor(c *Client) error {
	var problems []error
	if m.location != "" && c.region != "" && m.location != c.region {
		problems = append(problems, &ManifestError{Path: "metadata.labels[" + configuration.Location + "]",
			Reason: fmt.Sprintf("got %q, but the client is for %q: remove the label, or create a client for that region", m.location, c.region)})
	}
	verifiable := c.region == "" || !isNumeric(m.namespace) || isNumeric(c.project)
	if m.namespace != "" && m.namespace != c.project && verifiable {
		problems = append(problems, &ManifestError{Path: "metadata.namespace",
			Reason: fmt.Sprintf("got %q, but the client is for %q: remove it, or change it to that", m.namespace, c.project)})
	}
	return errors.Join(problems...)
}

// checkNumber reports an error if the manifest's project number is not that of the existing Service.
func (m *Manifest) checkNumber(number string) error {
	if !isNumeric(m.namespace) || !isNumeric(number) || m.namespace == number {
		return nil
	}
	return &ManifestError{Path: "metadata.namespace", Reason: fmt.Sprintf("got %q, but the number of the client's project is %q", m.namespace, number)}
}

func isNumeric(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
