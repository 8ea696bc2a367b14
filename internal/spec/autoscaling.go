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
	const group = autoscalingGroup
	return []string{
		group + "activation-scale", // has one spelling only
		group + "class",
		group + "initial-scale", group + "initialScale",
		group + "max-scale", group + "maxScale",
		group + "metric",
		group + "metric-aggregation-algorithm", group + "metricAggregationAlgorithm",
		group + "min-scale", group + "minScale",
		group + "panic-threshold-percentage", group + "panicThresholdPercentage",
		group + "panic-window-percentage", group + "panicWindowPercentage",
		group + "scale-down-delay", group + "scaleDownDelay",
		group + "scale-to-zero-pod-retention-period", group + "scaleToZeroPodRetentionPeriod",
		group + "target",
		group + "target-burst-capacity", group + "targetBurstCapacity",
		group + "target-utilization-percentage", group + "targetUtilizationPercentage",
		group + "window",
	}
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
