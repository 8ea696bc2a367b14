package cloudrun

import servingv1 "knative.dev/serving/pkg/apis/serving/v1"

// ApplyForTest edits a Service by options, from the weakest layer to the strongest.
func ApplyForTest(s *servingv1.Service, layers ...[]DeployOption) error {
	p, err := newPlan(layers...)
	if err != nil {
		return err
	}
	return p.apply(s)
}

// MakesRevisionForTest reports whether one of the options changes the template.
func MakesRevisionForTest(opts ...DeployOption) (bool, error) {
	p, err := newPlan(opts)
	if err != nil {
		return false, err
	}
	return p.any(func(s setting) bool { return s.deploy == nil && !s.plain }), nil
}
