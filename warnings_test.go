package cloudrun_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
)

// Settings that Cloud Run ignores are warnings of options as of manifests.
func TestWarningsAboutAnnotations(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		opts := []cloudrun.DeployOption{
			cloudrun.WithImage(image), cloudrun.WithAnnotation("run.googleapis.com/cpu-throttling", "false"), cloudrun.WithAnnotation("example.com/own", "x"),
			cloudrun.WithTemplateAnnotation("run.googleapis.com/sessionAfinity", "true"), cloudrun.WithTemplateAnnotation("autoscaling.knative.dev/maxScale", "3"),
		}
		want := []string{
			`WithAnnotation("run.googleapis.com/cpu-throttling", "false"): the annotation run.googleapis.com/cpu-throttling has no effect in metadata: move it to spec.template.metadata`,
			`WithTemplateAnnotation("run.googleapis.com/sessionAfinity", "true"): unknown annotation run.googleapis.com/sessionAfinity in spec.template.metadata: did you mean run.googleapis.com/sessionAffinity?`,
		}
		plan, err := d.Plan(t.Context(), "hello", cloudrun.PlanOptions(opts...)...)
		require.NoError(t, err)
		require.Equal(t, want, plan.Warnings)
		for range 2 {
			r, err := d.Deploy(t.Context(), "hello", opts...)
			require.NoError(t, err)
			require.Equal(t, want, r.Warnings, "each call that asks for it warns")
		}
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		require.Empty(t, r.Warnings, "others do not")
	})
}

// An edit that changes a misplaced annotation gets a warning; one that keeps it does not.
func TestWarningsAboutEditedAnnotations(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		for i, value := range []string{"false", "true", "true"} {
			r, err := d.Deploy(t.Context(), "hello", cloudrun.EditService(func(s *servingv1.Service) error {
				metav1.SetMetaDataAnnotation(&s.ObjectMeta, "run.googleapis.com/cpu-throttling", value)
				metav1.SetMetaDataAnnotation(&s.Spec.Template.ObjectMeta, "run.googleapis.com/ingress", value)
				return nil
			}))
			require.NoError(t, err)
			if i == 2 {
				require.Empty(t, r.Warnings, "it has the value already")
				return
			}
			require.Equal(t, []string{
				"the annotation run.googleapis.com/cpu-throttling has no effect in metadata: move it to spec.template.metadata",
				"the annotation run.googleapis.com/ingress has no effect in spec.template.metadata: move it to metadata",
			}, r.Warnings, value)
		}
	})
}

func TestFirstDeployWithoutTraffic(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.WithNoTrafficIfExists(), cloudrun.WithTag("next"))
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithNoTraffic())
		require.ErrorContains(t, err, "use WithNoTrafficIfExists")

		first, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		require.EqualValues(t, 100, first.Percent)
		require.Equal(t, []string{"the service is new, so its first revision serves all traffic; later ones get none"}, first.Warnings)
		second, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		require.Zero(t, second.Percent)
		require.Empty(t, second.Warnings)
		require.Contains(t, trafficOf(t, second.Service.Status.Traffic), first.Revision)
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithNoTraffic(), cloudrun.WithNoTrafficIfExists())
		require.ErrorContains(t, err, "contradicts")
	})
}

// Labels of Revisions are kept apart from those of the Service.
func TestTemplateLabels(t *testing.T) {
	t.Parallel()
	s, err := cloudrun.NewService("hello", cloudrun.WithImage(image), cloudrun.WithTemplateLabel("build", "7"), cloudrun.WithTemplateLabel("team", "b"), cloudrun.WithLabel("team", "a"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"team": "a"}, s.Labels)
	require.Equal(t, map[string]string{"team": "b", "build": "7"}, s.Spec.Template.Labels)
	_, err = cloudrun.NewService("hello", cloudrun.WithImage(image), cloudrun.WithTemplateLabel("Build", "7"))
	require.ErrorContains(t, err, "the key must begin with a lower-case letter")
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.WithTemplateLabel("build", "7"))
		for _, opt := range []cloudrun.DeployOption{cloudrun.WithLabel("team", "a"), cloudrun.WithLabel("team", "b")} {
			r, err := d.Deploy(t.Context(), "hello", opt)
			require.NoError(t, err)
			require.Equal(t, "7", r.Service.Spec.Template.Labels["build"], "a default survives a call that changes the labels")
			require.NotContains(t, r.Service.Labels, "build")
		}
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithoutTemplateLabel("build", "absent"))
		require.NoError(t, err)
		require.NotContains(t, r.Service.Spec.Template.Labels, "build")
		require.Equal(t, "b", r.Service.Spec.Template.Labels["team"])
	})
}
