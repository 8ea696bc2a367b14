package cloudrun

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/agent"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

const (
	annotationClientName    = "run.googleapis.com/client-name"
	annotationClientVersion = "run.googleapis.com/client-version"
)

// release composes the Service that Deploy sends: what the options say, and
// what makes a new Revision of it.
type release struct {
	client  *Client
	name    string
	options *edits.Set
	cfg     deployConfig
	latest  bool // whether all traffic goes to the latest Revision
	nonce   *nonce
	makes   bool // whether the options are such that a new Revision is made

	warnings []string                  // of the last composition
	before   []servingv1.TrafficTarget // the traffic before it
}

func newRelease(c *deployment) *release {
	return &release{
		client: c.client, name: c.name, options: c.options, cfg: c.cfg, latest: c.traffic.toLatest,
		nonce: newNonce(), makes: makesRevision(c.options, c.cfg),
	}
}

func (r *release) updater() *updater {
	u := &updater{create: true, compose: r.compose}
	if r.makes {
		u.mark = r.nonce
	}
	return u
}

// mark is the nonce if it is on what was written: nil if no Revision was made.
func (r *release) mark(w *written) *nonce {
	if r.nonce.on(w.service) {
		return r.nonce
	}
	return nil
}

// makesRevision reports whether the options of a call ask for a new Revision:
// unless all of them are about the Service itself or its traffic. No options ask
// for one too.
func makesRevision(options *edits.Set, cfg deployConfig) bool {
	template := edits.Has[templateEdit](options) || edits.Has[containerEdit](options)
	service := edits.Has[metadataEdit](options)
	return template || !service && !cfg.noTraffic && cfg.tag == ""
}

func (r *release) compose(ctx context.Context, d *document) ([]byte, error) {
	r.warnings, r.before = nil, nil
	if d == nil {
		return r.create()
	}
	return r.update(ctx, d)
}

func (r *release) create() ([]byte, error) {
	if r.cfg.noTraffic {
		return nil, &OptionError{Option: "WithNoTraffic()", Reason: "the service does not exist, and the first revision of a service serves all its traffic"}
	}
	s, err := newService(r.name, r.options)
	if err != nil {
		return nil, err
	}
	if err := r.stamp(s, true); err != nil {
		return nil, err
	}
	return r.client.encodeService(s)
}

// update edits the Service. Whether anything changes is judged before the marks
// of this call are put on it, which always differ.
func (r *release) update(ctx context.Context, d *document) ([]byte, error) {
	s := d.service
	was := s.Spec.Template.DeepCopy()
	r.before = resolvedTraffic(s)
	if err := editService(s, r.options); err != nil {
		return nil, err
	}
	if err := checkContainers(s.Spec.Template.Spec.Containers); err != nil {
		return nil, err
	}
	named, makes := r.options.Decides(thingRevisionName), r.makes
	if r.cfg.ifChanged || named {
		unchanged, err := d.unchanged()
		if err != nil {
			return nil, err
		}
		if unchanged && r.cfg.ifChanged {
			return r.reroute(d)
		}
		makes = makes && !unchanged // a Revision of that name and content is there
	}
	if !makes {
		return r.finish(d, false)
	}
	if !named {
		s.Spec.Template.Name = ""
	}
	if err := r.pin(ctx, s, was); err != nil {
		return nil, err
	}
	return r.finish(d, true)
}

// reroute is the update of a Service that is as the options say already: what
// is asked for beside a new Revision is its traffic and a tag.
func (r *release) reroute(d *document) ([]byte, error) {
	was := d.service.Spec.Traffic
	if err := r.route(d.service, false); err != nil {
		return nil, err
	}
	if traffic.Same(was, d.service.Spec.Traffic) {
		return d.raw, nil
	}
	r.cfg.sign(&d.service.ObjectMeta, r.client.version)
	return d.merge()
}

// finish completes what the options made of a Service that exists.
func (r *release) finish(d *document, makes bool) ([]byte, error) {
	if err := r.stamp(d.service, makes); err != nil {
		return nil, err
	}
	return d.merge()
}

// stamp routes the traffic and puts the marks of this call on the Service.
func (r *release) stamp(s *servingv1.Service, makes bool) error {
	if makes {
		r.nonce.put(s)
	}
	if err := r.route(s, makes); err != nil {
		return err
	}
	r.cfg.sign(&s.ObjectMeta, r.client.version)
	if makes {
		r.cfg.sign(&s.Spec.Template.ObjectMeta, r.client.version)
	}
	return nil
}

// route keeps the traffic off the new Revision, or sends it all there, and tags
// it, if that is asked for. Where no new one is made, the latest gets the tag.
func (r *release) route(s *servingv1.Service, makes bool) (err error) {
	if !r.cfg.noTraffic && r.cfg.tag == "" && !r.latest {
		return nil
	}
	targets := splitTargets(s)
	if r.latest {
		endRollout(s)
		targets = split.ToLatest(targets)
	}
	if r.cfg.noTraffic {
		if targets, err = split.NoTraffic(targets, s.Status.LatestReadyRevisionName); err != nil {
			return &OptionError{Option: "WithNoTraffic()", Reason: err.Error()}
		}
	}
	if r.cfg.tag != "" {
		if makes && s.Spec.Template.Name == "" {
			s.Spec.Template.Name = generatedName(s)
		}
		revision := cmp.Or(s.Spec.Template.Name, s.Status.LatestCreatedRevisionName)
		if targets, err = split.TagNew(targets, r.cfg.tag, revision); err != nil {
			return &OptionError{Option: edits.Spell("WithTag", r.cfg.tag), Reason: err.Error()}
		}
	}
	setTraffic(s, targets)
	return nil
}

// sign names the program that deploys in place of the one that did so before.
func (c *deployConfig) sign(m *metav1.ObjectMeta, libraryVersion string) {
	name, version := c.clientName, c.clientVersion
	if name == "" && version == "" {
		name, version = agent.Name, libraryVersion
	}
	setAnnotation(m, annotationClientName, name)
	setAnnotation(m, annotationClientVersion, version)
}

// generatedName is a name for a Revision that must have one: the Service's
// name, the generation to come, and a random syllable.
func generatedName(s *servingv1.Service) string {
	const consonants, vowels = "bcdfghjklmnpqrstvwxyz", "aeiou"
	b := make([]byte, 3)
	_, _ = rand.Read(b) // never fails, by its documentation
	syllable := string([]byte{consonants[int(b[0])%len(consonants)], vowels[int(b[1])%len(vowels)], consonants[int(b[2])%len(consonants)]})
	suffix := fmt.Sprintf("-%05d-%s", s.Generation+1, syllable)
	return s.Name[:min(len(s.Name), maxRevisionName-len(suffix))] + suffix
}
