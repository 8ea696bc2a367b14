package resources

// APIVersion is the version of the Knative API.
const APIVersion = "serving.knative.dev/v1"

// Caller is the account of every caller.
const Caller = "dev@example.com"

// Labels and annotations.
const (
	LocationLabel = "cloud.googleapis.com/location"
	ServiceLabel  = "serving.knative.dev/service"

	CreatorAnnotation   = "serving.knative.dev/creator"
	ModifierAnnotation  = "serving.knative.dev/lastModifier"
	IngressAnnotation   = "run.googleapis.com/ingress"
	URLsAnnotation      = "run.googleapis.com/urls"
	OperationAnnotation = "run.googleapis.com/operation-id"
	NoURLAnnotation     = "run.googleapis.com/default-url-disabled"
	NoCheckAnnotation   = "run.googleapis.com/invoker-iam-disabled"

	probeTypeLabel     = "run.googleapis.com/startupProbeType"
	maxScaleAnnotation = "autoscaling.knative.dev/maxScale"
	ingressStatus      = "run.googleapis.com/ingress-status"
)
