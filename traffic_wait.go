package cloudrun

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// goal is what a wait waits for.
type goal int

const (
	// goalServing: the Service is ready, and its newest Revision was seen to get
	// the traffic and the tags that it shall.
	goalServing goal = iota
	// goalReady: the Service is ready.
	goalReady
	// goalRouted: all traffic was seen to be as the Service says. Whether a
	// Revision has failed that gets none of it does not matter: one goes back
	// from such a Revision more often than not.
	goalRouted
)

// judge is [judge] for a goal. The condition is the one that decides.
func (g goal) judge(s *servingv1.Service, anchor int64) (state, *Condition) {
	st, ready := judge(s, anchor)
	if st != stateFailed || !g.excuses(s) {
		return st, ready
	}
	routes := findCondition(s.Status.Conditions, conditionRoutes)
	return stateOf(routes), routes
}

// excuses reports whether it is not the goal's concern that the newest
// Revision failed: LATEST means an older one then.
func (g goal) excuses(s *servingv1.Service) bool {
	configurations := findCondition(s.Status.Conditions, conditionConfigurations)
	return g == goalRouted && s.Status.LatestReadyRevisionName != "" && findCondition(s.Status.Conditions, conditionRoutes) != nil &&
		configurations != nil && conditionFailed(configurations)
}

// cause is the condition that tells why the goal is missed.
func (g goal) cause(s *servingv1.Service) *Condition {
	if g.excuses(s) {
		return findCondition(s.Status.Conditions, conditionRoutes)
	}
	return failedCondition(s.Status.Conditions)
}

// settled reports whether the observed traffic of a Service that is ready is
// as it should be. A server that does not tell of it is believed.
func (g goal) settled(s *servingv1.Service) bool {
	latest := s.Status.LatestReadyRevisionName
	if g == goalReady || len(s.Status.Traffic) == 0 || latest == "" {
		return true
	}
	want, seen := wantedRoutes(s), observedRoutes(s)
	if g == goalServing {
		ofOthers := func(way route, _ int64) bool { return way.revision != latest }
		maps.DeleteFunc(want, ofOthers)
		maps.DeleteFunc(seen, ofOthers)
	}
	return maps.Equal(want, seen)
}

// route is a way to a Revision: the URL of the Service, or that of a tag.
type route struct{ revision, tag string }

// wantedRoutes is the traffic that a Service asks for: the percentages of
// Revisions, and 100 for each tag. LATEST is the Revision that it means now.
func wantedRoutes(s *servingv1.Service) map[route]int64 {
	return routesOf(s.Spec.Traffic, cmp.Or(s.Status.LatestReadyRevisionName, Latest))
}

// observedRoutes is the traffic that the status of a Service tells of. While
// it lags, its LATEST is an older Revision than the one that LATEST means now.
func observedRoutes(s *servingv1.Service) map[route]int64 {
	return routesOf(s.Status.Traffic, cmp.Or(s.Status.LatestReadyRevisionName, Latest))
}

func routesOf(targets []servingv1.TrafficTarget, latest string) map[route]int64 {
	if len(targets) == 0 {
		targets = []servingv1.TrafficTarget{latestTarget(100)}
	}
	routes := map[route]int64{}
	for _, t := range targets {
		revision := cmp.Or(t.RevisionName, latest)
		if percent := percentOf(t); percent > 0 {
			routes[route{revision: revision}] += percent
		}
		if t.Tag != "" {
			routes[route{revision, t.Tag}] = 100
		}
	}
	return routes
}

// sameTraffic reports whether two lists say the same, if not in the same words.
func sameTraffic(a, b []servingv1.TrafficTarget) bool {
	return maps.Equal(routesOf(a, Latest), routesOf(b, Latest))
}

// describeRoutes puts traffic in words, the largest share first:
// hello-00002-abc=90,LATEST=10 (tags: green=LATEST).
func describeRoutes(routes map[route]int64) string {
	ways := slices.SortedFunc(maps.Keys(routes), func(a, b route) int {
		return cmp.Or(cmp.Compare(routes[b], routes[a]), strings.Compare(a.tag, b.tag), strings.Compare(a.revision, b.revision))
	})
	var shares, tags []string
	for _, way := range ways {
		if way.tag != "" {
			tags = append(tags, way.tag+"="+way.revision)
			continue
		}
		shares = append(shares, fmt.Sprintf("%s=%d", way.revision, routes[way]))
	}
	described := cmp.Or(strings.Join(shares, ","), "nobody")
	if len(tags) > 0 {
		described += " (tags: " + strings.Join(tags, ",") + ")"
	}
	return described
}

// describeTraffic is describeRoutes for the shares alone, as they were asked for.
func describeTraffic(targets []servingv1.TrafficTarget) string {
	asked := slices.Clone(targets)
	for i := range asked {
		if isLatest(asked[i]) {
			asked[i].RevisionName = Latest
		}
	}
	routes := routesOf(asked, Latest)
	maps.DeleteFunc(routes, func(way route, _ int64) bool { return way.tag != "" })
	return describeRoutes(routes)
}

func isLatest(t servingv1.TrafficTarget) bool { return t.LatestRevision != nil && *t.LatestRevision }

func percentOf(t servingv1.TrafficTarget) int64 {
	if t.Percent == nil {
		return 0
	}
	return *t.Percent
}

func latestTarget(percent int64) servingv1.TrafficTarget {
	latest := true
	return servingv1.TrafficTarget{LatestRevision: &latest, Percent: &percent}
}
