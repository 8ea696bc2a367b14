package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// maxLabels is Cloud Run's limit.
const maxLabels = 64

// Label sets a label.
func Label(option, key, value string) edits.Setting {
	return editLabels(option, edits.PhaseSet, edits.Decides(labelThing(key), "="+value), checkLabel(key, value), func(is map[string]string) { is[key] = value })
}

// SetLabels replaces all labels but those of Cloud Run. The map must not change afterwards.
func SetLabels(option string, labels map[string]string) []edits.Setting {
	all := emptyLabels(option, labels)
	if len(labels) > maxLabels {
		all.Err = fmt.Errorf("%d labels: at most %d are allowed", len(labels), maxLabels)
	}
	return append([]edits.Setting{all}, edits.Each(slices.Sorted(maps.Keys(labels)), func(key string) edits.Setting {
		return Label(option, key, labels[key])
	})...)
}

// WithoutLabel removes labels.
func WithoutLabel(option string, keys []string) []edits.Setting {
	return edits.Each(keys, func(key string) edits.Setting {
		return editLabels(option, edits.PhaseRemove, edits.Decides(labelThing(key), noValue), edits.NotEmpty("key", key), func(is map[string]string) {
			delete(is, key)
		})
	})
}

// ClearLabels removes all labels but those of Cloud Run, and the one that
// WithIngress sets on a cluster.
func ClearLabels(option string) edits.Setting { return emptyLabels(option, nil) }

func emptyLabels(option string, keep map[string]string) edits.Setting {
	return editLabels(option, edits.PhaseEmpty, edits.Decides("all labels", edits.Map(keep)), nil, func(is map[string]string) {
		maps.DeleteFunc(is, func(key, _ string) bool {
			_, stays := keep[key]
			return !stays && !serverLabel(key) && key != LabelVisibility
		})
	})
}

func labelThing(key string) string { return fmt.Sprintf("label %q", key) }

// editLabels is a setting of the labels of the resource. They are copied to the
// template only if they change, so that asking for what is set already changes nothing.
func editLabels(option string, phase edits.Phase, claims edits.Claims, err error, edit func(map[string]string)) edits.Setting {
	return edits.Setting{Option: option, Phase: phase, Claims: claims, Err: err, Do: WorkloadEdit(func(w *Workload) error {
		labels := maps.Clone(w.Meta.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		edit(labels)
		if maps.Equal(labels, w.Meta.Labels) {
			return nil
		}
		w.Meta.Labels = labels
		copyLabels(w.Template, labels)
		for key, value := range w.ownLabels {
			w.labelTemplate(key, value)
		}
		return nil
	})}
}

// TemplateLabel sets a label of the template alone.
func TemplateLabel(option, key, value string) edits.Setting {
	return ownLabel(option, key, "="+value, checkLabel(key, value), &value)
}

// WithoutTemplateLabel removes labels of the template alone.
func WithoutTemplateLabel(option string, keys []string) []edits.Setting {
	return edits.Each(keys, func(key string) edits.Setting { return ownLabel(option, key, noValue, edits.NotEmpty("key", key), nil) })
}

// ownLabel is a setting of a label of the template. It is noted, because a later
// setting of labels copies those of the resource again.
func ownLabel(option, key, claim string, err error, value *string) edits.Setting {
	return edits.Setting{Option: option, Phase: edits.PhaseDerive, Claims: edits.Decides("template "+labelThing(key), claim), Err: err,
		Do: WorkloadEdit(func(w *Workload) error {
			if w.ownLabels == nil {
				w.ownLabels = map[string]*string{}
			}
			w.ownLabels[key] = value
			w.labelTemplate(key, value)
			return nil
		})}
}

func (w *Workload) labelTemplate(key string, value *string) {
	if value == nil {
		delete(w.Template.Labels, key)
		return
	}
	if w.Template.Labels == nil {
		w.Template.Labels = map[string]string{}
	}
	w.Template.Labels[key] = *value
}

// copyLabels gives a template the labels of its resource. The labels that Cloud
// Run sets on either of them are not copied.
func copyLabels(template *metav1.ObjectMeta, labels map[string]string) {
	is := map[string]string{}
	for key, value := range template.Labels {
		if serverLabel(key) {
			is[key] = value
		}
	}
	for key, value := range labels {
		if !serverLabel(key) && key != LabelVisibility { // which only a Service can have
			is[key] = value
		}
	}
	template.Labels = is
}

// serverLabel reports whether Cloud Run, or a client of it, sets the label by itself.
func serverLabel(key string) bool {
	domain, _, _ := strings.Cut(key, "/")
	return domain == "cloud.googleapis.com" || domain == "run.googleapis.com" || domain == "client.knative.dev"
}

// checkLabel refuses labels that Cloud Run refuses: they are labels of Google
// Cloud, which has its own rules.
func checkLabel(key, value string) error {
	switch {
	case isSystemLabel(key):
		return nil
	case !isLabelKey(key):
		return errors.New("the key must begin with a lower-case letter and have at most 63 lower-case letters, digits, underscores and hyphens (a cluster takes others: set them in a manifest or with EditService)")
	case !isLabelText(value):
		return errors.New("the value must have at most 63 lower-case letters, digits, underscores and hyphens")
	}
	return nil
}

// isSystemLabel reports whether Cloud Run or Knative give the key a meaning:
// a subdomain of theirs, a slash and a name.
func isSystemLabel(key string) bool {
	domain, name, _ := strings.Cut(key, "/")
	subdomain, google := strings.CutSuffix(domain, ".googleapis.com")
	if !google {
		var knative bool
		if subdomain, knative = strings.CutSuffix(domain, ".knative.dev"); !knative {
			return false
		}
	}
	return subdomain != "" && only(subdomain, isLowerASCII, isDigit, isOneOf(".-")) &&
		name != "" && len(name) <= 63 && only(name, isLowerASCII, isUpperASCII, isDigit, isOneOf("._-"))
}

func isLabelKey(key string) bool {
	first, _ := utf8.DecodeRuneInString(key)
	return key != "" && isLowerLetter(first) && isLabelText(key)
}

func isLabelText(s string) bool {
	return utf8.RuneCountInString(s) <= 63 && only(s, isLowerLetter, unicode.IsNumber, isOneOf("_-"))
}

// only reports whether each character of a text is of one of the classes.
func only(s string, classes ...func(rune) bool) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !slices.ContainsFunc(classes, func(is func(rune) bool) bool { return is(r) })
	})
}

// isLowerLetter reports whether r is a lower-case letter or one of a script without cases.
func isLowerLetter(r rune) bool { return unicode.In(r, unicode.Ll, unicode.Lo) }

func isLowerASCII(r rune) bool { return 'a' <= r && r <= 'z' }
func isUpperASCII(r rune) bool { return 'A' <= r && r <= 'Z' }
func isDigit(r rune) bool      { return '0' <= r && r <= '9' }

func isOneOf(characters string) func(rune) bool {
	return func(r rune) bool { return strings.ContainsRune(characters, r) }
}
