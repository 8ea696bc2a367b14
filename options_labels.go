package cloudrun

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// maxLabels is Cloud Run's limit.
const maxLabels = 64

// WithLabel adds a label, or changes it. Labels of the Service are labels of
// the template too: as with gcloud, when an option changes the former, those
// of the latter that the Service does not have go, but for Cloud Run's own.
// A change makes a new Revision.
//
// A key begins with a lower-case letter. Both consist of lower-case letters,
// digits, underscores and hyphens, at most 63. Flags: --labels,
// --update-labels. Fields: metadata.labels and spec.template.metadata.labels.
func WithLabel(key, value string) ServiceOption {
	return onService(withLabel(edits.Spell("WithLabel", key, value), key, value))
}

// SetLabels replaces all labels but those that Cloud Run sets; see
// [WithLabel]. gcloud has no flag for it, but --clear-labels with --labels.
func SetLabels(labels map[string]string) ServiceOption {
	labels = maps.Clone(labels)
	option := edits.Spell("SetLabels", labels)
	all := []setting{editLabels(option, edits.PhaseEmpty, edits.Decides("all labels", joinedMap(labels)), func(is map[string]string) {
		maps.DeleteFunc(is, func(key, _ string) bool { _, stays := labels[key]; return !stays && !serverLabel(key) })
	})}
	if len(labels) > maxLabels {
		all[0].err = fmt.Errorf("%d labels: at most %d are allowed", len(labels), maxLabels)
	}
	return onService(append(all, perItem(sortedKeys(labels), func(key string) setting { return withLabel(option, key, labels[key]) })...)...)
}

// WithoutLabel removes labels; see [WithLabel]. Flag: --remove-labels.
// Fields: metadata.labels and spec.template.metadata.labels.
func WithoutLabel(keys ...string) ServiceOption {
	option := edits.SpellList("WithoutLabel", keys)
	return onService(perItem(keys, func(key string) setting {
		s := editLabels(option, edits.PhaseRemove, edits.Decides(labelThing(key), "none"), func(is map[string]string) { delete(is, key) })
		s.err = notEmpty("key", key)
		return s
	})...)
}

// ClearLabels removes all labels but those that Cloud Run sets; see
// [WithLabel]. Flag: --clear-labels. Fields: metadata.labels and
// spec.template.metadata.labels.
func ClearLabels() ServiceOption {
	return onService(editLabels("ClearLabels()", edits.PhaseEmpty, edits.Decides("all labels", joinedMap(nil)), func(is map[string]string) {
		maps.DeleteFunc(is, func(key, _ string) bool { return !serverLabel(key) })
	}))
}

func labelThing(key string) string { return fmt.Sprintf("label %q", key) }

func withLabel(option, key, value string) setting {
	s := editLabels(option, edits.PhaseSet, edits.Decides(labelThing(key), "="+value), func(is map[string]string) { is[key] = value })
	s.err = checkLabel(key, value)
	return s
}

// editLabels is a setting of the Service's labels. They are copied to the
// template if they change; so one that the server has already changes nothing.
func editLabels(option string, p edits.Phase, claims edits.Claims, edit func(map[string]string)) setting {
	return setting{option: option, phase: p, claims: claims, service: func(s *servingv1.Service) error {
		labels := maps.Clone(s.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		edit(labels)
		if maps.Equal(labels, s.Labels) {
			return nil
		}
		s.Labels = labels
		copyLabels(&s.Spec.Template, labels)
		return nil
	}}
}

// copyLabels makes a template's labels those of its Service, but for what Cloud Run sets on either.
func copyLabels(t *servingv1.RevisionTemplateSpec, labels map[string]string) {
	is := map[string]string{}
	for key, value := range t.Labels {
		if serverLabel(key) {
			is[key] = value
		}
	}
	for key, value := range labels {
		if !serverLabel(key) && key != "networking.knative.dev/visibility" { // which only a Service can have
			is[key] = value
		}
	}
	t.Labels = is
}

// serverLabel tells the labels that Cloud Run or a client of it sets by itself.
func serverLabel(key string) bool {
	domain, _, _ := strings.Cut(key, "/")
	return domain == "cloud.googleapis.com" || domain == "run.googleapis.com" || domain == "client.knative.dev"
}

var (
	labelKeyRE   = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValueRE = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
	// systemLabelRE are keys that Cloud Run and Knative give a meaning.
	systemLabelRE = regexp.MustCompile(`^[a-z0-9.-]+\.(googleapis\.com|knative\.dev)/[A-Za-z0-9._-]{1,63}$`)
)

// checkLabel refuses labels that Cloud Run refuses: they are labels of Google
// Cloud, which has its own rules.
func checkLabel(key, value string) error {
	switch {
	case systemLabelRE.MatchString(key):
		return nil
	case !labelKeyRE.MatchString(key):
		return errors.New("the key must begin with a lower-case letter and have at most 63 lower-case letters, digits, underscores and hyphens (a cluster takes others: set them with EditService)")
	case !labelValueRE.MatchString(value):
		return errors.New("the value must have at most 63 lower-case letters, digits, underscores and hyphens")
	}
	return nil
}
