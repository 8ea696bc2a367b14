package cloudrun

import (
	"errors"
	"strconv"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// WithMinInstances sets how many instances each Revision keeps running; 0, the
// default, removes the setting. Prefer [WithServiceMinInstances], which counts
// the Service as a whole and makes no new Revision. Flag: --min-instances.
// Field: the template annotation autoscaling.knative.dev/minScale.
func WithMinInstances(n int) ServiceOption {
	return onService(annotateTemplate(edits.Spell("WithMinInstances", n), annotationMinScale, instances(n), checkInstances(n)))
}

// WithoutMinInstances has Revisions scale down to zero. Flag: --min-instances=default.
// Field: the template annotation autoscaling.knative.dev/minScale.
func WithoutMinInstances() ServiceOption {
	return onService(annotateTemplate("WithoutMinInstances()", annotationMinScale, "", nil))
}

// WithMaxInstances sets how many instances each Revision may have at most.
// Cloud Run's default is 100. Flag: --max-instances. Field: the template
// annotation autoscaling.knative.dev/maxScale.
func WithMaxInstances(n int) ServiceOption {
	return onService(annotateTemplate(edits.Spell("WithMaxInstances", n), annotationMaxScale, strconv.Itoa(n), checkInstances(n)))
}

// WithoutMaxInstances has Cloud Run set how many instances each Revision may
// have. Flag: --max-instances=default. Field: the template annotation
// autoscaling.knative.dev/maxScale.
func WithoutMaxInstances() ServiceOption {
	return onService(annotateTemplate("WithoutMaxInstances()", annotationMaxScale, "", nil))
}

// WithServiceMinInstances sets how many instances the Service keeps running,
// shared by its Revisions; 0, the default, removes the setting. It makes no new
// Revision. Flag: --min. Field: the annotation run.googleapis.com/minScale.
func WithServiceMinInstances(n int) ServiceOption {
	return onService(annotateService(edits.Spell("WithServiceMinInstances", n), annotationServiceMinScale, instances(n), checkInstances(n)))
}

// WithoutServiceMinInstances has the Service scale down to zero.
// Flag: --min=default. Field: the annotation run.googleapis.com/minScale.
func WithoutServiceMinInstances() ServiceOption {
	return onService(annotateService("WithoutServiceMinInstances()", annotationServiceMinScale, "", nil))
}

// WithServiceMaxInstances sets how many instances the Service may have at most,
// all its Revisions together. It makes no new Revision. Flag: --max (beta).
// Field: the annotation run.googleapis.com/maxScale.
func WithServiceMaxInstances(n int) ServiceOption {
	return onService(annotateService(edits.Spell("WithServiceMaxInstances", n), annotationServiceMaxScale, strconv.Itoa(n), checkInstances(n)))
}

// WithoutServiceMaxInstances removes the limit on the instances of the Service
// as a whole. Flag: --max=default (beta). Field: the annotation
// run.googleapis.com/maxScale.
func WithoutServiceMaxInstances() ServiceOption {
	return onService(annotateService("WithoutServiceMaxInstances()", annotationServiceMaxScale, "", nil))
}

// WithManualScaling has the Service run exactly that many instances, whatever
// the load. It removes the Service's minimum and maximum, see
// [WithServiceMinInstances], and makes no new Revision. Flag: --scaling=N (beta).
// Fields: the annotations run.googleapis.com/scalingMode and
// run.googleapis.com/manualInstanceCount.
func WithManualScaling(n int) ServiceOption {
	return scaling(edits.Spell("WithManualScaling", n), checkInstances(n), map[string]string{
		annotationScalingMode: "manual", annotationManualInstances: strconv.Itoa(n),
		annotationServiceMinScale: "", annotationServiceMaxScale: "",
	})
}

// WithAutomaticScaling has the load decide how many instances run, which is
// the default. It makes no new Revision. Flag: --scaling=auto (beta).
// Fields: the annotations run.googleapis.com/scalingMode and
// run.googleapis.com/manualInstanceCount.
func WithAutomaticScaling() ServiceOption {
	return scaling("WithAutomaticScaling()", nil, map[string]string{annotationScalingMode: "automatic", annotationManualInstances: ""})
}

func scaling(option string, err error, annotations map[string]string) ServiceOption {
	all := setting{option: option, phase: edits.PhaseSet, plain: true, err: err}
	for _, key := range sortedKeys(annotations) {
		all.claims = all.claims.And(serviceAnnotationThing(key), annotations[key])
	}
	all.service = func(s *servingv1.Service) error {
		for key, value := range annotations {
			setAnnotation(&s.ObjectMeta, key, value)
		}
		return nil
	}
	return onService(all)
}

// instances is a minimum as an annotation has it: none rather than zero.
func instances(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func checkInstances(n int) error {
	if n < 0 {
		return errors.New("a number of instances cannot be negative")
	}
	return nil
}
