package cloudrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/manifest"
	"github.com/cloudrun-go/cloudrun/internal/rawjson"
	"github.com/cloudrun-go/cloudrun/internal/schema"
)

// Manifest is a Service in a file, in YAML or JSON, for
// [Deployer.ReplaceManifest]. It keeps fields of Cloud Run that the Knative types
// lack, and the spelling of numbers and quantities. It is immutable.
type Manifest struct {
	text      func() []byte // as JSON; a function, so that package fmt prints an address
	name      string
	namespace string
	location  string
}

// ManifestError is returned for a problem in a manifest. Several are joined.
type ManifestError struct {
	// Path is the field, such as "spec.template.spec.containers[0].image";
	// empty if the manifest as a whole is wrong.
	Path string
	// Line is the line in the text, counted from 1; 0 if it is unknown.
	Line int
	// Reason describes the problem and how to fix it.
	Reason string
}

// Error returns the line, the field and the reason.
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

type manifestConfig struct{ lax, cluster bool }

type manifestOption func(*manifestConfig)

func (o manifestOption) applyManifest(c *manifestConfig) { o(c) }

// AllowUnknownFields accepts fields that this library does not know, such as new
// ones of Cloud Run. They are sent unchanged.
func AllowUnknownFields() ManifestOption {
	return manifestOption(func(c *manifestConfig) { c.lax = true })
}

// ForCluster accepts what Knative has and Cloud Run does not, such as
// initContainers and the name of a port in a probe. Cloud Run rejects a Service
// with them.
func ForCluster() ManifestOption {
	return manifestOption(func(c *manifestConfig) { c.cluster = true })
}

// ParseManifest reads a Service of serving.knative.dev/v1 from YAML or JSON.
//
// It is strict, because a mistake in a Service may be noticed late. It rejects
// fields that Google's description of Cloud Run's API does not have (see
// [ForCluster] and [AllowUnknownFields]), values of another type, duplicate keys,
// a second document, numbers that versions of YAML read differently (010, 0x10,
// 1_000), and yes, no, on, off, y and n without quotes, which are booleans in some
// versions. It expands aliases and merge keys. A quantity may be written as a number
// (cpu: 1), and so may the namespace. A field without a value counts as absent.
// As with gcloud, a whole number may be in quotes (containerConcurrency: "80"),
// and a single object or word may stand for a list with only that element
// (ports: {containerPort: 8080}). The text may be UTF-16, as PowerShell writes it.
//
// The status, which the server sets, is dropped.
//
// The error contains a [*ManifestError] for each problem, with the field and the
// line.
func ParseManifest(data []byte, opts ...ManifestOption) (*Manifest, error) {
	var cfg manifestConfig
	for _, o := range opts {
		if o == nil {
			return nil, &ManifestError{Reason: "an option is nil"}
		}
		o.applyManifest(&cfg)
	}
	fields := schema.Service()
	if cfg.cluster {
		fields = schema.ClusterService()
	}
	raw, problems := manifest.Parse(data, fields, cfg.lax)
	if len(problems) == 0 {
		return newManifest(raw)
	}
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = &ManifestError{Path: p.Path, Line: p.Line, Reason: p.Reason}
	}
	return nil, errors.Join(errs...)
}

// newManifest returns a manifest of JSON that is known to be a Service.
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
	return &Manifest{text: func() []byte { return raw }, name: name, namespace: meta.Text("namespace"), location: meta.Object("labels").Text(configuration.Location)}, nil
}

// ExportManifest returns the current Service as a manifest, as gcloud run services
// describe --format=export does. The manifest has no status and nothing that the
// server sets. It includes fields that the Knative types lack.
//
// For [Deployer.ReplaceManifest] of the same Service, the manifest changes
// nothing. For another project or region, remove the namespace, the location and
// everything else that is specific to this one.
//
// If the Service does not exist, the error satisfies IsNotFound of
// k8s.io/apimachinery/pkg/api/errors.
func (c *Client) ExportManifest(ctx context.Context, name string) (*Manifest, error) {
	raw, _, err := c.readService(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("export service: %w", err)
	}
	manifest, err := configuration.Export(raw)
	if err != nil {
		return nil, fmt.Errorf("export service %q: %w: %w", name, ErrNotAPI, err)
	}
	return newManifest(manifest)
}

// object returns the manifest as an object.
func (m *Manifest) object() rawjson.Object {
	o, _ := rawjson.Parse(m.raw()) // newManifest has parsed it
	return o
}

// raw returns the manifest as JSON, which must not be changed; nil if it is empty.
func (m *Manifest) raw() []byte {
	if m == nil || m.text == nil {
		return nil
	}
	return m.text()
}

// Name returns the name of the Service.
func (m *Manifest) Name() string {
	if m == nil {
		return ""
	}
	return m.name
}

// String names the Service. It shows no values, because they may be secret.
func (m *Manifest) String() string { return fmt.Sprintf("manifest of service %q", m.name) }

// JSON returns the manifest as JSON. It keeps the order of fields and the spelling of values.
func (m *Manifest) JSON() []byte { return append([]byte(nil), m.raw()...) }

// YAML returns the manifest as YAML, from which [ParseManifest] reads the same manifest.
func (m *Manifest) YAML() ([]byte, error) { return manifest.YAML(m.raw()) }

// Service returns the manifest as the Knative type, which may lack some of its
// fields. To change a manifest without losing any, use [Manifest.With].
func (m *Manifest) Service() (*servingv1.Service, error) {
	s := new(servingv1.Service)
	if err := json.Unmarshal(m.raw(), s); err != nil {
		return nil, fmt.Errorf("manifest of service %q: %w", m.name, err)
	}
	return s, nil
}

// With returns the manifest with the changes of options, such as the image that a
// pipeline has built. It preserves everything else, including fields that the
// Knative types lack. If the template changes, its name is dropped unless an
// option sets one: a new Revision cannot have the name of the previous one.
//
// The error contains an [*OptionError] for each option that cannot be used.
func (m *Manifest) With(opts ...ServiceOption) (*Manifest, error) {
	options, problems := collect(edits.Of(opts))
	base, err := newDocument(m.raw())
	if err != nil {
		return nil, fmt.Errorf("manifest of service %q: %w", m.name, errors.Join(problems, err))
	}
	d := base.draft()
	if err := errors.Join(problems, editService(d.service, options, false)); err != nil {
		return nil, fmt.Errorf("manifest of service %q: %w", m.name, err)
	}
	d.dropStaleRevisionName()
	raw, err := d.merge()
	if err != nil {
		return nil, fmt.Errorf("manifest of service %q: %w", m.name, err)
	}
	return newManifest(raw)
}
