package spec

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// refusedOnCluster are the settings that promise protection. Where they have no
// effect, a call with one is an error.
func refusedOnCluster() []string {
	return []string{
		resourceAnnotation(AnnotationBinaryAuthorization), resourceAnnotation(AnnotationBreakglass), templateAnnotation(AnnotationEncryptionKey),
		templateAnnotation(AnnotationRevocationAction), templateAnnotation(AnnotationShutdownHours),
	}
}

// CheckCluster returns the problems of settings that are not possible on a cluster.
func CheckCluster(options *edits.Set) error {
	var problems edits.Problems
	for _, thing := range refusedOnCluster() {
		if option, value, ok := options.Decision(thing); ok && value != "" {
			problems = append(problems, &edits.Problem{Option: option, Reason: "only Cloud Run can do that, and the client is for a cluster"})
		}
	}
	if option, ingress, _ := options.Decision(resourceAnnotation(AnnotationIngress)); ingress == ingressBalanced {
		problems = append(problems, &edits.Problem{Option: option, Reason: `a cluster knows only "all" and "internal"`})
	}
	if len(problems) == 0 {
		return nil
	}
	return problems
}

// Ignored returns warnings about settings of a workload that a cluster ignores:
// those that it did not have before, and those that an option asks for.
func Ignored(was, is *Workload, options *edits.Set) []string {
	return slices.Concat(
		ignored(was.Meta, is.Meta, ServiceAnnotations(), options, resourceAnnotation),
		ignored(was.Template, is.Template, TemplateAnnotations(), options, templateAnnotation))
}

func ignored(was, is *metav1.ObjectMeta, keys []string, options *edits.Set, thing func(string) string) (warnings []string) {
	for _, key := range keys {
		value, set := is.Annotations[key]
		option, _, decided := options.Decision(thing(key))
		if !set || meaningful(key) || !decided && was.Annotations[key] == value {
			continue
		}
		if option == "" {
			option = "the annotation " + key
		}
		warnings = append(warnings, fmt.Sprintf("%s has no effect on a cluster: only Cloud Run reads %s", option, key))
	}
	return warnings
}

// meaningful reports whether an annotation is not only for Cloud Run.
func meaningful(key string) bool {
	return slices.Contains([]string{AnnotationMinScale, AnnotationMaxScale, AnnotationDescription}, key)
}
