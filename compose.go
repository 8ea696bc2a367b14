package cloudrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/agent"
	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/joined"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/runmark"
	"github.com/cloudrun-go/cloudrun/internal/spec"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// composition composes what Deploy sends: the Service as the options want it,
// and what makes a new Revision of it. It does not change once it is made.
type composition struct {
	client   *Client
	name     string
	options  *edits.Set
	cfg      deployConfig
	toLatest bool // send all traffic to the latest Revision
	nonce    nonce.Nonce
	pins     spec.Pins
	makes    bool  // the options ask for a new Revision
	failed   int64 // the generation that an earlier call of the run made in vain; 0 if there is none
}

func newComposition(client *Client, name string, options *edits.Set) *composition {
	cfg := edits.Configure(options, deployConfig{})
	return &composition{
		client: client, name: name, options: options, cfg: cfg, pins: spec.NewPins(cfg.pinImage), nonce: nonce.New(),
		makes: makesRevision(options, cfg), toLatest: edits.Configure(options, trafficConfig{}).ToLatest,
	}
}

// makesRevision reports whether the options of a call ask for a new Revision:
// unless all of them are about the Service itself or its traffic. No options
// ask for one too.
func makesRevision(options *edits.Set, cfg deployConfig) bool {
	return editsTemplate(options) || !editsMetadata(options) && !cfg.noTraffic && cfg.tag == ""
}

// write is the write of what is composed.
func (c *composition) write(client *Client) serviceWrite {
	w := serviceWrite{client: client, name: c.name, create: true, compose: c.compose}
	if c.makes {
		w.mark = nonceMark{c.nonce, c.client}
	}
	return w
}

// made returns the nonce of the new Revision; empty if the write made none.
func (c *composition) made(w written) nonce.Nonce {
	if c.nonce.On(w.doc.service.Spec.Template.Labels) {
		return c.nonce
	}
	return ""
}

func (c *composition) compose(ctx context.Context, base *document) (composed, error) {
	if base == nil {
		return c.create(ctx)
	}
	return c.update(ctx, base)
}

func (c *composition) create(ctx context.Context) (composed, error) {
	var problem error
	if c.cfg.noTraffic && !c.cfg.firstServes {
		problem = &OptionError{Option: "WithNoTraffic()",
			Reason: "the service does not exist, and the first revision of a service serves all its traffic: use WithNoTrafficIfExists to allow that"}
	}
	s, err := newService(c.name, c.options, c.client.onCluster())
	if err = errors.Join(problem, c.newWithoutImage(err), c.client.pinImages(ctx, c.pins, c.options, s)); err != nil {
		return composed{}, err
	}
	first := *c
	first.cfg.noTraffic = false
	if err := first.stamp(s, true); err != nil {
		return composed{}, err
	}
	body, err := c.client.encodeService(s)
	return composed{body: body, marked: true, warnings: c.warnings(&servingv1.Service{}, s)}, err
}

// newWithoutImage says of a missing image that the Service does not exist, whose
// name may be misspelt. A list of the Services would be too long to look for it.
func (c *composition) newWithoutImage(err error) error {
	return joined.Map(err, func(err error) error {
		missing, ok := err.(*OptionError) //nolint:errorlint // errors that wrap one have more to say
		if !ok || missing.Option != "WithImage" || c.options.DecidesAnywhere(spec.ThingImage) || strings.Contains(missing.Reason, "container \"") {
			return err
		}
		return &OptionError{Option: missing.Option,
			Reason: fmt.Sprintf("missing: service %q does not exist, and a new one needs an image: check the name and the region, or set an image", c.name)}
	})
}

// warnings returns warnings about settings that have no effect.
func (c *composition) warnings(was, is *servingv1.Service) (all []string) {
	if was.Name == "" && c.cfg.firstServes {
		all = append(all, "the service is new, so its first revision serves all traffic; later ones get none")
	}
	cluster := c.client.onCluster()
	before, after := workloadOf(was, cluster), workloadOf(is, cluster)
	if cluster {
		all = append(all, spec.Ignored(before, after, c.options)...)
	}
	return append(all, spec.Misplaced(before, after, c.options)...)
}

// update edits the Service. Whether anything changes is decided before this
// call's own marks are added, because those always differ.
func (c *composition) update(ctx context.Context, base *document) (composed, error) {
	d := base.draft()
	result := composed{previous: traffic.Resolved(base.service)}
	if c.isDone(base.service) {
		result.body = base.raw
		return result, nil
	}
	if err := errors.Join(assemble(d.service, c.options, c.client.onCluster()), c.client.pinImages(ctx, c.pins, c.options, d.service)); err != nil {
		return composed{}, err
	}
	warnings := c.warnings(base.service, d.service)
	unchanged, err := c.changesNothing(d)
	switch {
	case err != nil:
		return composed{}, err
	case unchanged && c.cfg.ifChanged:
		result.body, err = c.reroute(d)
	case unchanged || !c.makes:
		result.body, err = c.finish(d, false)
	default:
		if result.warnings, err = c.renew(ctx, d); err == nil {
			result.marked = true
			result.body, err = c.finish(d, true)
		}
	}
	result.warnings = append(result.warnings, warnings...)
	return result, err
}

// changesNothing reports whether the options change nothing, if that matters:
// with [IfChanged], and where they name a Revision, which exists then.
func (c *composition) changesNothing(d *draft) (bool, error) {
	if !c.cfg.ifChanged && !c.namesRevision() {
		return false, nil
	}
	return d.unchanged()
}

func (c *composition) namesRevision() bool { return c.options.Decides(thingRevisionName) }

// renew prepares the template for a new Revision. It returns warnings.
func (c *composition) renew(ctx context.Context, d *draft) ([]string, error) {
	if !c.namesRevision() {
		d.service.Spec.Template.Name = ""
	}
	return c.pin(ctx, d)
}

// finish routes the traffic, adds the marks of this call and returns the text to send.
func (c *composition) finish(d *draft, makes bool) ([]byte, error) {
	if err := c.stamp(d.service, makes); err != nil {
		return nil, err
	}
	return d.merge()
}

// reroute changes the traffic and the tag of a Service that otherwise is as the options want it.
func (c *composition) reroute(d *draft) ([]byte, error) {
	if err := c.route(d.service, false); err != nil {
		return nil, err
	}
	if traffic.Same(d.base.service.Spec.Traffic, d.service.Spec.Traffic) {
		return d.base.raw, nil
	}
	c.sign(d.service, false)
	return d.merge()
}

// stamp routes the traffic and puts the marks of this call on the Service.
func (c *composition) stamp(s *servingv1.Service, makes bool) error {
	if makes {
		s.Spec.Template.Labels = c.nonce.Put(s.Spec.Template.Labels)
	}
	if err := c.route(s, makes); err != nil {
		return err
	}
	c.sign(s, makes)
	return nil
}

// sign puts the name of the program that deploys on what is written, and the mark of its run.
func (c *composition) sign(s *servingv1.Service, makes bool) {
	c.cfg.sign(&s.ObjectMeta, c.client.version)
	mark := runmark.Mark{ID: c.cfg.runID}
	if makes {
		c.cfg.sign(&s.Spec.Template.ObjectMeta, c.client.version)
		mark.Nonce = c.nonce
	}
	if mark.ID != "" {
		s.Annotations = mark.Put(s.Annotations)
	}
}

// isDone reports whether an earlier call of the run has deployed the Service.
func (c *composition) isDone(s *servingv1.Service) bool {
	return c.cfg.runID != "" && runmark.Read(s.Annotations).ID == c.cfg.runID && s.Generation != c.failed
}

// again returns the composition for another attempt, after the Revision that an
// earlier call of the run made has failed; nil if that is not how the call ended.
func (c *composition) again(r *Result, err error) *composition {
	if _, failed := asType[*NotReadyError](err); r == nil || !failed || r.Action != Unchanged || !c.isDone(r.Service) ||
		!runmark.Read(r.Service.Annotations).Nonce.On(r.Service.Spec.Template.Labels) {
		return nil
	}
	next := newComposition(c.client, c.name, c.options)
	next.failed = r.Service.Generation
	return next
}

// route keeps the traffic off the new Revision or sends all of it there, and
// tags the Revision. Where no new Revision is made, the latest one gets the tag.
func (c *composition) route(s *servingv1.Service, makes bool) (err error) {
	if !c.cfg.noTraffic && c.cfg.tag == "" && !c.toLatest {
		return nil
	}
	targets := traffic.Targets(s)
	if c.toLatest {
		defer traffic.RecordMove(s, traffic.EndRollout(s), makes)
		targets = split.ToLatest(targets)
	}
	if c.cfg.noTraffic {
		if targets, err = split.NoTraffic(targets, s.Status.LatestReadyRevisionName); err != nil {
			return &OptionError{Option: "WithNoTraffic()", Reason: err.Error()}
		}
	}
	if c.cfg.tag != "" {
		if makes && s.Spec.Template.Name == "" {
			generator := names.Revisions{Cluster: c.client.onCluster()}
			if s.Spec.Template.Name, err = generator.Generated(s.Name, s.Generation+1, nonce.Syllable()); err != nil {
				return &OptionError{Option: edits.Spell("WithTag", c.cfg.tag), Reason: err.Error()}
			}
		}
		revision := cmp.Or(s.Spec.Template.Name, s.Status.LatestCreatedRevisionName)
		if targets, err = split.TagNew(targets, c.cfg.tag, revision); err != nil {
			return &OptionError{Option: edits.Spell("WithTag", c.cfg.tag), Reason: err.Error()}
		}
	}
	traffic.Set(s, targets)
	return nil
}

// sign names the program that deploys, in place of the previous one.
func (c *deployConfig) sign(m *metav1.ObjectMeta, libraryVersion string) {
	name, version := c.clientName, c.clientVersion
	if name == "" && version == "" {
		name, version = agent.Name, libraryVersion
	}
	spec.SetAnnotation(m, configuration.ClientName, name)
	spec.SetAnnotation(m, configuration.ClientVersion, version)
}

// pin keeps the code that runs when a new Revision is made without a new image.
// A tag may refer to another image by now, so the ingress container gets the
// digest that the Revision of the current template runs. If an option sets the
// image of any container, other code is wanted and nothing is pinned.
func (c *composition) pin(ctx context.Context, d *draft) (warnings []string, err error) {
	was, is := &d.base.service.Spec.Template, &d.service.Spec.Template
	ingress, err := spec.IngressContainer(&d.service.Spec.Template.Spec.PodSpec)
	if err != nil || strings.Contains(ingress.Image, "@") || c.options.DecidesAnywhere(spec.ThingImage) || spec.ImagesChanged(was.Spec.Containers, is.Spec.Containers) {
		return nil, nil //nolint:nilerr // a Service without an ingress container has nothing to pin
	}
	running, err := c.client.baseRevision(ctx, d.base.service)
	if err != nil {
		return nil, &once.StepError{Step: once.StepRead, Err: fmt.Errorf("find the image that runs: %w", err)}
	}
	if running != nil && running.Digest(ingress.Name) != "" {
		ingress.Image = running.Digest(ingress.Name)
		return nil, nil
	}
	return []string{fmt.Sprintf("the digest of the image that runs is not known, so the new revision runs what %q refers to now", ingress.Image)}, nil
}

// baseRevision returns the Revision of a Service's template: the one with its
// name, otherwise the one with its nonce, otherwise the latest. It is nil if there is none any more.
func (c *Client) baseRevision(ctx context.Context, s *servingv1.Service) (*status.RevisionSummary, error) {
	name, value := s.Spec.Template.Name, s.Spec.Template.Labels[nonce.Label]
	if name == "" && value != "" {
		found, err := c.revisionsOf(ctx, nonce.Nonce(value), 2)
		if err != nil {
			return nil, err
		}
		if len(found) == 1 {
			return found[0], nil
		}
	}
	if name = cmp.Or(name, s.Status.LatestCreatedRevisionName); name == "" {
		return nil, nil
	}
	r, err := getRevision[status.RevisionSummary](ctx, c, name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return r, err
}

// nonceMark is a nonce as the mark of a write.
type nonceMark struct {
	nonce  nonce.Nonce
	client *Client
}

// In reports whether a composed Service has the nonce.
func (nonceMark) In(body composed) bool { return body.marked }

// On reports whether a Service's template has the nonce.
func (m nonceMark) On(d *document) bool { return m.nonce.On(d.service.Spec.Template.Labels) }

// Left reports whether there is a Revision with the nonce. The server may list
// it seconds after the write, so one look is not enough.
func (m nonceMark) Left(ctx context.Context) (bool, error) {
	for _, delay := range []time.Duration{0, 500 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second} {
		if err := pause.Sleep(ctx, delay); err != nil {
			return false, err
		}
		if found, err := m.client.revisionsOf(ctx, m.nonce, 1); err != nil || len(found) > 0 {
			return err == nil, err
		}
	}
	return false, nil
}
