package cloudrun

import (
	"cmp"
	"context"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/split"
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
	change := edits.Configure(c.options, trafficEdit{})
	if change.empty() {
		return nil, c.fail(StageOptions, NotWritten, &OptionError{Option: "UpdateTraffic",
			Reason: "no change of the traffic is asked for: add ToLatest, ToRevision or ToTag, or an option about tags"})
	}
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
		cleanOnUpdate(d.service)
		if err := edit(d.service); err != nil {
			return composed{}, err
		}
		if err := c.checkTargets(ctx, knownRevisions(base.service), d.service.Spec.Traffic); err != nil {
			return composed{}, err
		}
		body, err := d.merge()
		return composed{body: body, previous: resolvedTraffic(base.service)}, err
	}})
	if err != nil {
		return nil, err
	}
	return c.finish(ctx, w, ending{goal: status.GoalRouted})
}

// edit edits the traffic. Traffic that is so already keeps its form.
func (e trafficEdit) edit(s *servingv1.Service) error {
	targets, err := e.apply(splitTargets(s))
	if err != nil {
		return &OptionError{Option: "UpdateTraffic", Reason: err.Error()}
	}
	if e.divides() {
		endRollout(s)
	}
	was := s.Spec.Traffic
	if setTraffic(s, targets); traffic.Same(was, s.Spec.Traffic) {
		s.Spec.Traffic = was
	}
	return nil
}

// resolvedTraffic is the traffic of a Service with the Revision that LATEST
// means beside it, as the server writes it in a status: so it can be gone back
// to when LATEST means another one.
func resolvedTraffic(s *servingv1.Service) []servingv1.TrafficTarget {
	targets := make([]servingv1.TrafficTarget, len(s.Spec.Traffic))
	for i := range s.Spec.Traffic {
		s.Spec.Traffic[i].DeepCopyInto(&targets[i])
	}
	if len(targets) == 0 {
		targets = []servingv1.TrafficTarget{traffic.LatestTarget(100)}
	}
	for i := range targets {
		if traffic.IsLatest(targets[i]) {
			targets[i].RevisionName = cmp.Or(targets[i].RevisionName, s.Status.LatestReadyRevisionName)
		}
	}
	return targets
}

// splitTargets is a Service's traffic in the terms of package split.
func splitTargets(s *servingv1.Service) []split.Target {
	targets := make([]split.Target, 0, len(s.Spec.Traffic))
	for i, t := range s.Spec.Traffic {
		targets = append(targets, split.Target{
			Revision: t.RevisionName, Tag: t.Tag, Latest: traffic.IsLatest(t), Percent: traffic.Percent(t), Ref: i,
		})
	}
	return targets
}

// setTraffic gives a Service the traffic that package split computed. A target
// that continues one of the Service's keeps what is not known here.
func setTraffic(s *servingv1.Service, targets []split.Target) {
	changed := make([]servingv1.TrafficTarget, 0, len(targets))
	for _, t := range targets {
		var target servingv1.TrafficTarget
		if t.Ref >= 0 {
			target = *s.Spec.Traffic[t.Ref].DeepCopy()
		}
		target.Tag, target.RevisionName = t.Tag, t.Revision
		target.LatestRevision, target.Percent = nil, nil
		if t.Latest {
			latest := true
			target.LatestRevision, target.RevisionName = &latest, ""
		}
		if t.Percent != 0 || t.Tag == "" {
			percent := t.Percent
			target.Percent = &percent
		}
		changed = append(changed, target)
	}
	s.Spec.Traffic = changed
}
