// Package status interprets the status of a Service: whether it is ready or has
// failed, why, and whether it describes what was written. Its functions are pure.
package status

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// Condition is one condition of a Service or Revision.
type Condition = apis.Condition

// The conditions of a Service.
const (
	ConditionReady          = "Ready"
	ConditionConfigurations = "ConfigurationsReady"
	ConditionRoutes         = "RoutesReady"
)

// maxMessage bounds the text that is taken from a condition.
const maxMessage = 4096

// State is the state that a status reports.
type State int

// The states of a Service.
const (
	Pending State = iota // neither ready nor failed, or not known yet
	Ready
	Failed
)

// StateOf returns the state that a condition reports on its own.
func StateOf(c *Condition) State {
	switch {
	case c == nil:
		return Pending
	case c.Status == corev1.ConditionTrue:
		return Ready
	case HasFailed(c):
		return Failed
	}
	return Pending
}

// HasFailed reports whether a condition is False and its severity makes that a failure.
func HasFailed(c *Condition) bool {
	return c.Status == corev1.ConditionFalse && (c.Severity == apis.ConditionSeverityError || c.Severity == "Error")
}

// Find returns a copy of the condition with the given type, nil if there is none.
func Find(conditions []Condition, name string) *Condition {
	for i := range conditions {
		if string(conditions[i].Type) == name {
			c := conditions[i]
			return &c
		}
	}
	return nil
}

// Cause returns the failed condition of a Service that explains the failure
// best, nil if none has failed. Ready itself often has no message: when no
// Revision was ever ready, only ConfigurationsReady has the cause.
func Cause(conditions []Condition) *Condition {
	var cause *Condition
	for _, name := range []string{ConditionConfigurations, ConditionRoutes, ConditionReady} {
		c := Find(conditions, name)
		if c == nil || !HasFailed(c) {
			continue
		}
		if cause == nil || cause.Message == "" && c.Message != "" {
			cause = c
		}
	}
	return cause
}

// RevisionCause returns the failed condition of a Revision that explains the
// failure best, nil if none has failed: one with a message, otherwise one with a
// reason. Ready usually repeats another one, so the others come first.
func RevisionCause(conditions []Condition) *Condition {
	rank := func(c *Condition) int {
		n := 0
		if c.Message != "" {
			n += 4
		}
		if c.Type != ConditionReady {
			n += 2
		}
		if c.Reason != "" {
			n++
		}
		return n
	}
	var cause *Condition
	for i := range conditions {
		if c := &conditions[i]; HasFailed(c) && (cause == nil || rank(c) > rank(cause)) {
			cause = c
		}
	}
	return cause
}

// Message returns the message of a condition; empty if it only says that a
// Revision failed without a message, as Knative does.
func Message(c *Condition) string {
	if text := strings.TrimRight(c.Message, ". "); strings.HasPrefix(text, "Revision ") && strings.HasSuffix(text, "failed with message:") {
		return ""
	}
	return c.Message
}

// notCreated begins Knative's message about a Revision that could not be created.
const notCreated = "Revision creation failed"

// FailedRevision returns the Revision whose failure made the configuration of a
// Service fail; empty if none did, or if the Revision could not be created.
// Then the latest created one is an older one, which may serve.
func FailedRevision(s *servingv1.Service) string {
	configurations, latest := Find(s.Status.Conditions, ConditionConfigurations), s.Status.LatestCreatedRevisionName
	if configurations == nil || !HasFailed(configurations) || strings.HasPrefix(configurations.Message, notCreated) {
		return ""
	}
	if named := s.Spec.Template.Name; named != "" && named != latest {
		return ""
	}
	return revisionName(latest)
}

// Warnings returns the messages of the conditions that only warn.
func Warnings(conditions []Condition) []string {
	var all []string
	for i := range conditions {
		c := &conditions[i]
		if c.Severity == apis.ConditionSeverityWarning && c.Status != corev1.ConditionTrue && c.Message != "" {
			all = append(all, safetext.Line(c.Message, maxMessage))
		}
	}
	return all
}

// Changes returns the conditions that are not known yet, or whose status, reason
// or message differs from the known ones.
func Changes(known map[apis.ConditionType]Condition, current []Condition) []Condition {
	var changed []Condition
	for _, c := range current {
		was, ok := known[c.Type]
		if !ok || was.Status != c.Status || was.Reason != c.Reason || was.Message != c.Message {
			changed = append(changed, c)
		}
	}
	return changed
}

// Describe returns a condition in words, such as Ready=False (Reason: message),
// in a form that is safe to print.
func Describe(c *Condition) string {
	s := fmt.Sprintf("%s=%s", c.Type, c.Status)
	switch {
	case c.Reason != "" && c.Message != "":
		s += fmt.Sprintf(" (%s: %s)", c.Reason, c.Message)
	case c.Reason != "" || c.Message != "":
		s += fmt.Sprintf(" (%s%s)", c.Reason, c.Message)
	}
	return safetext.Line(s, safetext.MaxMessage)
}
