package cloudrun

import (
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/split"
)

// splitTargets is a Service's traffic in the terms of package split.
func splitTargets(s *servingv1.Service) []split.Target {
	targets := make([]split.Target, 0, len(s.Spec.Traffic))
	for i, t := range s.Spec.Traffic {
		target := split.Target{Revision: t.RevisionName, Tag: t.Tag, Latest: t.LatestRevision != nil && *t.LatestRevision, Ref: i}
		if t.Percent != nil {
			target.Percent = *t.Percent
		}
		targets = append(targets, target)
	}
	return targets
}

// setTraffic gives a Service the traffic that package split computed. A target
// that continues one of the Service's keeps what is not known here.
func setTraffic(s *servingv1.Service, targets []split.Target) {
	traffic := make([]servingv1.TrafficTarget, 0, len(targets))
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
		traffic = append(traffic, target)
	}
	s.Spec.Traffic = traffic
}
