package spec

// Annotations of a resource itself. A change of one makes no new Revision.
const (
	AnnotationBinaryAuthorization = "run.googleapis.com/binary-authorization"
	AnnotationBreakglass          = "run.googleapis.com/binary-authorization-breakglass"
	AnnotationCustomAudiences     = "run.googleapis.com/custom-audiences"
	AnnotationDefaultURLDisabled  = "run.googleapis.com/default-url-disabled"
	AnnotationDescription         = "run.googleapis.com/description"
	AnnotationIAP                 = "run.googleapis.com/iap-enabled"
	AnnotationIngress             = "run.googleapis.com/ingress"
	AnnotationInvokerDisabled     = "run.googleapis.com/invoker-iam-disabled"
	AnnotationLaunchStage         = "run.googleapis.com/launch-stage"
	AnnotationManualInstances     = "run.googleapis.com/manualInstanceCount"
	AnnotationRegions             = "run.googleapis.com/regions"
	AnnotationScalingMode         = "run.googleapis.com/scalingMode"
	AnnotationServiceMaxScale     = "run.googleapis.com/maxScale"
	AnnotationServiceMinScale     = "run.googleapis.com/minScale"
)

// Annotations of a template.
const (
	AnnotationCloudSQL            = "run.googleapis.com/cloudsql-instances"
	AnnotationCPUBoost            = "run.googleapis.com/startup-cpu-boost"
	AnnotationCPUThrottling       = "run.googleapis.com/cpu-throttling"
	AnnotationDependencies        = "run.googleapis.com/container-dependencies"
	AnnotationEncryptionKey       = "run.googleapis.com/encryption-key"
	AnnotationExecutionEnv        = "run.googleapis.com/execution-environment"
	AnnotationGPURedundancyOff    = "run.googleapis.com/gpu-zonal-redundancy-disabled"
	AnnotationHealthCheckDisabled = "run.googleapis.com/health-check-disabled"
	AnnotationMaxScale            = "autoscaling.knative.dev/maxScale"
	AnnotationMesh                = "run.googleapis.com/mesh"
	AnnotationMinScale            = "autoscaling.knative.dev/minScale"
	AnnotationNetworkInterfaces   = "run.googleapis.com/network-interfaces"
	AnnotationRevocationAction    = "run.googleapis.com/post-key-revocation-action-type"
	AnnotationSecrets             = "run.googleapis.com/secrets"
	AnnotationSessionAffinity     = "run.googleapis.com/sessionAffinity"
	AnnotationShutdownHours       = "run.googleapis.com/encryption-key-shutdown-hours"
	AnnotationVPCConnector        = "run.googleapis.com/vpc-access-connector"
	AnnotationVPCEgress           = "run.googleapis.com/vpc-access-egress"
)

// ServiceAnnotations returns Cloud Run's settings in the metadata of a Service.
func ServiceAnnotations() []string {
	return []string{
		AnnotationBinaryAuthorization, AnnotationBreakglass, AnnotationCustomAudiences, AnnotationDefaultURLDisabled,
		AnnotationDescription, AnnotationIAP, AnnotationIngress, AnnotationInvokerDisabled, AnnotationLaunchStage, AnnotationManualInstances,
		AnnotationRegions, AnnotationScalingMode, AnnotationServiceMaxScale, AnnotationServiceMinScale,
	}
}

// TemplateAnnotations returns Cloud Run's settings in the metadata of a template.
func TemplateAnnotations() []string {
	return []string{
		AnnotationCloudSQL, AnnotationCPUBoost, AnnotationCPUThrottling, AnnotationDependencies, AnnotationEncryptionKey,
		AnnotationExecutionEnv, AnnotationGPURedundancyOff, AnnotationHealthCheckDisabled, AnnotationMaxScale, AnnotationMesh, AnnotationMinScale,
		AnnotationNetworkInterfaces, AnnotationRevocationAction, AnnotationSecrets, AnnotationSessionAffinity, AnnotationShutdownHours,
		AnnotationVPCConnector, AnnotationVPCEgress,
	}
}
