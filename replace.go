package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
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
	w, err := r.write(ctx)
	if err != nil {
		return nil, err
	}
	result, err := r.call.finish(ctx, w, nil)
	if err == nil {
		r.warnIfPinned(result)
	}
	return result, err
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
	r.updater.dryRun = true
	w, err := r.write(ctx)
	if err != nil {
		return nil, err
	}
	return r.call.result(w, w.service, nil), nil
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

// replacement composes what a call sends to make a Service what a manifest says.
type replacement struct {
	call     *deployment
	manifest *Manifest
	updater  *updater
	before   *document // the Service as this call first found it; nil if there was none
	removed  []string  // annotations of it that are not in the manifest
}

func (d *Deployer) beginReplace(op string, m *Manifest, opts []CallOption) (*replacement, error) {
	if m == nil || m.json == nil {
		return nil, &DeployError{Op: op, Stage: StageOptions, Err: errors.New("the manifest is empty: make it with ParseManifest")}
	}
	c, err := d.beginCall(op, m.name, opts)
	if err != nil {
		return nil, err
	}
	if err := m.checkFor(c.client); err != nil {
		c.report.close()
		return nil, c.fail(StageOptions, NotWritten, err)
	}
	c.warnings = m.misplaced()
	r := &replacement{call: c, manifest: m}
	r.updater = &updater{create: true, compose: r.compose}
	return r, nil
}

// write writes the Service, and tells what that changed.
func (r *replacement) write(ctx context.Context) (*written, error) {
	w, err := r.call.write(ctx, r.updater)
	if err != nil {
		return nil, err
	}
	w.created = r.before == nil
	if !w.created {
		w.before = r.before.raw
		w.changed = w.service.Generation != r.before.generation || !configuration.Same(w.raw, r.before.raw)
		r.call.warnings = append(r.call.warnings, r.removed...)
	}
	return w, nil
}

// warnIfPinned tells of a new Revision that gets no traffic, as happens with
// the traffic of an export: it names the Revisions of its time.
func (r *replacement) warnIfPinned(result *Result) {
	if r.before == nil || result.Percent > 0 || result.Revision == "" || result.Revision == r.before.service.Status.LatestCreatedRevisionName {
		return
	}
	warning := pinnedWarning(result.Service, result.Revision)
	result.Warnings = append(result.Warnings, warning)
	r.call.report.emit(Event{Kind: Warned, Stage: StageWait, Generation: result.Service.Generation, Message: warning})
}

func (r *replacement) compose(_ context.Context, d *document) ([]byte, error) {
	if d == nil {
		r.before, r.removed = nil, nil
		return r.manifest.body(r.call.client, nil)
	}
	if r.before == nil { // a later one may be as a write of this call left it
		r.before = d
	}
	if err := r.manifest.checkNumber(d.namespace); err != nil {
		return nil, err
	}
	if configuration.Same(r.manifest.json, d.raw) {
		return d.raw, nil
	}
	for _, warning := range r.manifest.removes(d) {
		if !slices.Contains(r.removed, warning) {
			r.removed = append(r.removed, warning)
		}
	}
	return r.manifest.body(r.call.client, d)
}

// body is the text to send in place of a Service, or for a new one.
func (m *Manifest) body(c *Client, d *document) ([]byte, error) {
	var existing *configuration.Existing
	if d != nil {
		existing = &configuration.Existing{Annotations: d.service.Annotations, ResourceVersion: d.version}
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

// removes tells which settings of a Service are not in the manifest, as far as they are annotations of Cloud Run.
func (m *Manifest) removes(d *document) []string {
	var lost []string
	stays := m.object("metadata", "annotations")
	for _, k := range slices.Sorted(maps.Keys(d.service.Annotations)) {
		value := d.service.Annotations[k]
		_, kept := stays[k]
		isDefault := k == annotationIngress && value == "all"
		if kept || isDefault || !strings.HasPrefix(k, "run.googleapis.com/") || configuration.ServerAnnotation(k) {
			continue
		}
		lost = append(lost, fmt.Sprintf("the annotation %s (%s) is not in the manifest: it is removed", k, printable(value, 80)))
	}
	return lost
}
