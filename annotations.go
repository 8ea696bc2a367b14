package cloudrun

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// Annotations of the Service itself. A change of one makes no new Revision.
const (
	annotationBinaryAuthorization = "run.googleapis.com/binary-authorization"
	annotationBreakglass          = "run.googleapis.com/binary-authorization-breakglass"
	annotationCustomAudiences     = "run.googleapis.com/custom-audiences"
	annotationDefaultURLDisabled  = "run.googleapis.com/default-url-disabled"
	annotationDescription         = "run.googleapis.com/description"
	annotationIAP                 = "run.googleapis.com/iap-enabled"
	annotationIngress             = "run.googleapis.com/ingress"
	annotationInvokerDisabled     = "run.googleapis.com/invoker-iam-disabled"
	annotationLaunchStage         = "run.googleapis.com/launch-stage"
	annotationManualInstances     = "run.googleapis.com/manualInstanceCount"
	annotationRegions             = "run.googleapis.com/regions"
	annotationScalingMode         = "run.googleapis.com/scalingMode"
	annotationServiceMaxScale     = "run.googleapis.com/maxScale"
	annotationServiceMinScale     = "run.googleapis.com/minScale"
)

// Annotations of the template.
const (
	annotationCloudSQL            = "run.googleapis.com/cloudsql-instances"
	annotationCPUBoost            = "run.googleapis.com/startup-cpu-boost"
	annotationCPUThrottling       = "run.googleapis.com/cpu-throttling"
	annotationDependencies        = "run.googleapis.com/container-dependencies"
	annotationEncryptionKey       = "run.googleapis.com/encryption-key"
	annotationExecutionEnv        = "run.googleapis.com/execution-environment"
	annotationGPURedundancyOff    = "run.googleapis.com/gpu-zonal-redundancy-disabled"
	annotationHealthCheckDisabled = "run.googleapis.com/health-check-disabled"
	annotationMaxScale            = "autoscaling.knative.dev/maxScale"
	annotationMesh                = "run.googleapis.com/mesh"
	annotationMinScale            = "autoscaling.knative.dev/minScale"
	annotationNetworkInterfaces   = "run.googleapis.com/network-interfaces"
	annotationRevocationAction    = "run.googleapis.com/post-key-revocation-action-type"
	annotationSecrets             = "run.googleapis.com/secrets"
	annotationSessionAffinity     = "run.googleapis.com/sessionAffinity"
	annotationShutdownHours       = "run.googleapis.com/encryption-key-shutdown-hours"
	annotationVPCConnector        = "run.googleapis.com/vpc-access-connector"
	annotationVPCEgress           = "run.googleapis.com/vpc-access-egress"
)

// inParts is the claim of options that edit a part of an annotation, which
// contradicts that of an option that sets the whole.
const inParts = "in parts"

func serviceAnnotationThing(key string) string { return fmt.Sprintf("the annotation %q", key) }
func templateAnnotationThing(key string) string {
	return fmt.Sprintf("the template annotation %q", key)
}

// annotateService is a setting of an annotation of the Service; an empty value removes it.
func annotateService(option, key, value string, err error) setting {
	return setting{
		option: option, phase: edits.PhaseSet, plain: true, err: err, claims: edits.Decides(serviceAnnotationThing(key), value),
		service: func(s *servingv1.Service) error {
			setAnnotation(&s.ObjectMeta, key, value)
			return nil
		},
	}
}

// annotateTemplate is a setting of an annotation of the template; an empty value removes it.
func annotateTemplate(option, key, value string, err error) setting {
	return setting{
		option: option, phase: edits.PhaseSet, err: err, claims: edits.Decides(templateAnnotationThing(key), value),
		service: func(s *servingv1.Service) error {
			setAnnotation(&s.Spec.Template.ObjectMeta, key, value)
			return nil
		},
	}
}

// setAnnotation sets an annotation, or removes it if the value is empty. One
// that says the same in another spelling, "true" for "True" or JSON with other
// blanks, stays as it is.
func setAnnotation(m *metav1.ObjectMeta, key, value string) {
	if value == "" {
		delete(m.Annotations, key)
		return
	}
	if old, ok := m.Annotations[key]; ok && sameAnnotation(old, value) {
		return
	}
	putAnnotation(m, key, value)
}

// putAnnotation sets an annotation to exactly that value, which may be empty.
func putAnnotation(m *metav1.ObjectMeta, key, value string) {
	if m.Annotations == nil {
		m.Annotations = map[string]string{}
	}
	m.Annotations[key] = value
}

func sameAnnotation(a, b string) bool {
	if isBool(a) && isBool(b) {
		return strings.EqualFold(a, b)
	}
	if !strings.HasPrefix(a, "[") && !strings.HasPrefix(a, "{") {
		return a == b
	}
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return a == b
	}
	return reflect.DeepEqual(x, y)
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

// boolean spells a boolean as gcloud does in most annotations.
func boolean(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// readAnnotation decodes an annotation that holds JSON; one that is absent or empty changes nothing.
func readAnnotation(m *metav1.ObjectMeta, key string, into any) error {
	text := m.Annotations[key]
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("the annotation %q of the service cannot be read: %w", key, err)
	}
	return nil
}

// writeAnnotation sets an annotation to JSON, or removes it if it is empty.
func writeAnnotation(m *metav1.ObjectMeta, key string, v any, empty bool) error {
	if empty {
		setAnnotation(m, key, "")
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	setAnnotation(m, key, string(text))
	return nil
}
