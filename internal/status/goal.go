package status

import (
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// Goal is the condition that ends a wait. The zero Goal is none: it is never met.
type Goal int

const (
	// GoalReady is met when the Service is ready.
	GoalReady Goal = iota + 1
	// GoalServing is met when the Service is ready, and the observed traffic and
	// tags of its latest Revision are those of the spec.
	GoalServing
	// GoalRouted is met when all observed traffic is that of the spec. A latest
	// Revision that failed does not matter as long as it gets no traffic: traffic
	// is often moved because of it.
	GoalRouted
)

// Judge returns the state of a Service with regard to the goal, and the
// condition that decides it. A status of a generation older than the Service's
// own, or than the given one, does not count.
func (g Goal) Judge(s *servingv1.Service, generation int64) (State, *Condition) {
	deciding := Find(s.Status.Conditions, ConditionReady)
	if !Current(s, generation) || deciding == nil {
		return Pending, deciding
	}
	if StateOf(deciding) == Failed && g.Excuses(s) {
		deciding = Find(s.Status.Conditions, ConditionRoutes)
	}
	return StateOf(deciding), deciding
}

// Current reports whether the status of a Service describes its own generation,
// and that is not older than the given one.
func Current(s *servingv1.Service, generation int64) bool {
	return s.Generation >= generation && s.Status.ObservedGeneration == s.Generation
}

// Excuses reports whether the latest Revision has failed and the goal does not
// need it. LATEST then resolves to an older Revision.
func (g Goal) Excuses(s *servingv1.Service) bool {
	if g != GoalRouted || s.Status.LatestReadyRevisionName == "" || Find(s.Status.Conditions, ConditionRoutes) == nil {
		return false
	}
	configurations := Find(s.Status.Conditions, ConditionConfigurations)
	return configurations != nil && HasFailed(configurations)
}

// Cause returns the condition that explains why the goal cannot be met.
func (g Goal) Cause(s *servingv1.Service) *Condition {
	if g.Excuses(s) {
		return Find(s.Status.Conditions, ConditionRoutes)
	}
	return Cause(s.Status.Conditions)
}

// Settled reports whether the observed traffic of a ready Service is as far as
// the goal needs it. It is true if the server does not report any traffic.
func (g Goal) Settled(s *servingv1.Service) bool {
	latest := s.Status.LatestReadyRevisionName
	reported := len(s.Status.Traffic) > 0 && latest != ""
	want, seen := traffic.Wanted(s), traffic.Observed(s)
	switch g {
	case GoalReady:
		return true
	case GoalServing:
		return !reported || want.To(latest).Equal(seen.To(latest))
	case GoalRouted:
		return !reported || want.Equal(seen)
	}
	return false
}
