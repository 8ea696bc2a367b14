package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/rawjson"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
	"github.com/cloudrun-go/cloudrun/internal/similar"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// maxShown is the length to which messages cut names and values, in bytes.
const maxShown = 80

// Misplaced returns warnings about annotations in a manifest that Cloud Run and
// Knative silently ignore: they are in the wrong metadata, or misspelt.
func Misplaced(manifest rawjson.Object) []string {
	inService := manifest.Object("metadata", "annotations")
	inTemplate := manifest.Object("spec", "template", "metadata", "annotations")
	service := place{"metadata", spec.ServiceAnnotations()}
	template := place{"spec.template.metadata", append(spec.TemplateAnnotations(), spec.AutoscalingAnnotations()...)}
	return append(misplaced(inService, service, template), misplaced(inTemplate, template, service)...)
}

// place is a place for annotations, and the settings that belong there.
type place struct {
	path     string
	settings []string
}

func misplaced(annotations rawjson.Object, here, elsewhere place) (warnings []string) {
	for _, k := range slices.Sorted(maps.Keys(annotations)) {
		group, _, _ := strings.Cut(k, "/")
		switch {
		case slices.Contains(here.settings, k) || group != "run.googleapis.com" && group != "autoscaling.knative.dev":
		case slices.Contains(elsewhere.settings, k):
			warnings = append(warnings, fmt.Sprintf("the annotation %s has no effect in %s: move it to %s", k, here.path, elsewhere.path))
		default:
			if meant := similar.Name(k, here.settings); meant != "" {
				warnings = append(warnings, fmt.Sprintf("unknown annotation %s in %s: did you mean %s?", safetext.Line(k, maxShown), here.path, meant))
			}
		}
	}
	return warnings
}

// Removed returns warnings about settings of a Service that a manifest removes,
// as far as they are annotations of the Service. current are its annotations.
func Removed(manifest rawjson.Object, current map[string]string) (warnings []string) {
	kept := manifest.Object("metadata", "annotations")
	for _, k := range slices.Sorted(maps.Keys(current)) {
		value := current[k]
		_, stays := kept[k]
		isDefault := k == spec.AnnotationIngress && value == "all"
		if stays || isDefault || !strings.HasPrefix(k, "run.googleapis.com/") || configuration.ServerAnnotation(k) {
			continue
		}
		if value = safetext.Line(value, maxShown); redact.Name(k) || redact.Text(value) {
			value = redact.Hidden
		}
		warnings = append(warnings, fmt.Sprintf("the annotation %s (%s) is removed: it is not in the manifest", k, value))
	}
	return warnings
}
