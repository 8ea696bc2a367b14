package cloudrun

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// editTemplate is a setting of one thing of the template's spec.
func editTemplate(option, thing, value string, edit func(*servingv1.RevisionSpec)) setting {
	return setting{
		option: option, phase: edits.PhaseSet, claims: edits.Decides(thing, value),
		service: func(s *servingv1.Service) error {
			edit(&s.Spec.Template.Spec)
			return nil
		},
	}
}

// oneOf checks a choice.
func oneOf(value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return fmt.Errorf("it must be one of %s", strings.Join(choices, ", "))
}

// notEmpty checks a value that has no meaning when it is empty.
func notEmpty(what, value string) error {
	if strings.TrimSpace(value) == "" {
		return fmt.Errorf("the %s is empty", what)
	}
	return nil
}

// joined is a list as the value of a claim: only equal lists are equal.
func joined(list []string) string { return fmt.Sprintf("%q", list) }

func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// joinedMap is a map as the value of a claim: only equal maps are equal.
func joinedMap(m map[string]string) string {
	if len(m) == 0 {
		return "map[]"
	}
	return fmt.Sprintf("%q", m)
}
