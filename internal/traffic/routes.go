// Package traffic reads and edits the traffic of a Service: which Revision each
// share and each tag leads to, as requested in the spec and as observed in the
// status, and the state of a rollout, which is recorded beside it.
// Its functions are pure.
package traffic

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/split"
)

// Route is one way to reach a Revision: through the URL of the Service, or
// through that of a tag.
type Route struct {
	Revision string
	Tag      string // empty for the URL of the Service
}

// Routes holds the percentage of each route. A tag counts as 100.
type Routes map[Route]int64

// Wanted returns the routes that the spec of a Service requests. LATEST is
// resolved to the latest ready Revision.
func Wanted(s *servingv1.Service) Routes { return routesOf(s.Spec.Traffic, latestReady(s)) }

// Observed returns the routes that the status of a Service reports. A status
// names the Revision that LATEST resolved to, which is an older one while the
// status lags behind.
func Observed(s *servingv1.Service) Routes { return routesOf(s.Status.Traffic, latestReady(s)) }

func latestReady(s *servingv1.Service) string {
	return cmp.Or(s.Status.LatestReadyRevisionName, split.Latest)
}

func routesOf(targets []servingv1.TrafficTarget, latest string) Routes {
	if len(targets) == 0 {
		targets = []servingv1.TrafficTarget{LatestTarget(100)}
	}
	routes := Routes{}
	for _, t := range targets {
		revision := cmp.Or(t.RevisionName, latest)
		if percent := Percent(t); percent > 0 {
			routes[Route{Revision: revision}] += percent
		}
		if t.Tag != "" {
			routes[Route{revision, t.Tag}] = 100
		}
	}
	return routes
}

// To returns the routes that lead to a Revision.
func (r Routes) To(revision string) Routes {
	return r.filter(func(way Route) bool { return way.Revision == revision })
}

func (r Routes) filter(keep func(Route) bool) Routes {
	kept := Routes{}
	for way, percent := range r {
		if keep(way) {
			kept[way] = percent
		}
	}
	return kept
}

// Equal reports whether both have the same routes with the same percentages.
func (r Routes) Equal(other Routes) bool { return maps.Equal(r, other) }

// String lists the routes, the largest share first:
// hello-00002-abc=90,LATEST=10 (tags: green=LATEST).
func (r Routes) String() string {
	ways := slices.SortedFunc(maps.Keys(r), func(a, b Route) int {
		return cmp.Or(cmp.Compare(r[b], r[a]), strings.Compare(a.Tag, b.Tag), strings.Compare(a.Revision, b.Revision))
	})
	var shares, tags []string
	for _, way := range ways {
		if way.Tag != "" {
			tags = append(tags, way.Tag+"="+way.Revision)
			continue
		}
		shares = append(shares, fmt.Sprintf("%s=%d", way.Revision, r[way]))
	}
	text := cmp.Or(strings.Join(shares, ","), "nobody")
	if len(tags) > 0 {
		text += " (tags: " + strings.Join(tags, ",") + ")"
	}
	return text
}

// Same reports whether two lists of targets mean the same, whatever their order and form.
func Same(a, b []servingv1.TrafficTarget) bool {
	return routesOf(a, split.Latest).Equal(routesOf(b, split.Latest))
}

// Describe lists the shares of the targets as requested, without the tags:
// hello-00002-abc=90,LATEST=10.
func Describe(targets []servingv1.TrafficTarget) string {
	requested := slices.Clone(targets)
	for i := range requested {
		if IsLatest(requested[i]) {
			requested[i].RevisionName = split.Latest
		}
	}
	return routesOf(requested, split.Latest).filter(func(way Route) bool { return way.Tag == "" }).String()
}

// IsLatest reports whether a target follows the latest ready Revision.
func IsLatest(t servingv1.TrafficTarget) bool { return t.LatestRevision != nil && *t.LatestRevision }

// Percent returns the percentage of a target, 0 if it has none.
func Percent(t servingv1.TrafficTarget) int64 {
	if t.Percent == nil {
		return 0
	}
	return *t.Percent
}

// LatestTarget returns a target that gives the latest ready Revision a percentage.
func LatestTarget(percent int64) servingv1.TrafficTarget {
	latest := true
	return servingv1.TrafficTarget{LatestRevision: &latest, Percent: &percent}
}
