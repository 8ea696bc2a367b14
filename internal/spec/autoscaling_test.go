package spec_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/kmap"
	"knative.dev/serving/pkg/apis/autoscaling"

	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// Knative's own lists of keys are the judge.
func TestAutoscalingAnnotations(t *testing.T) {
	t.Parallel()
	var want []string
	for _, keys := range []kmap.KeyPriority{
		autoscaling.ActivationScale, autoscaling.ClassAnnotation, autoscaling.InitialScaleAnnotation, autoscaling.MaxScaleAnnotation,
		autoscaling.MetricAnnotation, autoscaling.MetricAggregationAlgorithmAnnotation, autoscaling.MinScaleAnnotation,
		autoscaling.PanicThresholdPercentageAnnotation, autoscaling.PanicWindowPercentageAnnotation, autoscaling.ScaleDownDelayAnnotation,
		autoscaling.ScaleToZeroPodRetentionPeriodAnnotation, autoscaling.TargetAnnotation, autoscaling.TargetBurstCapacityAnnotation,
		autoscaling.TargetUtilizationPercentageAnnotation, autoscaling.WindowAnnotation,
	} {
		want = append(want, keys...)
	}
	require.ElementsMatch(t, want, spec.AutoscalingAnnotations())
}

// A setting of the scale is what Knative then reads, in whichever spelling the template has it.
func TestAutoscale(t *testing.T) {
	t.Parallel()
	const camel, hyphens = "autoscaling.knative.dev/minScale", "autoscaling.knative.dev/min-scale"
	for name, tc := range map[string]struct {
		have, set, removed map[string]string
	}{
		"new":                 {map[string]string{"a": "b"}, map[string]string{"a": "b", camel: "2"}, map[string]string{"a": "b"}},
		"Cloud Run's":         {map[string]string{camel: "1"}, map[string]string{camel: "2"}, map[string]string{}},
		"kn's":                {map[string]string{hyphens: "1"}, map[string]string{hyphens: "2"}, map[string]string{}},
		"both":                {map[string]string{hyphens: "1", camel: "2"}, map[string]string{hyphens: "2", camel: "2"}, map[string]string{}},
		"another in the same": {map[string]string{"autoscaling.knative.dev/max-scale": "1"}, map[string]string{"autoscaling.knative.dev/max-scale": "1", camel: "2"}, map[string]string{"autoscaling.knative.dev/max-scale": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for value, want := range map[string]map[string]string{"2": tc.set, "": tc.removed} {
				w := spec.Workload{Meta: &metav1.ObjectMeta{}, Template: &metav1.ObjectMeta{Annotations: maps.Clone(tc.have)}}
				setting := spec.Autoscale("o", camel, value, nil)
				require.NoError(t, setting.Do.(spec.WorkloadEdit)(&w))
				require.Equal(t, want, w.Template.Annotations)
				_, got, _ := autoscaling.MinScaleAnnotation.Get(w.Template.Annotations)
				require.Equal(t, value, got)
				require.Len(t, setting.Claims, 2, "both spellings are one thing")
			}
		})
	}
	require.Len(t, spec.Autoscale("o", strings.ToUpper(camel), "1", nil).Claims, 1)
}
