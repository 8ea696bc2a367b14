// Package cloudrun deploys containers to Cloud Run the way gcloud run deploy
// does, from Go programs:
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
// It collects options into a Knative serving/v1 Service, sends that to Cloud
// Run's regional endpoint, where the Kubernetes namespace is the project, waits
// until the new Revision is ready or has failed, and makes the Service public
// by its IAM policy.
//
// # The pieces
//
// Each of them works alone.
//
//   - [Client] is the API of one project in one region: Services, Revisions,
//     locations, IAM policies. [NewClusterClient] is the same for a namespace of
//     a cluster with Knative Serving.
//   - [NewService] assembles a Service from options without any network.
//   - [Client.UpdateService] edits one without losing anything of it.
//   - [WaitReady] waits for a Service, over a Client or anything else that reads one.
//   - [MakePublic], [MakePrivate], [IsPublic], [AddMember] and [RemoveMember]
//     change the IAM policy of a Service.
//   - [Deployer] puts them together: Deploy, Plan and Apply, Replace, UpdateTraffic,
//     Rollback, PruneRevisions, Delete.
//   - [ParseManifest] and [Client.ExportManifest] read and write YAML and JSON.
//   - Package rollout moves the traffic to a new Revision step by step.
//   - Package cloudruntest is an embedded control plane for tests, package
//     runflags gives a CLI gcloud's flags, package runprogress shows progress.
//
// # Options
//
// A [DeployOption] configures one deployment, a [ServiceOption] edits a Service,
// a [ContainerOption] edits one container; each kind is one of those before it
// as well, so that a misplaced option does not compile. SetX replaces a whole
// collection, WithX adds to it or updates it, WithoutX removes from it, ClearX
// empties it. The order of options never matters, those that contradict each
// other are an error that names both, and all problems are reported at once.
// An option has the same effect on a new Service as on an existing one. The
// documentation of each names its gcloud flag and the field that it sets.
//
// # Updating
//
// A Service may hold what the Knative types do not know. An update therefore
// edits a typed copy and applies the difference to the text that the server
// sent: what the edit does not touch goes back as it came. The write carries the
// resourceVersion that was read; after a conflict, the Service is read and edited
// again. When an answer is lost, it is read to see whether the write took
// effect. One Deploy makes one Revision at most.
//
// # Waiting
//
// A Service is ready if its status says so about the generation that was
// written. An older status does not count. Ready=False counts once it has lasted
// two seconds, because control planes raise false alarms. A Deployer's calls also
// wait until the new Revision receives its traffic. They return an
// [OvertakenError] if another writer changes the Service in the meantime.
//
// [WaitReady] uses the long poll of a Client, or of a type around one; see
// [OperationWaiter].
//
// # Errors
//
// Calls that write return a [*DeployError], which tells the stage that failed and
// whether anything was written. In it are [*OptionError], [*APIError],
// [*NotReadyError], [*TimeoutError], [*OvertakenError], [*PermissionError] and
// [*OrgPolicyError], to be found with [errors.As]. A server's error also is a
// [google.golang.org/api/googleapi.Error] and satisfies the predicates of
// k8s.io/apimachinery/pkg/api/errors, such as IsNotFound.
//
// # Retries
//
// Reads are repeated after lost connections, 429 and 5xx, with exponential
// backoff, jitter and the server's Retry-After, for three minutes at most. Writes
// are repeated where it is certain that the failed one had no effect, or where a
// resourceVersion, an etag or the Service's name keeps a second one from taking effect.
//
// # Authentication
//
// The application default credentials are used unless a
// [google.golang.org/api/option.ClientOption] says otherwise. They go to the
// configured hosts only: no redirect is followed, and plain http is refused but
// for loopback addresses.
//
// # What comes along
//
// The Knative types pull in a good part of Kubernetes' machinery: a program
// that imports this package has some 25 MB, 20 MB when built with -tags
// grpcnotrace, and serves /debug/pprof on [net/http.DefaultServeMux], as one of
// the imported packages registers it. Do not expose that mux to strangers.
package cloudrun
