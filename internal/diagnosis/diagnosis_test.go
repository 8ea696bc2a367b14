package diagnosis_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/diagnosis"
)

// messages are texts of Cloud Run, as its users have reported them, and of Knative Serving, as recorded.
var messages = map[string][]string{
	diagnosis.Image: {
		"Revision 'handle-it-server-00042-fow' is not ready and cannot serve traffic. Image 'gcr.io/handleit/handle-it-server:latest' not found.",
		"Revision 'tiered-web-app-fe' is not ready and cannot serve traffic. Container import failed.",
		"Google Cloud Run Service Agent service-123@serverless-robot-prod.iam.gserviceaccount.com must have permission to read the image, gcr.io/slo/slo-generator:latest. Ensure that the provided container image URL is correct and that the above account has permission to access the image.",
		`denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource "projects/p/locations/us/repositories/r" (or it may not exist)`,
		"Cloud Run does not support image 'gcr.io/p/app': Container manifest type 'application/vnd.oci.image.index.v1+json' must support amd64/linux.",
		`Revision "a-hello-00004" failed with message: Unable to fetch image "127.0.0.1:16450/hello:nope": failed to resolve image to digest: HEAD http://127.0.0.1:16450/v2/hello/manifests/nope: unexpected status code 404 Not Found (HEAD responses have no body, use GET for details).`,
		`Revision "d-pull-00001" failed with message: Back-off pulling image "127.0.0.1:16450/pullfail@sha256:059c": ErrImagePull: not found.`,
	},
	diagnosis.ContainerStart: {
		"Revision 'x-00001-ng9' is not ready and cannot serve traffic. The user-provided container failed to start and listen on the port defined provided by the PORT=8080 environment variable within the allocated timeout. This can happen when the container port is misconfigured or if the timeout is too short. The health check timeout can be extended. Logs for this revision might contain more information.",
		"Cloud Run error: Container failed to start. Failed to start and then listen on the port defined by the PORT environment variable. Logs for this revision might contain more information.",
		"terminated: Application failed to start: failed to load /usr/bin/java: exec format error",
		"Memory limit of 512 MiB exceeded with 516 MiB used. Consider increasing the memory limit, see https://cloud.google.com/run/docs/configuring/memory-limits",
		"The container exited with an error. Container called exit(1).",
		`Revision "g-app-00002" failed with message: Container failed with: boom: image cache not found, the container exits at once.`,
		`Revision "e-hang-00001" failed with message: Initial scale was never achieved.`,
		`Revision "e-hang-00001" failed with message: ReplicaSet "e-hang-00001-deployment-65577c59f5" has timed out progressing..`,
		"Back-off restarting failed container user-container in pod c-crash-00001-deployment",
	},
	diagnosis.HealthCheck: {
		"Revision 'cloudrun-service-healthcheck-t6z2v' is not ready and cannot serve traffic. The user-provided container failed the configured startup probe checks. Logs for this revision might contain more information.",
		"Readiness probe failed: HTTP probe failed with statuscode: 500",
	},
	diagnosis.Quota: {
		"Quota exceeded for total allowable CPU per project per region.",
		"Max instances must be set to 0 or fewer to set the requested total CPU. Quota violated: CpuAllocPerProjectRegion requested: 60000 allowed: 20000",
		"You do not have quota for using GPUs without zonal redundancy.",
		"RESOURCE_EXHAUSTED: too many Revisions are active",
		`Revision "f-unsched-00001" failed with message: 0/1 nodes are available: 1 Insufficient cpu..`,
	},
	diagnosis.Permission: {
		"Permission 'iam.serviceaccounts.actAs' denied on service account runner@p.iam.gserviceaccount.com (or it may not exist).",
		"Google Cloud Run Service Agent does not have permission to get access tokens for the service account 711987267850-compute@developer.gserviceaccount.com.",
	},
	diagnosis.Secret: {
		"Revision 'sams-00001-8m6' is not ready and cannot serve traffic. spec.template.spec.containers[0].env[12].value_from.secret_key_ref.name: Permission denied on secret: projects/p/secrets/SAMS/versions/latest for Revision service account sams-sa@p.iam.gserviceaccount.com.",
		"spec.template.spec.containers[0].env[0].value_from.secret_key_ref.name: Secret projects/123/secrets/db/versions/latest was not found",
		"Secret projects/123/secrets/db/versions/3 is in DISABLED state",
		`secret "db" not found`,
	},
	diagnosis.Routing: {
		`Revision "x-00099" referenced in traffic not found.`,
		"Revision 'cloudrun-srv-green' does not exist or is deleted. Update all traffic to route to currently available revisions.",
	},
	diagnosis.RevisionName: {
		`Revision creation failed with message: revisions.serving.knative.dev "j-named-one" already exists.`,
	},
	diagnosis.Unknown: {
		"",
		"Revision 'x-00001-abc' is not ready and cannot serve traffic.",
		"The service has encountered an internal error. Please try again later. Resource readiness deadline exceeded.",
	},
}

func TestByMessage(t *testing.T) {
	t.Parallel()
	for want, all := range messages {
		for _, message := range all {
			d := diagnosis.CloudRun.Of([]diagnosis.Condition{{Type: "ConfigurationsReady", Reason: "RevisionFailed", Message: message}})
			require.Equal(t, want, d.Cause, message)
			require.Equal(t, want == diagnosis.Unknown && !strings.Contains(message, "internal error"), d.Advice == "", message)

			vague := diagnosis.Condition{Message: "Revision 'x' is not ready and cannot serve traffic."}
			d = diagnosis.CloudRun.Of([]diagnosis.Condition{vague, {Type: "ContainerHealthy", Message: message}})
			if want != diagnosis.Unknown { // then the condition's type counts
				require.Equal(t, want, d.Cause, "only the Revision has the message: %s", message)
			}
		}
	}
}

func TestByReasonAndCondition(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		failed []diagnosis.Condition
		want   string
	}{
		"a reason":                        {[]diagnosis.Condition{{Reason: "HealthCheckContainerError"}}, diagnosis.ContainerStart},
		"an exit code":                    {[]diagnosis.Condition{{Reason: "ExitCode2"}}, diagnosis.ContainerStart},
		"too much memory":                 {[]diagnosis.Condition{{Reason: "ExitCode137"}}, diagnosis.ContainerStart},
		"the message is more specific":    {[]diagnosis.Condition{{Reason: "HealthCheckContainerError", Message: "failed the configured startup probe checks"}}, diagnosis.HealthCheck},
		"a later message before a reason": {[]diagnosis.Condition{{Reason: "ResourceExhausted"}, {Message: "exec format error"}}, diagnosis.ContainerStart},
		"a taken name":                    {[]diagnosis.Condition{{Type: "ConfigurationsReady", Reason: "RevisionFailed"}, {Type: "RoutesReady", Reason: "RevisionNameTaken"}}, diagnosis.RevisionName},
		"a container that hangs":          {[]diagnosis.Condition{{Type: "ConfigurationsReady", Reason: "RevisionFailed"}, {Type: "ResourcesAvailable", Reason: "ContainerCreating"}, {Type: "RoutesReady", Reason: "RevisionMissing"}}, diagnosis.ContainerStart},
		"routes that wait for a Revision": {[]diagnosis.Condition{{Type: "ConfigurationsReady", Reason: "RevisionFailed", Message: `Revision "a" failed with message: .`}, {Type: "RoutesReady", Reason: "RevisionMissing"}}, diagnosis.Unknown},
		"a type":                          {[]diagnosis.Condition{{Type: "RoutesReady", Reason: "NotOwned"}}, diagnosis.Routing},
		"a later reason before a type":    {[]diagnosis.Condition{{Type: "RoutesReady"}, {Reason: "ImagePullBackOff"}}, diagnosis.Image},
		"another type":                    {[]diagnosis.Condition{{Type: "Ready"}}, diagnosis.Unknown},
		"nothing at all":                  {nil, diagnosis.Unknown},
	} {
		require.Equal(t, tc.want, diagnosis.CloudRun.Of(tc.failed).Cause, name)
	}
	oom := diagnosis.CloudRun.Of([]diagnosis.Condition{{Reason: "ExitCode137"}})
	require.Contains(t, oom.Advice, "memory limit", "more specific than any other exit code")
}

func TestDeniedSecrets(t *testing.T) {
	t.Parallel()
	message := "env[0]: Permission denied on secret: projects/1/secrets/a/versions/latest for Revision service account sa@p.iam.gserviceaccount.com. " +
		"env[1]: Permission denied on secret: projects/1/secrets/b/versions/latest for Revision service account sa@p.iam.gserviceaccount.com;"
	require.Equal(t, []diagnosis.DeniedSecret{
		{Secret: "projects/1/secrets/a/versions/latest", ServiceAccount: "sa@p.iam.gserviceaccount.com"},
		{Secret: "projects/1/secrets/b/versions/latest", ServiceAccount: "sa@p.iam.gserviceaccount.com"},
	}, diagnosis.DeniedSecrets([]diagnosis.Condition{{Message: message}, {Message: message}}))
	require.Nil(t, diagnosis.DeniedSecrets([]diagnosis.Condition{{Message: "something else"}}))
}

func TestSplitLinks(t *testing.T) {
	t.Parallel()
	const log, help = "https://console.example/logs?a=b", "https://cloud.google.com/run/docs/troubleshooting#start"
	for message, want := range map[string][3]string{
		"":                                 {},
		"It broke.":                        {"It broke."},
		"It broke. Logs URL: " + log + ".": {"It broke.", log},
		"It broke. Log URL: " + log + " For more troubleshooting guidance, see " + help: {"It broke.", log, help},
		"For more troubleshooting guidance, see " + help + ", or ask":                   {" or ask", "", help},
	} {
		text, l, h := diagnosis.SplitLinks(message)
		require.Equal(t, want, [3]string{text, l, h}, message)
	}
}

// The sentences that every failure has are left out, unless nothing else remains.
func TestEssence(t *testing.T) {
	t.Parallel()
	const boilerplate = "Revision 'hello-00001-abc' is not ready and cannot serve traffic."
	for message, want := range map[string]string{
		"":          "",
		boilerplate: boilerplate,
		boilerplate + " Image 'gcr.io/demo/x' not found.":                                                        "Image 'gcr.io/demo/x' not found.",
		boilerplate + " It broke. Logs for this revision might contain more information. Logs URL: https://l/?a": "It broke.",
		"The revision says: " + boilerplate:                                                                      "The revision says: " + boilerplate,
	} {
		require.Equal(t, want, diagnosis.Essence(message), message)
	}
}

// What only Cloud Run has is no advice for a cluster.
func TestAdviceOnACluster(t *testing.T) {
	t.Parallel()
	var all []diagnosis.Condition
	for _, texts := range messages {
		for _, message := range texts {
			all = append(all, diagnosis.Condition{Message: message})
		}
	}
	for _, reason := range []string{"ContainerMissing", "ContainerImageUnauthorized", "ContainerImageAuthorizationCheckFailed", "SecretsAccessCheckFailed", "CreateContainerConfigError",
		"EncryptionKeyPermissionDenied", "EncryptionKeyCheckFailed", "ResourceExhausted", "Unschedulable", "ContainerCreating", "RevisionNameTaken", "CrashLoopBackOff"} {
		all = append(all, diagnosis.Condition{Reason: reason})
	}
	differ := 0
	for _, c := range all {
		there, here := diagnosis.Cluster.Of([]diagnosis.Condition{c}), diagnosis.CloudRun.Of([]diagnosis.Condition{c})
		require.Equal(t, here.Cause, there.Cause)
		for _, word := range []string{"Cloud Run", "service agent", "region", "cloud.google", "roles/", "Binary"} {
			require.NotContains(t, there.Advice, word, c)
		}
		if there != here {
			differ++
		}
	}
	require.Greater(t, differ, 10)
	require.Contains(t, diagnosis.Cluster.Of([]diagnosis.Condition{{Reason: "ImagePullBackOff"}}).Advice, "imagePullSecrets")
}
