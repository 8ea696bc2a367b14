package cloudrun

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// UpdateTraffic changes which Revisions of a Service get how much of its
// traffic, and their tags, as gcloud run services update-traffic does. It makes
// no new Revision, and writes nothing if the traffic is as asked for already.
//
// It waits until the traffic was seen to be so, not only until the Service says
// that it is ready. That the newest Revision has failed does not keep traffic
// from the others; a warning tells of it.
//
// The error is a [*DeployError], as that of [Deployer.Deploy]. An [*OptionError]
// is in it if the split does not work out, being over 100 percent, say, if a
// tag does not exist, or if a Revision has failed or is another Service's;
// nothing is written then. A Revision that does not exist gives a
// [*NotReadyError] of the condition RoutesReady, and the traffic goes where it
// went before; see [Deployer.Rollback] with [RollbackToTraffic] to have the
// Service say so again. When the wait takes too long, its [*TimeoutError] tells
// where the traffic goes.
func (d *Deployer) UpdateTraffic(ctx context.Context, name string, opts ...TrafficOption) (*Result, error) {
	c, err := d.beginCall("update traffic of service", name, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	change := edits.Configure(c.options, trafficConfig{})
	if change.isEmpty() {
		return nil, c.fail(StageOptions, NotWritten, &OptionError{Option: "UpdateTraffic",
			Reason: "no change of the traffic is asked for: add ToLatest, ToRevision or ToTag, or an option about tags"})
	}
	c.async = c.async && len(change.custom) == 0
	return c.applyTraffic(ctx, func(s *servingv1.Service) error {
		if err := editService(s, c.options); err != nil {
			return err
		}
		return change.edit(s)
	})
}

// applyTraffic edits the traffic of the Service and waits until it is routed so.
func (c *call) applyTraffic(ctx context.Context, edit func(*servingv1.Service) error) (*Result, error) {
	w, err := c.write(ctx, serviceWrite{client: c.observed(StageWrite), name: c.name, compose: func(ctx context.Context, base *document) (composed, error) {
		d := base.draft()
		spec.DropBreakglass(&d.service.ObjectMeta)
		if err := edit(d.service); err != nil {
			return composed{}, err
		}
		if err := c.checkTargets(ctx, knownRevisions(base.service), d.service.Spec.Traffic); err != nil {
			return composed{}, err
		}
		body, err := d.merge()
		return composed{body: body, previous: traffic.Resolved(base.service)}, err
	}})
	if err != nil {
		return nil, err
	}
	return c.finish(ctx, w, ending{goal: status.GoalRouted})
}

// edit edits the traffic. Traffic that is so already keeps its form.
func (e trafficConfig) edit(s *servingv1.Service) error {
	targets, err := e.Apply(traffic.Targets(s))
	if err != nil {
		return &OptionError{Option: "UpdateTraffic", Reason: err.Error()}
	}
	if e.Divides() {
		traffic.EndRollout(s)
	}
	was := s.Spec.Traffic
	if traffic.Set(s, targets); traffic.Same(was, s.Spec.Traffic) {
		s.Spec.Traffic = was
	}
	return e.editCustom(s)
}

// editCustom applies the caller's own edits. They may change the traffic and the
// metadata: a change of the template would make a new Revision.
func (e trafficConfig) editCustom(s *servingv1.Service) error {
	if len(e.custom) == 0 {
		return nil
	}
	was := s.Spec.ConfigurationSpec.DeepCopy()
	for _, edit := range e.custom {
		if err := edit(s); err != nil {
			return err
		}
	}
	if !equality.Semantic.DeepEqual(*was, s.Spec.ConfigurationSpec) {
		return &OptionError{Option: "EditTraffic", Reason: "the edit changed the template: only spec.traffic and the metadata of the service can be changed"}
	}
	return nil
}
