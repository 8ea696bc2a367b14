package cloudrun

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/rawjson"
	"github.com/cloudrun-go/cloudrun/internal/similar"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// misplaced tells of annotations that Cloud Run ignores without a word, because
// they are in the wrong metadata or misspelt.
func (m *Manifest) misplaced() []string {
	const service, template = "metadata", "spec.template.metadata"
	inService := m.object("metadata", "annotations")
	inTemplate := m.object("spec", "template", "metadata", "annotations")
	return append(misplacedIn(inService, service, spec.ServiceAnnotations(), template, spec.TemplateAnnotations()),
		misplacedIn(inTemplate, template, spec.TemplateAnnotations(), service, spec.ServiceAnnotations())...)
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
