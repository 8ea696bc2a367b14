package cloudrun_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// failureMessages has a message for each cause; internal/diagnosis has all of them.
var failureMessages = map[cloudrun.Cause]string{
	cloudrun.CauseImage:          "Revision 'handle-it-server-00042-fow' is not ready and cannot serve traffic. Image 'gcr.io/handleit/handle-it-server:latest' not found.",
	cloudrun.CauseContainerStart: "Revision 'x-00001-ng9' is not ready and cannot serve traffic. The user-provided container failed to start and listen on the port defined provided by the PORT=8080 environment variable within the allocated timeout. This can happen when the container port is misconfigured or if the timeout is too short. The health check timeout can be extended. Logs for this revision might contain more information.",
	cloudrun.CauseHealthCheck:    "Revision 'cloudrun-service-healthcheck-t6z2v' is not ready and cannot serve traffic. The user-provided container failed the configured startup probe checks. Logs for this revision might contain more information.",
	cloudrun.CauseQuota:          "Quota exceeded for total allowable CPU per project per region.",
	cloudrun.CausePermission:     "Permission 'iam.serviceaccounts.actAs' denied on service account runner@p.iam.gserviceaccount.com (or it may not exist).",
	cloudrun.CauseSecret:         "Revision 'sams-00001-8m6' is not ready and cannot serve traffic. spec.template.spec.containers[0].env[12].value_from.secret_key_ref.name: Permission denied on secret: projects/p/secrets/SAMS/versions/latest for Revision service account sams-sa@p.iam.gserviceaccount.com.",
	cloudrun.CauseRouting:        `Revision "x-00099" referenced in traffic not found.`,
	cloudrun.CauseUnknown:        "",
}

func TestCauseByMessage(t *testing.T) {
	t.Parallel()
	for want, message := range failureMessages {
		e := cloudrun.NotReadyError{Service: "hello", Condition: "ConfigurationsReady", Reason: "RevisionFailed", Message: message}
		require.Equal(t, want, e.Cause(), message)
		require.NotContains(t, e.Error(), "\n")

		said := cloudrun.Condition{Type: "ContainerHealthy", Status: corev1.ConditionFalse, Message: message}
		e = cloudrun.NotReadyError{Service: "hello", Message: "Revision 'x' is not ready and cannot serve traffic.", RevisionConditions: []cloudrun.Condition{said}}
		if want != cloudrun.CauseUnknown { // the condition's type decides
			require.Equal(t, want, e.Cause(), "only the Revision has the message: %s", message)
		}
	}
}

func TestCauseByReasonAndCondition(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  cloudrun.NotReadyError
		want cloudrun.Cause
	}{
		"a reason":                       {cloudrun.NotReadyError{Reason: "HealthCheckContainerError"}, cloudrun.CauseContainerStart},
		"a reason of the image":          {cloudrun.NotReadyError{Reason: "ContainerMissing", Message: "."}, cloudrun.CauseImage},
		"an exit code":                   {cloudrun.NotReadyError{Reason: "ExitCode2"}, cloudrun.CauseContainerStart},
		"too much memory":                {cloudrun.NotReadyError{Reason: "ExitCode137"}, cloudrun.CauseContainerStart},
		"quota":                          {cloudrun.NotReadyError{Reason: "ResourceExhausted"}, cloudrun.CauseQuota},
		"secrets":                        {cloudrun.NotReadyError{Reason: "SecretsAccessCheckFailed"}, cloudrun.CauseSecret},
		"the message knows better":       {cloudrun.NotReadyError{Reason: "HealthCheckContainerError", Message: "failed the configured startup probe checks"}, cloudrun.CauseHealthCheck},
		"routing, by the condition":      {cloudrun.NotReadyError{Condition: "RoutesReady", Reason: "NotOwned"}, cloudrun.CauseRouting},
		"a Revision's reason":            {revisionFailure("ResourcesAvailable", "ImagePullBackOff", corev1.ConditionFalse), cloudrun.CauseImage},
		"a Revision's condition":         {revisionFailure("ContainerReady", "", corev1.ConditionFalse), cloudrun.CauseImage},
		"a Revision's fine condition":    {revisionFailure("ContainerReady", "", corev1.ConditionTrue), cloudrun.CauseUnknown},
		"nothing at all":                 {cloudrun.NotReadyError{}, cloudrun.CauseUnknown},
		"conditions of the Service only": {cloudrun.NotReadyError{Conditions: revisionFailure("RoutesReady", "", corev1.ConditionFalse).RevisionConditions}, cloudrun.CauseRouting},
	} {
		require.Equal(t, tc.want, tc.err.Cause(), name)
		require.NotEmpty(t, tc.err.Explain(), name)
	}
}

func revisionFailure(condition, reason string, status corev1.ConditionStatus) cloudrun.NotReadyError {
	c := cloudrun.Condition{Type: apis.ConditionType(condition), Status: status, Reason: reason}
	return cloudrun.NotReadyError{RevisionConditions: []cloudrun.Condition{c}}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]cloudrun.NotReadyError{
		"start": {Service: "hello", Revision: "hello-00002-abc", Condition: "ConfigurationsReady", Reason: "HealthCheckContainerError",
			Message: failureMessages[cloudrun.CauseContainerStart] + " Logs URL: https://console.example/logs?a=b For more troubleshooting guidance, see https://cloud.google.com/run/docs/troubleshooting#container-failed-to-start"},
		"secrets": {Service: "hello", Revision: "hello-00001-abc", LogURL: "https://console.example/logs",
			Message: "Permission denied on secret: projects/1/secrets/user/versions/latest for Revision service account 1-compute@developer.gserviceaccount.com. The service account used must be granted the 'Secret Manager Secret Accessor' role.\nspec: Permission denied on secret: projects/1/secrets/pass/versions/2 for Revision service account 1-compute@developer.gserviceaccount.com."},
		"routing": {Service: "hello", Condition: "RoutesReady", Reason: "RevisionMissing", Message: `Revision "x-00099" referenced in traffic not found.`},
		"unknown": {Service: "hello"},
		"hostile": {Service: "hello", Message: "\x1b[2J\x07bell\r\nand a\u202eturn", Reason: "\x1b]0;title\x07", LogURL: "https://x/\x1b[31m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := e.Explain()
			golden := filepath.Join("testdata", "explain", name+".txt")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
			require.NotContains(t, strings.ReplaceAll(got, "\n", ""), "\x1b")
			require.False(t, strings.ContainsFunc(strings.ReplaceAll(got, "\n", ""), unicode.IsControl))
		})
	}
}

func TestExplainIsBounded(t *testing.T) {
	t.Parallel()
	e := cloudrun.NotReadyError{Service: "hello", Message: strings.Repeat("never-ending ", 1<<20), Revision: strings.Repeat("r", 1<<20), LogURL: strings.Repeat("l", 1<<20)}
	require.Less(t, len(e.Explain()), 20<<10)
}

func TestDeniedSecrets(t *testing.T) {
	t.Parallel()
	e := cloudrun.NotReadyError{Message: "env[0]: Permission denied on secret: projects/1/secrets/a/versions/latest for Revision service account sa@p.iam.gserviceaccount.com. " +
		"env[1]: Permission denied on secret: projects/1/secrets/b/versions/latest for Revision service account sa@p.iam.gserviceaccount.com."}
	e.Conditions = []cloudrun.Condition{{Status: corev1.ConditionFalse, Message: e.Message}}
	require.Equal(t, []cloudrun.DeniedSecret{
		{Secret: "projects/1/secrets/a/versions/latest", ServiceAccount: "sa@p.iam.gserviceaccount.com"},
		{Secret: "projects/1/secrets/b/versions/latest", ServiceAccount: "sa@p.iam.gserviceaccount.com"},
	}, e.DeniedSecrets())
	require.Equal(t, cloudrun.CauseSecret, e.Cause())
	require.Empty(t, (&cloudrun.NotReadyError{Message: "something else"}).DeniedSecrets())
}

// TestFailedDeployIsExplained covers causes that only the Revision's conditions have, and logs that only the message names.
func TestFailedDeployIsExplained(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		fail := func(f cloudruntest.Failure) *cloudrun.NotReadyError {
			s.Script("hello", cloudruntest.Script{TimeToReady: 3 * time.Second, FailRevision: &f})
			_, err := d.Deploy(t.Context(), "hello")
			var failed *cloudrun.NotReadyError
			require.ErrorAs(t, err, &failed)
			return failed
		}
		hidden := fail(cloudruntest.Failure{Hidden: true, Reason: "ContainerMissing", Message: "Image 'gcr.io/x/y' not found."})
		require.Equal(t, cloudrun.CauseImage, hidden.Cause())
		require.Contains(t, hidden.Explain(), "image pull")
		require.Contains(t, hidden.Explain(), hidden.LogURL)
		require.Contains(t, hidden.LogURL, "revision_name/"+hidden.Revision)

		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("PASSWORD", "hunter2hunter2"))
		require.Error(t, err)
		secret := fail(cloudruntest.Failure{Reason: "Boom", Message: "It broke.", LogURL: "https://console.example/log?password=hunter2hunter2"})
		require.NotContains(t, secret.LogURL+secret.Error()+secret.Explain(), "hunter2")

		s.Fault(cloudruntest.Fault{Path: "/revisions/", Status: 403, Times: -1})
		told := fail(cloudruntest.Failure{Message: "It broke. Logs URL: https://console.example/log."})
		require.Equal(t, "https://console.example/log", told.LogURL, "the Revision cannot be read")
	})
}
