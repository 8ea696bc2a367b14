package spec_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// A container that gets an image of another origin loses what its source left.
func TestWithoutSource(t *testing.T) {
	t.Parallel()
	const baseImages, sources, runtime = "run.googleapis.com/base-images", "run.googleapis.com/sources", "run.googleapis.com/linux-base-image-update"
	for name, tc := range map[string]struct {
		template map[string]string
		runtime  string
		want     map[string]string
		left     string // the runtime class
	}{
		"nothing":             {nil, "", nil, ""},
		"one base image":      {map[string]string{baseImages: `{"app":"nodejs22"}`, sources: `{"app":"gs://x"}`, "a": "b"}, runtime, map[string]string{"a": "b"}, ""},
		"that of a sidecar":   {map[string]string{baseImages: `{"app":"nodejs22","proxy":"go124"}`}, runtime, map[string]string{baseImages: `{"proxy":"go124"}`}, runtime},
		"only of a sidecar":   {map[string]string{baseImages: `{"proxy": "go124"}`}, runtime, map[string]string{baseImages: `{"proxy": "go124"}`}, runtime},
		"without a name":      {map[string]string{baseImages: `{"":"nodejs22"}`}, runtime, map[string]string{}, ""},
		"not an object":       {map[string]string{baseImages: `x`}, runtime, map[string]string{}, ""},
		"another runtime":     {map[string]string{baseImages: `{"app":"nodejs22"}`}, "gvisor", map[string]string{}, "gvisor"},
		"a runtime by itself": {nil, runtime, nil, runtime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &spec.Workload{
				Meta:     &metav1.ObjectMeta{Annotations: map[string]string{"run.googleapis.com/build-id": "1", "run.googleapis.com/build-base-image": "x", "run.googleapis.com/source-location": "gs://x", "run.googleapis.com/ingress": "all"}},
				Template: &metav1.ObjectMeta{Annotations: tc.template},
				Pod:      &corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Ports: []corev1.ContainerPort{{ContainerPort: 8080}}}, {Name: "proxy"}}},
			}
			if tc.runtime != "" {
				w.Pod.RuntimeClassName = &tc.runtime
			}
			set, err := edits.New([]edits.Setting{spec.WithoutSource("WithoutSource()")})
			require.NoError(t, err)
			require.NoError(t, set.Apply(spec.NewEditor(w)))
			require.Equal(t, tc.want, w.Template.Annotations)
			require.Equal(t, map[string]string{"run.googleapis.com/ingress": "all"}, w.Meta.Annotations)
			left := ""
			if w.Pod.RuntimeClassName != nil {
				left = *w.Pod.RuntimeClassName
			}
			require.Equal(t, tc.left, left)
		})
	}
}
