package spec

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

const autoscalingGroup = "autoscaling.knative.dev/"

// AutoscalingAnnotations returns Knative's settings of the autoscaler, in every
// spelling that it accepts. Where two spellings are set, Knative uses the one
// with hyphens.
func AutoscalingAnnotations() []string {
	var all []string
	for _, name := range []string{
		"activation-scale", "class", "initial-scale", "max-scale", "metric", "metric-aggregation-algorithm", "min-scale",
		"panic-threshold-percentage", "panic-window-percentage", "scale-down-delay", "scale-to-zero-pod-retention-period",
		"target", "target-burst-capacity", "target-utilization-percentage", "window",
	} {
		all = append(all, autoscalingGroup+name)
		if camel := camelCase(name); camel != name && name != "activation-scale" { // which has one spelling only
			all = append(all, autoscalingGroup+camel)
		}
	}
	return all
}

func camelCase(hyphenated string) string {
	words := strings.Split(hyphenated, "-")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// spellings returns all keys of the setting that a key names.
func spellings(key string) []string {
	same := slices.DeleteFunc(AutoscalingAnnotations(), func(k string) bool {
		name, ok := strings.CutPrefix(k, autoscalingGroup)
		return !ok || autoscalingGroup+camelCase(name) != key
	})
	if len(same) == 0 {
		return []string{key}
	}
	return same
}

// Autoscale sets an annotation of the template that has several spellings. It
// edits the spellings that are set, and uses the key if there is none. An empty
// value removes them all.
func Autoscale(option, key, value string, err error) edits.Setting {
	all := spellings(key)
	s := onTemplate(option, key, value, err, func(m *metav1.ObjectMeta) {
		set := slices.DeleteFunc(slices.Clone(all), func(k string) bool { _, ok := m.Annotations[k]; return !ok })
		if len(set) == 0 {
			set = []string{key}
		}
		for _, k := range set {
			SetAnnotation(m, k, value)
		}
	})
	for _, k := range all {
		if k != key {
			s.Claims = s.Claims.And(templateAnnotation(k), value)
		}
	}
	return s
}
