package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
	"github.com/cloudrun-go/cloudrun/internal/similar"
)

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

// maxShown is the length to which messages cut the keys of annotations, in bytes.
const maxShown = 80

// home is a place for annotations, and the settings that belong there.
type home struct {
	path     string
	settings func() []string
}

func serviceHome() home { return home{"metadata", ServiceAnnotations} }

func templateHome() home {
	return home{"spec.template.metadata", func() []string { return append(TemplateAnnotations(), AutoscalingAnnotations()...) }}
}

// MisplacedInService returns a warning about an annotation of a resource that
// Cloud Run and Knative silently ignore: it belongs to the template, or is
// misspelt. It is empty for any other.
func MisplacedInService(key string) string { return misplaced(key, serviceHome(), templateHome()) }

// MisplacedInTemplate is MisplacedInService for an annotation of a template.
func MisplacedInTemplate(key string) string { return misplaced(key, templateHome(), serviceHome()) }

func misplaced(key string, here, elsewhere home) string {
	group, _, _ := strings.Cut(key, "/")
	switch {
	case group != "run.googleapis.com" && group != "autoscaling.knative.dev", key == configuration.ClientName, key == configuration.ClientVersion:
		return ""
	case slices.Contains(here.settings(), key):
		return ""
	case slices.Contains(elsewhere.settings(), key):
		return fmt.Sprintf("the annotation %s has no effect in %s: move it to %s", key, here.path, elsewhere.path)
	}
	if meant := similar.Name(key, here.settings()); meant != "" {
		return fmt.Sprintf("unknown annotation %s in %s: did you mean %s?", safetext.Line(key, maxShown), here.path, meant)
	}
	return ""
}

// Misplaced returns such warnings about annotations of a workload: those that
// it did not have before, and those that an option asks for.
func Misplaced(was, is *Workload, options *edits.Set) []string {
	return slices.Concat(
		addedMisplaced(was.Meta, is.Meta, options, MisplacedInService, resourceAnnotation),
		addedMisplaced(was.Template, is.Template, options, MisplacedInTemplate, templateAnnotation))
}

func addedMisplaced(was, is *metav1.ObjectMeta, options *edits.Set, misplaced, thing func(string) string) (warnings []string) {
	for _, key := range slices.Sorted(maps.Keys(is.Annotations)) {
		option, _, decided := options.Decision(thing(key))
		before, had := was.Annotations[key]
		if !decided && had && before == is.Annotations[key] {
			continue
		}
		warning := misplaced(key)
		if warning != "" && decided {
			warning = option + ": " + warning
		}
		if warning != "" {
			warnings = append(warnings, warning)
		}
	}
	return warnings
}
