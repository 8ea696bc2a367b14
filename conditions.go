package cloudrun

import (
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// The conditions of a Service.
const (
	conditionReady          = "Ready"
	conditionConfigurations = "ConfigurationsReady"
	conditionRoutes         = "RoutesReady"
)

// state is what a Service's status says about a generation of it.
type state int

const (
	statePending state = iota // no verdict yet, or one about an older generation
	stateReady
	stateFailed
)

// judge tells the state of a Service. What the status says of a generation
// older than the anchor, or than the Service itself, does not count.
func judge(s *servingv1.Service, anchor int64) (state, *Condition) {
	ready := findCondition(s.Status.Conditions, conditionReady)
	if s.Generation < anchor || s.Status.ObservedGeneration != s.Generation || ready == nil {
		return statePending, ready
	}
	return stateOf(ready), ready
}

// stateOf is the state that a condition alone tells.
func stateOf(c *Condition) state {
	switch {
	case c.Status == corev1.ConditionTrue:
		return stateReady
	case conditionFailed(c):
		return stateFailed
	}
	return statePending
}

func findCondition(conditions []apis.Condition, name string) *Condition {
	for i := range conditions {
		if string(conditions[i].Type) == name {
			c := conditions[i]
			return &c
		}
	}
	return nil
}

// failedCondition is the condition that tells the cause of a failure. Ready
// itself often has lost it: when no Revision was ever ready, it only says so.
func failedCondition(conditions []apis.Condition) *Condition {
	var failed *Condition
	for _, name := range []string{conditionConfigurations, conditionRoutes, conditionReady} {
		c := findCondition(conditions, name)
		if c == nil || !conditionFailed(c) {
			continue
		}
		if failed == nil || failed.Message == "" && c.Message != "" {
			failed = c
		}
	}
	return failed
}

// failedRevisionCondition is the condition of a Revision that tells the cause of its failure.
func failedRevisionCondition(conditions []apis.Condition) *Condition {
	var failed *Condition
	for i := range conditions {
		c := &conditions[i]
		if !conditionFailed(c) {
			continue
		}
		// Ready repeats the cause as a rule, so the others are asked first
		if failed == nil || failed.Message == "" || failed.Type == conditionReady && c.Message != "" {
			failed = c
		}
	}
	return failed
}

// warnings are the messages of conditions that report without deciding.
func warnings(conditions []apis.Condition) []string {
	var all []string
	for i := range conditions {
		c := &conditions[i]
		if c.Severity == apis.ConditionSeverityWarning && c.Status != corev1.ConditionTrue && c.Message != "" {
			all = append(all, printable(c.Message, maxMessage))
		}
	}
	return all
}
