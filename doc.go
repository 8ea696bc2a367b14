// Package cloudrun deploys containers to Cloud Run as gcloud run deploy does,
// from Go programs:
//
//	client, err := cloudrun.NewClient(ctx, "my-project", "us-central1")
//	if err != nil {
//		return err
//	}
//	result, err := cloudrun.NewDeployer(client).Deploy(ctx, "hello",
//		cloudrun.WithImage("gcr.io/cloudrun/hello"),
//		cloudrun.WithMemory("512Mi"),
//		cloudrun.WithPublicAccess())
//	if err != nil {
//		return err
//	}
//	fmt.Println(result.URL)
//
// Deploy creates the Service or updates it. It builds a Knative serving/v1
// Service from the options, sends it to Cloud Run's regional endpoint, waits
// until the new Revision is ready or has failed, and grants public access.
//
// # Authentication
//
// A [Client] uses the application default credentials unless a
// [google.golang.org/api/option.ClientOption] overrides them. It sends them only
// to the configured hosts. It follows no redirects, and rejects plain http
// except for loopback addresses.
//
// # The pieces
//
// Each piece works alone.
//
//   - [Client] is the API of one project in one region: Services, Revisions,
//     locations and IAM policies. [NewClusterClient] returns one for a namespace
//     of a cluster with Knative Serving.
//   - [NewService] builds a Service from options, without the network.
//   - [Client.Logs] reads and follows the logs of a Service or a Revision.
//   - [Client.UpdateService] edits a Service and preserves the rest of it.
//   - [WaitReady] waits for a Service, with a Client or any other [ServiceGetter].
//   - [MakePublic], [MakePrivate], [IsPublic], [AddMember] and [RemoveMember]
//     read and change the IAM policy of a Service.
//   - [Deployer] combines them: Deploy, Plan and Apply, Replace, UpdateTraffic,
//     Rollback, PruneRevisions, Delete.
//   - [ParseManifest] and [Client.ExportManifest] read and write YAML and JSON.
//   - Package rollout moves the traffic to a new Revision step by step.
//   - Package cloudruntest is an embedded control plane for tests. Package
//     runflags adds gcloud's flags to a CLI, package runprogress shows progress.
//
// # Options
//
// A [DeployOption] configures one deployment, and a [ServiceOption] edits a
// Service. A [WorkloadOption] edits what Services have in common with other
// workloads, and a [ContainerOption] edits one container. A more specific option
// is accepted wherever a more general one is, and a misplaced option does not
// compile. A [CallOption], for waiting and progress, is accepted by every call of
// a Deployer.
//
// SetX replaces a whole collection, WithX adds to it or updates it, WithoutX
// removes from it, and ClearX empties it. The order of options does not matter.
// Options that contradict each other are an error that names both, and problems
// are reported together. An option has the same effect on a new Service
// and on an existing one. Its documentation names the gcloud flag and the field
// that it sets.
//
// By subject; docs/options.md has their flags, their fields and their effects:
//
//   - containers: [WithImage], [WithoutSource], [WithCommand], [WithoutCommand], [WithArgs], [WithoutArgs],
//     [WithPort], [WithoutPort], [WithHTTP2], [WithCPU], [WithMemory], [WithGPU], [WithoutGPU], [WithStartupProbe],
//     [WithoutStartupProbe], [WithLivenessProbe], [WithoutLivenessProbe], [WithReadinessProbe],
//     [WithoutReadinessProbe], [WithContainer], [SetContainer], [WithoutContainer], [SetDependsOn],
//     [ClearDependsOn], [EditContainer]
//   - environment variables and secrets: [WithEnv], [SetEnv], [WithoutEnv], [ClearEnv], [WithSecretEnv],
//     [WithSecretFile], [SetSecrets], [WithoutSecret], [ClearSecrets]
//   - volumes: [WithVolume], [WithoutVolume], [ClearVolumes], [WithVolumeMount], [WithoutVolumeMount],
//     [ClearVolumeMounts]
//   - serving and scaling: [WithConcurrency], [WithoutConcurrency], [WithRequestTimeout],
//     [WithMinInstances], [WithoutMinInstances], [WithMaxInstances], [WithoutMaxInstances],
//     [WithServiceMinInstances], [WithoutServiceMinInstances], [WithServiceMaxInstances],
//     [WithoutServiceMaxInstances], [WithManualScaling], [WithAutomaticScaling], [WithSessionAffinity],
//     [WithDeployHealthCheck], [WithRevisionSuffix]
//   - hardware: [WithGPUType], [WithGPUZonalRedundancy], [WithCPUThrottling], [WithCPUBoost],
//     [WithExecutionEnvironment]
//   - network: [WithIngress], [WithDefaultURL], [WithVPCConnector], [WithoutVPCConnector],
//     [WithVPCEgress], [WithNetwork], [WithoutNetwork], [WithSubnet], [WithoutSubnet], [SetNetworkTags],
//     [ClearNetworkTags], [ClearNetwork], [WithMesh], [WithoutMesh], [WithCloudSQL], [WithoutCloudSQL],
//     [SetCloudSQL], [ClearCloudSQL]
//   - security: [WithServiceAccount], [WithInvokerIAMCheck], [WithIAP], [WithBinaryAuthorization],
//     [WithoutBinaryAuthorization], [WithBreakglass], [WithEncryptionKey], [WithoutEncryptionKey],
//     [WithPostKeyRevocationAction], [WithoutPostKeyRevocationAction], [WithEncryptionKeyShutdownHours],
//     [WithoutEncryptionKeyShutdownHours], [WithCustomAudiences], [WithoutCustomAudiences],
//     [SetCustomAudiences], [ClearCustomAudiences]
//   - metadata: [WithLabel], [SetLabels], [WithoutLabel], [ClearLabels], [WithAnnotation],
//     [WithoutAnnotation], [WithTemplateAnnotation], [WithoutTemplateAnnotation], [WithTemplateLabel],
//     [WithoutTemplateLabel], [WithDescription], [WithLaunchStage], [SetRegions], [EditService]
//   - a deployment: [WithNoTraffic], [WithNoTrafficIfExists], [ToLatest], [WithTag], [WithPublicAccess],
//     [WithoutPublicAccess], [IfChanged], [WithClient], [WithRunID],
//     [WithPreflight], [CheckImage], [PinImage]
//   - every call of a Deployer: [Async], [WithWaitTimeout], [WithProgress], [WithFailureWindow],
//     [WithPollInterval], [WithLogLines]
//   - [WaitReady]: [WithGeneration]
//   - [Deployer.UpdateTraffic]: [ToRevision], [ToTag], [SetTags], [WithTagOn], [WithoutTag], [ClearTags],
//     [EditTraffic]
//   - [Deployer.Plan] and previews: [RevealValues], [WithoutDryRun], [DryRun]
//   - [Deployer.Rollback]: [RollbackTo], [RollbackToTraffic]
//   - [Deployer.Delete]: [IfExists]
//   - lists: [WithService], [WithLabelSelector], [WithPageSize], and as with [Deployer.PruneRevisions]: [OlderThan]
//   - [Client.Logs]: [LogsOfService], [LogsOfRevision], [LogsSince], [FollowLogs]
//   - [ParseManifest]: [ForCluster], [AllowUnknownFields]
//   - [AddMember]: [WithCondition]
//
// # Errors
//
// Calls that write return a [*DeployError]. It names the stage that failed and
// reports whether anything was written. It wraps the cause, which [errors.As]
// finds: [*OptionError], [*APIError], [*NotReadyError], [*TimeoutError],
// [*OvertakenError], [*PermissionError] or [*OrgPolicyError]. A [*PermissionError]
// has the missing permission, the account without it (see [WithPrincipal]), and the
// gcloud command that grants it. An error of the server is also a [google.golang.org/api/googleapi.Error], and satisfies the
// predicates of k8s.io/apimachinery/pkg/api/errors, such as IsNotFound.
//
// # Updates
//
// A Service may have fields that the Knative types do not know. An update
// therefore edits a typed copy and applies the difference to the text that the
// server sent, so everything else is preserved. The write carries the
// resourceVersion of the read. After a conflict, the Service is read and edited
// again. If a response is lost, the Service is read to find out whether the
// write took effect. One Deploy makes at most one Revision.
//
// [Deployer.Plan] returns what a Deploy would change, and changes nothing. For
// the same purpose, ReplaceManifest, Rollback, PruneRevisions and single writes
// accept [DryRun].
//
// # Waiting
//
// A Service is ready if its status says so for the generation that was written.
// An older status does not count. Ready=False counts once it has lasted two
// seconds, because control planes raise false alarms. A Deployer's calls also
// wait until the new Revision receives its traffic. They return an
// [OvertakenError] if another writer changes the Service in the meantime.
//
// [WaitReady] uses the long poll of a Client of Cloud Run and the watch of a
// Client of a cluster, also those of a type that wraps one; see [OperationWaiter]
// and [ServiceWatcher].
//
// # Retries
//
// Reads are retried after lost connections, 429 and 5xx, with exponential
// backoff and jitter, for up to three minutes in a call. Retry-After is honored. Writes are
// retried if the failed one certainly had no effect, or if a resourceVersion, an
// etag or the Service's name prevents a second effect.
//
// # Logs, traces and metrics
//
// Events, results and errors have attributes for [log/slog] and JSON with the same
// names. [LogProgress] logs the events of a call. Spans and metrics of
// OpenTelemetry go to the global providers, or to those of [WithTracerProvider] and
// [WithMeterProvider]: each call has a span with its stages, retries and requests.
//
// # Program size
//
// The Knative types bring much of the Kubernetes libraries with them: a program
// that imports this package is 38 MiB in size, 27 MiB stripped, and 21 MiB
// stripped and built with -tags grpcnotrace. One of the imported packages also
// registers /debug/pprof on [net/http.DefaultServeMux]. Do not expose that mux to
// strangers.
package cloudrun
