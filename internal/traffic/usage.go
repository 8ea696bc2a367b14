package traffic

import (
	"fmt"
	"slices"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/history"
)

// Usage is how a Service uses a Revision, by its spec or its status.
type Usage struct {
	Percent       int64    // of the traffic
	Tags          []string // sorted
	LatestCreated bool     // the Service names it so
	LatestReady   bool     // the Service names it so
	Named         bool     // the template of the Service has its name
	Rollout       bool     // a rollout under way needs it
	Rejected      bool     // it was rejected, or its rollout withdrawn
	Rank          int      // how recently it is known to have served, from 1; 0 if that is not known
}

// UsageOf returns how a Service uses a Revision. For many Revisions, see [Usages].
func UsageOf(s *servingv1.Service, revision string) Usage { return Usages(s)(revision) }

// Usages returns a function that returns how a Service uses a Revision. It reads the
// targets of the Service once.
func Usages(s *servingv1.Service) func(revision string) Usage {
	rollout, err := ReadRollout(s)
	if err != nil {
		rollout = nil
	}
	fates, all := history.Read(s.Annotations), map[string]Usage{}
	for _, targets := range [][]servingv1.TrafficTarget{s.Spec.Traffic, s.Status.Traffic} {
		percent := map[string]int64{}
		for _, t := range targets {
			name := t.RevisionName
			if name == "" && IsLatest(t) {
				name = s.Status.LatestReadyRevisionName
			}
			if percent[name] += Percent(t); t.Tag != "" {
				u := all[name]
				u.Tags = append(u.Tags, t.Tag)
				all[name] = u
			}
		}
		for name, percent := range percent {
			u := all[name]
			u.Percent = max(u.Percent, percent)
			all[name] = u
		}
	}
	delete(all, "") // of targets of no Revision
	for _, u := range all {
		slices.Sort(u.Tags)
	}
	return func(revision string) Usage {
		u := all[revision]
		u.Tags = slices.Compact(slices.Clone(u.Tags))
		u.LatestCreated = s.Status.LatestCreatedRevisionName == revision
		u.LatestReady = s.Status.LatestReadyRevisionName == revision
		u.Named = s.Spec.Template.Name == revision
		u.Rollout = rollout != nil && rollout.Needs(revision)
		u.Rejected, u.Rank = fates.Unreleased(revision), fates.Rank(revision)
		return u
	}
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

// Known returns the names of the Revisions that a Service itself names, and the empty name.
func Known(s *servingv1.Service) map[string]bool {
	known := map[string]bool{"": true, s.Spec.Template.Name: true, s.Status.LatestCreatedRevisionName: true, s.Status.LatestReadyRevisionName: true}
	for _, t := range slices.Concat(s.Spec.Traffic, s.Status.Traffic) {
		known[t.RevisionName] = true
	}
	return known
}
