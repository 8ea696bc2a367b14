package cloudrun

import (
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/traffic"
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
	want, seen := traffic.Wanted(s), traffic.Observed(s)
	if g == goalServing {
		want, seen = want.To(latest), seen.To(latest)
	}
	return want.Equal(seen)
}
