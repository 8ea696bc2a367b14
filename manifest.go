package cloudrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/manifest"
	"github.com/cloudrun-go/cloudrun/internal/rawjson"
)

// Manifest is a Service as a person writes it down, in YAML or JSON, for
// [Deployer.ReplaceManifest]. It keeps all that it was made of, fields of Cloud
// Run that the Knative types lack included, and numbers and quantities as they
// were spelled. It does not change once it is made.
type Manifest struct {
	json      []byte
	name      string
	namespace string
	location  string
}

// ManifestError tells one thing that is wrong in a manifest. Several come joined.
type ManifestError struct {
	// Path is the field, such as "spec.template.spec.containers[0].image";
	// empty if the manifest as a whole is wrong.
	Path string
	// Line is where it is in the text, from 1; 0 if that is not known.
	Line int
	// Reason tells what is wrong and what would be right.
	Reason string
}

// Error gives the line, the field and the reason.
func (e *ManifestError) Error() string {
	text := "manifest"
	if e.Line > 0 {
		text += fmt.Sprintf(" line %d", e.Line)
	}
	if e.Path != "" {
		text += ": " + e.Path
	}
	return text + ": " + e.Reason
}

// ManifestOption configures [ParseManifest].
type ManifestOption interface{ applyManifest(*manifestConfig) }

type manifestConfig struct{ lax bool }

type manifestOption func(*manifestConfig)

func (o manifestOption) applyManifest(c *manifestConfig) { o(c) }

// AllowUnknownFields lets fields pass that neither the Knative types nor this
// library know, such as one that Cloud Run added lately. They are sent as they are.
func AllowUnknownFields() ManifestOption {
	return manifestOption(func(c *manifestConfig) { c.lax = true })
}

// ParseManifest reads a Service of serving.knative.dev/v1 from YAML or JSON.
//
// It is strict, because a Service that is not what its author meant is found
// out late. Wrong are fields that are not known, values of another type, a key
// that is given twice, a second document, numbers in a notation that readers of
// YAML disagree about (010, 0x10, 1_000), and yes, no, on, off, y and n without
// quotes, which some readers take for booleans. Aliases and merge keys are
// expanded. A quantity may be written as a number (cpu: 1), and so may the
// namespace; a field without a value counts as one that is not there.
//
// The status, if there is one, is dropped: it is the server's.
//
// The error holds a [*ManifestError] for each thing that is wrong, with the field and the line.
func ParseManifest(data []byte, opts ...ManifestOption) (*Manifest, error) {
	var cfg manifestConfig
	for _, o := range opts {
		if o == nil {
			return nil, &ManifestError{Reason: "an option is nil"}
		}
		o.applyManifest(&cfg)
	}
	raw, problems := manifest.Parse(data, serviceSchema(), cfg.lax)
	if len(problems) == 0 {
		return newManifest(raw)
	}
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = &ManifestError{Path: p.Path, Line: p.Line, Reason: p.Reason}
	}
	return nil, errors.Join(errs...)
}

// newManifest takes JSON that is known to be a Service.
func newManifest(raw []byte) (*Manifest, error) {
	o, err := rawjson.Parse(raw)
	if err != nil {
		return nil, &ManifestError{Reason: err.Error()}
	}
	meta := o.Object("metadata")
	name := meta.Text("name")
	if name == "" {
		return nil, &ManifestError{Path: "metadata.name", Reason: "missing: the name of the service"}
	}
	return &Manifest{json: raw, name: name, namespace: meta.Text("namespace"), location: meta.Object("labels").Text(configuration.Location)}, nil
}

// ExportManifest gives a Service as it is now as a manifest, without its
// status and without what the server alone decides, as gcloud run services
// describe --format=export does. Fields that the Knative types lack are in it.
//
// [Deployer.ReplaceManifest] takes it as it is, and finds nothing to change.
// For another project or region, take out the namespace, the location and what
// else belongs to this one.
//
// The error of a Service that does not exist satisfies IsNotFound of k8s.io/apimachinery/pkg/api/errors.
func (c *Client) ExportManifest(ctx context.Context, name string) (*Manifest, error) {
	raw, err := c.getServiceRaw(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("export service: %w", err)
	}
	manifest, err := configuration.Export(raw)
	if err != nil {
		return nil, fmt.Errorf("export service %q: %w: %w", name, ErrNotAPI, err)
	}
	return newManifest(manifest)
}

// object returns an object in the manifest, empty if there is none.
func (m *Manifest) object(path ...string) rawjson.Object {
	o, _ := rawjson.Parse(m.json) // was read before
	return o.Object(path...)
}

// Name is the name of the Service.
func (m *Manifest) Name() string { return m.name }

// JSON gives the manifest as JSON, with its fields in their order and values as they were spelled.
func (m *Manifest) JSON() []byte { return append([]byte(nil), m.json...) }

// YAML gives the manifest as YAML. [ParseManifest] reads the same manifest from it.
func (m *Manifest) YAML() ([]byte, error) { return manifest.YAML(m.json) }

// Service gives the manifest as the Knative type, which may lack some of its
// fields; see [Manifest.With] for changing a manifest without losing any.
func (m *Manifest) Service() (*servingv1.Service, error) {
	s := new(servingv1.Service)
	if err := json.Unmarshal(m.json, s); err != nil {
		return nil, fmt.Errorf("manifest of service %q: %w", m.name, err)
	}
	return s, nil
}

// With gives the manifest as options change it, as a pipeline does that puts
// the image that it built into a manifest. Nothing else is changed, fields that
// the Knative types lack included. The name that the template may have is
// dropped when the template is changed, unless an option gives one: a new
// Revision cannot have the name of the old one.
//
// The error holds an [*OptionError] for each option that cannot be used.
func (m *Manifest) With(opts ...ServiceOption) (*Manifest, error) {
	options, err := collect(edits.Of(opts))
	if err != nil {
		return nil, fmt.Errorf("manifest of service %q: %w", m.name, err)
	}
	base, err := newDocument(m.json)
	if err != nil {
		return nil, fmt.Errorf("manifest of service %q: %w", m.name, err)
	}
	d := base.draft()
	if err := editService(d.service, options); err != nil {
		return nil, fmt.Errorf("manifest of service %q: %w", m.name, err)
	}
	d.dropStaleRevisionName()
	raw, err := d.merge()
	if err != nil {
		return nil, fmt.Errorf("manifest of service %q: %w", m.name, err)
	}
	return newManifest(raw)
}

// serviceSchema is what a manifest may have in it: what the Knative types know, and what Cloud Run added.
func serviceSchema() manifest.Schema {
	return manifest.Schema{
		Type:      reflect.TypeFor[servingv1.Service](),
		Constants: []manifest.Constant{{Field: "apiVersion", Value: servingAPIVersion}, {Field: "kind", Value: "Service"}},
		Added:     addedFields(),
		Hints:     fieldHints(),
		Text:      []string{"metadata.namespace"},
		Hidden:    ".env[].value",
		Dropped:   []string{"status"},
	}
}
