package cloudrun

// diagnosis is a cause and the way out.
type diagnosis struct {
	cause  Cause
	advice string
}

const (
	adviceImage    = "check the name of the image and its tag, and that Cloud Run's service agent may read it (roles/artifactregistry.reader on the repository)"
	advicePlatform = "build the image for linux/amd64, as with docker build --platform=linux/amd64"
	adviceListen   = "have the ingress container listen on 0.0.0.0 at the port in the variable PORT soon after its start; its log tells why it did not"
	adviceLog      = "look into the log for what the container wrote before it ended, and run the image locally"
	adviceMemory   = "raise the memory limit with WithMemory, or have the container need less"
	adviceProbe    = "check the path and the port of the probe, and give the container more time with a higher failure threshold or period"
	adviceQuota    = "ask for fewer instances, less CPU or less memory, ask for more quota, or take another region: https://cloud.google.com/run/quotas"
	adviceCluster  = "the cluster has no node with enough free CPU and memory: ask for less, or add nodes"
	adviceGrant    = "grant the account named in the message the permission named there"
	adviceSecret   = "grant the Revision's service account roles/secretmanager.secretAccessor on the secret"
	adviceNoSecret = "create the secret and a version of it, or correct its name and version"
	adviceTraffic  = "send the traffic to Revisions that exist and are ready, with Deployer.UpdateTraffic"
	adviceInternal = "try again; if it stays, check that Cloud Run's service agent has roles/run.serviceAgent"
)

// failureSigns are what messages of Cloud Run and of Knative are known by, in lower
// case: all the words of one must occur. The first that fits counts, so the
// telling ones come first.
var failureSigns = []struct {
	words []string
	diagnosis
}{
	{[]string{"permission denied on secret"}, diagnosis{CauseSecret, adviceSecret}},
	{[]string{"secretmanager.versions.access"}, diagnosis{CauseSecret, adviceSecret}},
	{[]string{"/secrets/", "not found"}, diagnosis{CauseSecret, adviceNoSecret}},
	{[]string{"/secrets/", "state"}, diagnosis{CauseSecret, adviceNoSecret}},
	{[]string{"secret \"", "not found"}, diagnosis{CauseSecret, adviceNoSecret}},
	{[]string{"exec format error"}, diagnosis{CauseContainerStart, advicePlatform}},
	{[]string{"memory limit", "exceeded"}, diagnosis{CauseContainerStart, adviceMemory}},
	{[]string{"oomkilled"}, diagnosis{CauseContainerStart, adviceMemory}},
	{[]string{"container failed with"}, diagnosis{CauseContainerStart, adviceLog}},
	{[]string{"must support amd64"}, diagnosis{CauseImage, advicePlatform}},
	{[]string{"permission to read the image"}, diagnosis{CauseImage, adviceImage}},
	{[]string{"artifactregistry.repositories.downloadartifacts"}, diagnosis{CauseImage, adviceImage}},
	{[]string{"image", "not found"}, diagnosis{CauseImage, adviceImage}},
	{[]string{"unable to fetch image"}, diagnosis{CauseImage, adviceImage}},
	{[]string{"pulling image"}, diagnosis{CauseImage, adviceImage}},
	{[]string{"imagepull"}, diagnosis{CauseImage, adviceImage}},
	{[]string{"container import failed"}, diagnosis{CauseImage, adviceImage}},
	{[]string{"failed to import"}, diagnosis{CauseImage, adviceImage}},
	{[]string{"does not support image"}, diagnosis{CauseImage, adviceImage}},
	{[]string{"quota"}, diagnosis{CauseQuota, adviceQuota}},
	{[]string{"resource_exhausted"}, diagnosis{CauseQuota, adviceQuota}},
	{[]string{"nodes are available"}, diagnosis{CauseQuota, adviceCluster}},
	{[]string{"failed the configured", "probe"}, diagnosis{CauseHealthCheck, adviceProbe}},
	{[]string{"probe failed"}, diagnosis{CauseHealthCheck, adviceProbe}},
	{[]string{"listen on the port"}, diagnosis{CauseContainerStart, adviceListen}},
	{[]string{"failed to start"}, diagnosis{CauseContainerStart, adviceLog}},
	{[]string{"container called exit"}, diagnosis{CauseContainerStart, adviceLog}},
	{[]string{"container exited"}, diagnosis{CauseContainerStart, adviceLog}},
	{[]string{"back-off restarting"}, diagnosis{CauseContainerStart, adviceLog}},
	{[]string{"initial scale was never achieved"}, diagnosis{CauseContainerStart, adviceListen}},
	{[]string{"timed out progressing"}, diagnosis{CauseContainerStart, adviceListen}},
	{[]string{"permission", "denied"}, diagnosis{CausePermission, adviceGrant}},
	{[]string{"does not have permission"}, diagnosis{CausePermission, adviceGrant}},
	{[]string{"referenced in traffic not found"}, diagnosis{CauseRouting, adviceTraffic}},
	{[]string{"update all traffic to route"}, diagnosis{CauseRouting, adviceTraffic}},
	{[]string{"resource readiness deadline exceeded"}, diagnosis{CauseUnknown, adviceInternal}},
}

// failedReasons are the machine-readable ones. They are less telling than messages, and often absent.
var failedReasons = map[string]diagnosis{
	"ContainerMissing":                       {CauseImage, adviceImage},
	"ContainerPermissionDenied":              {CauseImage, adviceImage},
	"ContainerImageUnauthorized":             {CauseImage, "the image does not pass the Binary Authorization policy: sign it, or change the policy"},
	"ContainerImageAuthorizationCheckFailed": {CauseImage, "the Binary Authorization policy could not be asked: try again"},
	"ImagePullBackOff":                       {CauseImage, adviceImage},
	"ErrImagePull":                           {CauseImage, adviceImage},
	"InvalidImageName":                       {CauseImage, adviceImage},
	"SecretsAccessCheckFailed":               {CauseSecret, adviceSecret},
	"CreateContainerConfigError":             {CauseSecret, adviceNoSecret},
	"EncryptionKeyPermissionDenied":          {CausePermission, "grant Cloud Run's service agent roles/cloudkms.cryptoKeyEncrypterDecrypter on the key"},
	"EncryptionKeyCheckFailed":               {CausePermission, "check that the encryption key exists, is enabled, and may be used by Cloud Run's service agent"},
	"HealthCheckContainerError":              {CauseContainerStart, adviceListen},
	"CrashLoopBackOff":                       {CauseContainerStart, adviceLog},
	"CreateContainerError":                   {CauseContainerStart, adviceLog},
	"RunContainerError":                      {CauseContainerStart, adviceLog},
	"OOMKilled":                              {CauseContainerStart, adviceMemory},
	"ExitCode137":                            {CauseContainerStart, adviceMemory},
	"ProgressDeadlineExceeded":               {CauseContainerStart, adviceListen},
	"ResourceExhausted":                      {CauseQuota, adviceQuota},
	"ResourcesUnavailable":                   {CauseQuota, adviceQuota},
	"ActiveRevisionLimitReached":             {CauseQuota, "delete Revisions that nobody needs, or serve traffic with fewer"},
	"Unschedulable":                          {CauseQuota, adviceCluster},
	"PermissionDenied":                       {CausePermission, adviceGrant},
}

// failedPlaces are conditions whose failure alone says where it went wrong.
var failedPlaces = map[string]diagnosis{
	"ContainerReady":   {CauseImage, adviceImage},
	"ContainerHealthy": {CauseContainerStart, adviceLog},
	conditionRoutes:    {CauseRouting, adviceTraffic},
}
