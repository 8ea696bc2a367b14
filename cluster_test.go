package cloudrun_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	knative "knative.dev/serving/pkg/apis/autoscaling"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// onCluster runs a test in virtual time with a Service of a cluster that was deployed once.
func onCluster(t *testing.T, test func(*testing.T, *cloudruntest.Server, *cloudrun.Deployer), opts ...cloudrun.DeployOption) {
	t.Helper()
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newCluster(t)
		d := cloudrun.NewDeployer(c)
		_, err := d.Deploy(t.Context(), "hello", append([]cloudrun.DeployOption{cloudrun.WithImage(image)}, opts...)...)
		require.NoError(t, err)
		s.ResetHistory()
		test(t, s, d)
	})
}

// kn sets autoscaling.knative.dev/min-scale, which Knative prefers to minScale.
func TestScaleInTheSpellingOfKn(t *testing.T) {
	byKn := cloudrun.EditService(func(s *service) error {
		s.Spec.Template.Annotations = map[string]string{"autoscaling.knative.dev/min-scale": "1", "autoscaling.knative.dev/max-scale": "4"}
		return nil
	})
	onCluster(t, func(t *testing.T, _ *cloudruntest.Server, d *cloudrun.Deployer) {
		scale := func(opts ...cloudrun.DeployOption) (least, most string) {
			r, err := d.Deploy(t.Context(), "hello", opts...)
			require.NoError(t, err)
			_, least, _ = knative.MinScaleAnnotation.Get(r.Service.Spec.Template.Annotations)
			_, most, _ = knative.MaxScaleAnnotation.Get(r.Service.Spec.Template.Annotations)
			return least, most
		}
		least, most := scale(cloudrun.WithMinInstances(2), cloudrun.WithMaxInstances(7))
		require.Equal(t, [2]string{"2", "7"}, [2]string{least, most})
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithMinInstances(2), cloudrun.IfChanged())
		require.NoError(t, err)
		require.Equal(t, cloudrun.Unchanged, r.Action)
		least, most = scale(cloudrun.WithoutMinInstances(), cloudrun.WithoutMaxInstances())
		require.Equal(t, [2]string{}, [2]string{least, most})
	}, byKn)
	require.ErrorContains(t, cloudrun.CheckOptions(cloudrun.WithMinInstances(2), cloudrun.WithTemplateAnnotation("autoscaling.knative.dev/min-scale", "3")), "WithTemplateAnnotation")
}

// A cluster reports the times of creation in seconds.
func TestRevisionsOfOneSecond(t *testing.T) {
	onCluster(t, func(t *testing.T, s *cloudruntest.Server, d *cloudrun.Deployer) {
		s.Script("hello", cloudruntest.Script{TimeToReady: time.Millisecond})
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		for _, suffix := range []string{"c", "a", "b"} {
			_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix(suffix), cloudrun.WithEnv("A", suffix), cloudrun.Async())
			require.NoError(t, err)
			time.Sleep(10 * time.Millisecond)
		}
		all, err := d.Revisions(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, all[0].Created, all[2].Created, "the test is about one second")
		require.Equal(t, []string{"hello-b", "hello-a", "hello-c", "hello-00001"}, revisionNames(all))
		for _, r := range all {
			require.Contains(t, r.ImageDigest, "@sha256:", r.Name)
		}
		back, err := d.Rollback(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, "hello-a", back.Revision)
		pruned, err := d.PruneRevisions(t.Context(), "hello", 2)
		require.NoError(t, err)
		require.Equal(t, []string{"hello-00001", "hello-c"}, revisionNames(pruned))
	})
}

// The Revision that serves is not at fault if another one has the wanted name.
func TestRevisionNameThatIsTaken(t *testing.T) {
	onCluster(t, func(t *testing.T, _ *cloudruntest.Server, d *cloudrun.Deployer) {
		for _, suffix := range []string{"one", "two"} {
			_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix(suffix), cloudrun.WithEnv("A", suffix))
			require.NoError(t, err)
		}
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("one"), cloudrun.WithEnv("A", "three"))
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Empty(t, failed.Revision)
		require.Equal(t, cloudrun.CauseRevisionName, failed.Cause())
		require.Contains(t, failed.Message, `"hello-one" already exists`)
		require.Contains(t, failed.Explain(), "choose another name")
		all, err := d.Revisions(t.Context(), "hello")
		require.NoError(t, err)
		require.Len(t, all, 3)
	})
}

// A container that is not created has a reason but no message. Its image is
// pulled, or a secret is missing.
func TestContainerThatHangs(t *testing.T) {
	onCluster(t, func(t *testing.T, s *cloudruntest.Server, d *cloudrun.Deployer) {
		ready := func(c string) []cloudruntest.Condition {
			return []cloudruntest.Condition{
				{Type: "ConfigurationsReady", Status: "False", Reason: "RevisionFailed", Message: `Revision "hello-00002" failed with message: .`},
				{Type: "Ready", Status: "False", Reason: c, Message: `Configuration "hello" does not have any ready Revision.`},
				{Type: "RoutesReady", Status: "False", Reason: c, Message: `Configuration "hello" does not have any ready Revision.`},
			}
		}
		s.Script("hello", cloudruntest.Script{
			Stages:       []cloudruntest.Stage{{Conditions: ready("RevisionMissing")}},
			FailRevision: &cloudruntest.Failure{Reason: "ContainerCreating", Condition: "ResourcesAvailable", Message: " "},
		})
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "hello-00002", failed.Revision)
		require.Equal(t, cloudrun.CauseContainerStart, failed.Cause())
		require.Equal(t, "ContainerCreating", failed.Reason)
		require.NotContains(t, failed.Explain(), "failed with message")
		require.Contains(t, failed.Explain(), "Why: ContainerCreating")
	})
}

// Knative fills in one default when it creates a Service, but not when it updates one.
func TestReplaceTwiceOnACluster(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newCluster(t)
		d := cloudrun.NewDeployer(c)
		for _, want := range []cloudrun.Action{cloudrun.Created, cloudrun.Unchanged, cloudrun.Unchanged} {
			r, err := d.ReplaceManifest(t.Context(), mustParseManifest(t, manifestContainer("")))
			require.NoError(t, err)
			require.Equal(t, want, r.Action)
		}
		require.Len(t, s.Revisions("default", "hello"), 1)
	})
}
