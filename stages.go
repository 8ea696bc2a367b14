package cloudrun

import (
	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/split"
)

// stages frames the stages within a wait, [StageCreateRevision] and then
// [StageRouteTraffic], as far as the conditions of the Service show them. A
// condition that is True all along says nothing: right after a write, both
// still tell of what was there before.
type stages struct {
	report *reporter
	makes  bool // a new Revision is waited for
	routed bool

	create, route func(error) // how the stages under way end; nil for the others
}

// begin starts the stage that a new Revision is known to begin with.
func (t *stages) begin(makes bool) {
	if t.makes = makes; makes {
		t.create = t.report.stage(StageCreateRevision)
	}
}

// see takes up the conditions of a Service that describe the awaited generation.
func (t *stages) see(s *servingv1.Service) {
	configurations := findCondition(s.Status.Conditions, conditionConfigurations)
	routes := findCondition(s.Status.Conditions, conditionRoutes)
	if configurations == nil || routes == nil {
		return
	}
	if t.create == nil && !t.makes && configurations.Status != corev1.ConditionTrue {
		t.begin(true)
	}
	if t.create != nil {
		if configurations.Status != corev1.ConditionTrue {
			return
		}
		t.create(nil)
		t.create = nil
	}
	switch {
	case t.route == nil && !t.routed && routes.Status != corev1.ConditionTrue:
		t.route = t.report.stage(StageRouteTraffic)
	case t.route != nil && routes.Status == corev1.ConditionTrue:
		t.route(nil)
		t.route, t.routed = nil, true
	}
}

// end ends the stages under way as the wait ends. Traffic that was routed
// between two looks at the Service is told of as well.
func (t *stages) end(s *servingv1.Service, err error) {
	if err == nil && t.route == nil && t.makes && !t.routed && s != nil && !split.Pinned(splitTargets(s)) {
		if t.create != nil {
			t.create(nil)
			t.create = nil
		}
		t.route = t.report.stage(StageRouteTraffic)
	}
	for _, end := range []func(error){t.create, t.route} {
		if end != nil {
			end(err)
		}
	}
}
