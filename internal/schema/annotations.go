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
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// maxShown is the length to which messages cut names and values, in bytes.
const maxShown = 80

// Misplaced returns warnings about annotations in a manifest that Cloud Run and
// Knative silently ignore: they are in the wrong metadata, or misspelt.
func Misplaced(manifest rawjson.Object) []string {
	inService := manifest.Object("metadata", "annotations")
	inTemplate := manifest.Object("spec", "template", "metadata", "annotations")
	return append(misplaced(inService, spec.MisplacedInService), misplaced(inTemplate, spec.MisplacedInTemplate)...)
}

func misplaced(annotations rawjson.Object, check func(key string) string) (warnings []string) {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if warning := check(key); warning != "" {
			warnings = append(warnings, warning)
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
