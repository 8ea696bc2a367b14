package cloudrun

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/rawjson"
	"github.com/cloudrun-go/cloudrun/internal/similar"
)

// serviceAnnotations are the settings of Cloud Run in the metadata of a Service.
func serviceAnnotations() []string {
	return []string{annotationBinaryAuthorization, annotationBreakglass, annotationCustomAudiences, annotationDefaultURLDisabled,
		annotationDescription, annotationIAP, annotationIngress, annotationInvokerDisabled, annotationLaunchStage, annotationManualInstances,
		annotationRegions, annotationScalingMode, annotationServiceMaxScale, annotationServiceMinScale}
}

// templateAnnotations are the settings of Cloud Run in the metadata of a template.
func templateAnnotations() []string {
	return []string{annotationCloudSQL, annotationCPUBoost, annotationCPUThrottling, annotationDependencies, annotationEncryptionKey,
		annotationExecutionEnv, annotationGPURedundancyOff, annotationHealthCheckDisabled, annotationMaxScale, annotationMesh, annotationMinScale,
		annotationNetworkInterfaces, annotationRevocationAction, annotationSecrets, annotationSessionAffinity, annotationShutdownHours,
		annotationVPCConnector, annotationVPCEgress}
}

// misplaced tells of annotations that Cloud Run ignores without a word, because
// they are in the wrong metadata or misspelt.
func (m *Manifest) misplaced() []string {
	const service, template = "metadata", "spec.template.metadata"
	inService := m.object("metadata", "annotations")
	inTemplate := m.object("spec", "template", "metadata", "annotations")
	return append(misplacedIn(inService, service, serviceAnnotations(), template, templateAnnotations()),
		misplacedIn(inTemplate, template, templateAnnotations(), service, serviceAnnotations())...)
}

func misplacedIn(annotations rawjson.Object, here string, own []string, there string, others []string) (warnings []string) {
	for _, k := range slices.Sorted(maps.Keys(annotations)) {
		group, _, _ := strings.Cut(k, "/")
		switch {
		case slices.Contains(own, k) || group != "run.googleapis.com" && group != "autoscaling.knative.dev":
		case slices.Contains(others, k):
			warnings = append(warnings, fmt.Sprintf("the annotation %s is in %s, where it has no effect: it belongs in %s", k, here, there))
		default:
			if meant := similar.Name(k, own); meant != "" {
				warnings = append(warnings, fmt.Sprintf("the annotation %s in %s is not known: is %s meant?", printable(k, 80), here, meant))
			}
		}
	}
	return warnings
}
