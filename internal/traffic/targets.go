package traffic

import (
	"cmp"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/split"
)

// Targets returns the targets of a Service in the terms of package split. [Set]
// is its reverse.
func Targets(s *servingv1.Service) []split.Target {
	targets := make([]split.Target, 0, len(s.Spec.Traffic))
	for i, t := range s.Spec.Traffic {
		targets = append(targets, split.Target{
			Revision: t.RevisionName, Tag: t.Tag, Latest: IsLatest(t), Percent: Percent(t), Ref: i,
		})
	}
	return targets
}

// Set replaces the targets of a Service by those that package split computed
// from its [Targets]. A target that continues one of the Service keeps the
// fields that package split does not know.
func Set(s *servingv1.Service, targets []split.Target) {
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

// Resolved returns the targets of a Service. Those that follow the latest ready
// Revision name it as well, as a status does, so that [Previous] can go back to
// it when another Revision is the latest.
func Resolved(s *servingv1.Service) []servingv1.TrafficTarget {
	targets := make([]servingv1.TrafficTarget, len(s.Spec.Traffic))
	for i := range s.Spec.Traffic {
		s.Spec.Traffic[i].DeepCopyInto(&targets[i])
	}
	if len(targets) == 0 {
		targets = []servingv1.TrafficTarget{LatestTarget(100)}
	}
	for i := range targets {
		if IsLatest(targets[i]) {
			targets[i].RevisionName = cmp.Or(targets[i].RevisionName, s.Status.LatestReadyRevisionName)
		}
	}
	return targets
}

// Previous returns targets that bring [Resolved] targets back. A target that
// followed the latest ready Revision follows it again if that is the same
// Revision now; otherwise it is pinned to the Revision that was the latest.
func Previous(resolved []servingv1.TrafficTarget, latestReady string) []servingv1.TrafficTarget {
	back := make([]servingv1.TrafficTarget, len(resolved))
	for i := range resolved {
		t := resolved[i].DeepCopy()
		if IsLatest(*t) && t.RevisionName != "" && t.RevisionName != latestReady {
			t.LatestRevision = nil
		}
		if IsLatest(*t) {
			t.RevisionName = ""
		}
		t.URL = nil
		back[i] = *t
	}
	return back
}

// taggedRevision returns the Revision that a tag is on, or [split.Latest]. It is
// empty if the tag is on none.
func taggedRevision(s *servingv1.Service, tag string) string {
	for _, t := range s.Spec.Traffic {
		switch {
		case t.Tag != tag || tag == "":
		case IsLatest(t):
			return split.Latest
		default:
			return t.RevisionName
		}
	}
	return ""
}

// TagOf returns the first tag of a Revision, or an empty string if it has none.
func TagOf(s *servingv1.Service, revision string) string {
	for _, t := range s.Spec.Traffic {
		if t.Tag != "" && t.RevisionName == revision {
			return t.Tag
		}
	}
	return ""
}
