package traffic

import (
	"fmt"
	"slices"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// Usage is how a Service uses a Revision, by its spec or its status.
type Usage struct {
	Percent       int64    // of the traffic
	Tags          []string // sorted
	LatestCreated bool     // the Service names it so
	LatestReady   bool     // the Service names it so
	Named         bool     // the template of the Service has its name
	Rollout       bool     // a rollout under way needs it
}

// UsageOf returns how a Service uses a Revision.
func UsageOf(s *servingv1.Service, revision string) Usage {
	u := Usage{
		LatestCreated: s.Status.LatestCreatedRevisionName == revision,
		LatestReady:   s.Status.LatestReadyRevisionName == revision,
		Named:         s.Spec.Template.Name == revision,
	}
	if rollout, err := ReadRollout(s); err == nil && rollout != nil {
		u.Rollout = rollout.Needs(revision)
	}
	for _, targets := range [][]servingv1.TrafficTarget{s.Spec.Traffic, s.Status.Traffic} {
		var percent int64
		for _, t := range targets {
			if t.RevisionName != revision && (t.RevisionName != "" || !IsLatest(t) || !u.LatestReady) {
				continue
			}
			percent += Percent(t)
			if t.Tag != "" {
				u.Tags = append(u.Tags, t.Tag)
			}
		}
		u.Percent = max(u.Percent, percent)
	}
	slices.Sort(u.Tags)
	u.Tags = slices.Compact(u.Tags)
	return u
}

// String returns why the Revision cannot be deleted, or an empty string if it can.
func (u Usage) String() string {
	switch {
	case u.Percent > 0:
		return fmt.Sprintf("it serves %d %% of the traffic", u.Percent)
	case len(u.Tags) > 0:
		return "it is tagged " + strings.Join(u.Tags, ", ")
	case u.LatestCreated, u.Named:
		return "it is the service's latest revision"
	case u.LatestReady:
		return "it is the service's latest ready revision"
	case u.Rollout:
		return "a rollout under way needs it"
	}
	return ""
}
