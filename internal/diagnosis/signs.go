package diagnosis

import "strings"

// The causes.
const (
	Unknown        = "unknown"
	Image          = "image pull"
	ContainerStart = "container start"
	HealthCheck    = "health check"
	Quota          = "quota"
	Permission     = "permission"
	Secret         = "secret access"
	Routing        = "routing"
	RevisionName   = "revision name"
)

// Diagnosis is a cause and the way out; the advice is empty if none is known.
type Diagnosis struct{ Cause, Advice string }

const (
	adviceImage    = "check the name of the image and its tag, and that Cloud Run's service agent may read it (roles/artifactregistry.reader on the repository)"
	advicePlatform = "build the image for linux/amd64, as with docker build --platform=linux/amd64"
	adviceListen   = "make the ingress container listen on 0.0.0.0 at the port in the variable PORT soon after it starts; its log says why it did not"
	adviceLog      = "read in the log what the container wrote before it exited, or run the image locally"
	adviceMemory   = "raise the memory limit, or make the container use less"
	adviceCreate   = "look at the events of its pod: the image may take long to pull, or a volume, a secret or a config map may be missing"
	adviceName     = "choose another name for the revision, or none: a name can be used only once"
	adviceProbe    = "check the path and the port of the probe, and give the container more time with a higher failure threshold or period"
	adviceQuota    = "use fewer instances, less CPU or less memory, request more quota, or use another region: https://cloud.google.com/run/quotas"
	adviceCluster  = "the cluster has no node with enough free CPU and memory: request less, or add nodes"
	adviceGrant    = "grant the account named in the message the permission named there"
	adviceSecret   = "grant the Revision's service account roles/secretmanager.secretAccessor on the secret"
	adviceNoSecret = "create the secret and a version of it, or correct its name and version"
	adviceTraffic  = "send the traffic to Revisions that exist and are ready"
	adviceInternal = "try again; if it fails again, check that Cloud Run's service agent has roles/run.serviceAgent"
)

// sign identifies a message of Cloud Run or Knative.
type sign struct {
	words []string // in lower case; all of them must occur
	Diagnosis
}

// signs are the known signs. The first match counts, so the most specific ones
// come first.
var signs = []sign{
	{[]string{"revision creation failed", "already exists"}, Diagnosis{RevisionName, adviceName}},
	{[]string{"permission denied on secret"}, Diagnosis{Secret, adviceSecret}},
	{[]string{"secretmanager.versions.access"}, Diagnosis{Secret, adviceSecret}},
	{[]string{"/secrets/", "not found"}, Diagnosis{Secret, adviceNoSecret}},
	{[]string{"/secrets/", "state"}, Diagnosis{Secret, adviceNoSecret}},
	{[]string{"secret \"", "not found"}, Diagnosis{Secret, adviceNoSecret}},
	{[]string{"exec format error"}, Diagnosis{ContainerStart, advicePlatform}},
	{[]string{"memory limit", "exceeded"}, Diagnosis{ContainerStart, adviceMemory}},
	{[]string{"oomkilled"}, Diagnosis{ContainerStart, adviceMemory}},
	{[]string{"container failed with"}, Diagnosis{ContainerStart, adviceLog}},
	{[]string{"must support amd64"}, Diagnosis{Image, advicePlatform}},
	{[]string{"permission to read the image"}, Diagnosis{Image, adviceImage}},
	{[]string{"artifactregistry.repositories.downloadartifacts"}, Diagnosis{Image, adviceImage}},
	{[]string{"image", "not found"}, Diagnosis{Image, adviceImage}},
	{[]string{"unable to fetch image"}, Diagnosis{Image, adviceImage}},
	{[]string{"pulling image"}, Diagnosis{Image, adviceImage}},
	{[]string{"imagepull"}, Diagnosis{Image, adviceImage}},
	{[]string{"container import failed"}, Diagnosis{Image, adviceImage}},
	{[]string{"failed to import"}, Diagnosis{Image, adviceImage}},
	{[]string{"does not support image"}, Diagnosis{Image, adviceImage}},
	{[]string{"quota"}, Diagnosis{Quota, adviceQuota}},
	{[]string{"resource_exhausted"}, Diagnosis{Quota, adviceQuota}},
	{[]string{"nodes are available"}, Diagnosis{Quota, adviceCluster}},
	{[]string{"failed the configured", "probe"}, Diagnosis{HealthCheck, adviceProbe}},
	{[]string{"probe failed"}, Diagnosis{HealthCheck, adviceProbe}},
	{[]string{"listen on the port"}, Diagnosis{ContainerStart, adviceListen}},
	{[]string{"failed to start"}, Diagnosis{ContainerStart, adviceLog}},
	{[]string{"container called exit"}, Diagnosis{ContainerStart, adviceLog}},
	{[]string{"container exited"}, Diagnosis{ContainerStart, adviceLog}},
	{[]string{"back-off restarting"}, Diagnosis{ContainerStart, adviceLog}},
	{[]string{"initial scale was never achieved"}, Diagnosis{ContainerStart, adviceListen}},
	{[]string{"timed out progressing"}, Diagnosis{ContainerStart, adviceListen}},
	{[]string{"permission", "denied"}, Diagnosis{Permission, adviceGrant}},
	{[]string{"does not have permission"}, Diagnosis{Permission, adviceGrant}},
	{[]string{"referenced in traffic not found"}, Diagnosis{Routing, adviceTraffic}},
	{[]string{"update all traffic to route"}, Diagnosis{Routing, adviceTraffic}},
	{[]string{"resource readiness deadline exceeded"}, Diagnosis{Unknown, adviceInternal}},
}

// named is the diagnosis of something with a fixed name.
type named struct {
	name string
	Diagnosis
}

// reasons are the machine-readable ones. They are less specific than messages,
// and often absent.
var reasons = []named{
	{"RevisionNameTaken", Diagnosis{RevisionName, adviceName}},
	{"ContainerMissing", Diagnosis{Image, adviceImage}},
	{"ContainerPermissionDenied", Diagnosis{Image, adviceImage}},
	{"ContainerImageUnauthorized", Diagnosis{Image, "the image does not pass the Binary Authorization policy: sign it, or change the policy"}},
	{"ContainerImageAuthorizationCheckFailed", Diagnosis{Image, "the Binary Authorization policy could not be checked: try again"}},
	{"ImagePullBackOff", Diagnosis{Image, adviceImage}},
	{"ErrImagePull", Diagnosis{Image, adviceImage}},
	{"InvalidImageName", Diagnosis{Image, adviceImage}},
	{"SecretsAccessCheckFailed", Diagnosis{Secret, adviceSecret}},
	{"CreateContainerConfigError", Diagnosis{Secret, adviceNoSecret}},
	{"EncryptionKeyPermissionDenied", Diagnosis{Permission, "grant Cloud Run's service agent roles/cloudkms.cryptoKeyEncrypterDecrypter on the key"}},
	{"EncryptionKeyCheckFailed", Diagnosis{Permission, "check that the encryption key exists, is enabled, and that Cloud Run's service agent may use it"}},
	{"HealthCheckContainerError", Diagnosis{ContainerStart, adviceListen}},
	{"CrashLoopBackOff", Diagnosis{ContainerStart, adviceLog}},
	{"CreateContainerError", Diagnosis{ContainerStart, adviceLog}},
	{"ContainerCreating", Diagnosis{ContainerStart, adviceCreate}},
	{"PodInitializing", Diagnosis{ContainerStart, adviceCreate}},
	{"RunContainerError", Diagnosis{ContainerStart, adviceLog}},
	{"OOMKilled", Diagnosis{ContainerStart, adviceMemory}},
	{"ExitCode137", Diagnosis{ContainerStart, adviceMemory}},
	{"ProgressDeadlineExceeded", Diagnosis{ContainerStart, adviceListen}},
	{"ResourceExhausted", Diagnosis{Quota, adviceQuota}},
	{"ResourcesUnavailable", Diagnosis{Quota, adviceQuota}},
	{"ActiveRevisionLimitReached", Diagnosis{Quota, "delete Revisions that are no longer needed, or split traffic over fewer"}},
	{"Unschedulable", Diagnosis{Quota, adviceCluster}},
	{"PermissionDenied", Diagnosis{Permission, adviceGrant}},
}

const (
	configurationsReady = "ConfigurationsReady"
	routesReady         = "RoutesReady"
)

// conditions are the types of conditions whose failure alone identifies the cause.
var conditions = []named{
	{"ContainerReady", Diagnosis{Image, adviceImage}},
	{"ContainerHealthy", Diagnosis{ContainerStart, adviceLog}},
	{routesReady, Diagnosis{Routing, adviceTraffic}},
}

// clusterAdvice returns the advice for a cluster in place of the one for Cloud
// Run. It is empty if only Cloud Run has what the advice is about.
func clusterAdvice(advice string) string {
	switch advice {
	case adviceImage:
		return "check the name of the image and its tag, and that the revision's service account has the imagePullSecrets to read it"
	case advicePlatform:
		return "build the image for the platform of the cluster's nodes, as with docker build --platform=linux/amd64"
	case adviceQuota:
		return "use fewer instances, less CPU or less memory, or raise the ResourceQuota of the namespace"
	case adviceSecret, adviceNoSecret:
		return "create the Secret or the ConfigMap in the namespace of the service, or correct its name and key"
	case adviceInternal:
		return "try again; if it fails again, look at the events of the revision and at the log of Knative's controller"
	}
	if strings.Contains(advice, "Cloud Run") || strings.Contains(advice, "Binary Authorization") {
		return ""
	}
	return advice
}
