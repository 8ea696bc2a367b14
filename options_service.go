package cloudrun

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/names"
)

const (
	maxConcurrency    = 1000
	maxRequestTimeout = time.Hour
	maxRevisionName   = 63
)

// WithConcurrency sets how many requests one instance serves at a time, 1 to
// 1000. Flag: --concurrency. Field: containerConcurrency of the template.
func WithConcurrency(requests int) ServiceOption {
	n := int64(requests)
	s := editTemplate(edits.Spell("WithConcurrency", requests), "the concurrency", fmt.Sprint(requests), func(spec *servingv1.RevisionSpec) {
		spec.ContainerConcurrency = &n
	})
	if requests < 1 || requests > maxConcurrency {
		s.err = fmt.Errorf("it must be from 1 to %d", maxConcurrency)
	}
	return onService(s)
}

// WithDefaultConcurrency has Cloud Run choose how many requests one instance
// serves at a time: 80, or 1 with less than one CPU. Flag: --concurrency=default.
// Field: containerConcurrency of the template, which is removed.
func WithDefaultConcurrency() ServiceOption {
	return onService(editTemplate("WithDefaultConcurrency()", "the concurrency", "default", func(spec *servingv1.RevisionSpec) {
		spec.ContainerConcurrency = nil
	}))
}

// WithRequestTimeout sets how long a request may take, whole seconds from 1s to
// 1h. Cloud Run's default is 5m. Flag: --timeout. Field: timeoutSeconds of the template.
func WithRequestTimeout(timeout time.Duration) ServiceOption {
	seconds := int64(timeout / time.Second)
	s := editTemplate(edits.Spell("WithRequestTimeout", timeout), "the request timeout", timeout.String(), func(spec *servingv1.RevisionSpec) {
		spec.TimeoutSeconds = &seconds
	})
	if timeout < time.Second || timeout > maxRequestTimeout || timeout%time.Second != 0 {
		s.err = fmt.Errorf("it must be in whole seconds, from 1s to %v", maxRequestTimeout)
	}
	return onService(s)
}

// WithSessionAffinity says whether requests of one client go to the same
// instance, as far as possible. The default is no. Flag: --[no-]session-affinity.
// Field: the template annotation run.googleapis.com/sessionAffinity, which is
// "true" or absent.
func WithSessionAffinity(on bool) ServiceOption {
	value := ""
	if on {
		value = "true"
	}
	return onService(annotateTemplate(edits.Spell("WithSessionAffinity", on), annotationSessionAffinity, value, nil))
}

// WithDeployHealthCheck says whether a new Revision must have started an
// instance before it counts as ready, which is the default.
// Flag: --[no-]deploy-health-check (beta). Field: the template annotation
// run.googleapis.com/health-check-disabled, which says the opposite.
func WithDeployHealthCheck(on bool) ServiceOption {
	return onService(annotateTemplate(edits.Spell("WithDeployHealthCheck", on), annotationHealthCheckDisabled, boolean(!on), nil))
}

// WithDescription sets a text that tells what the Service is for; it may be
// empty. It makes no new Revision. Flag: --description. Field: the annotation
// run.googleapis.com/description.
func WithDescription(text string) ServiceOption {
	s := annotateService(edits.Spell("WithDescription", text), annotationDescription, text, nil)
	s.service = func(s *servingv1.Service) error {
		if _, had := s.Annotations[annotationDescription]; had || text != "" {
			putAnnotation(&s.ObjectMeta, annotationDescription, text)
		}
		return nil
	}
	return onService(s)
}

// WithAnnotation sets an annotation of the Service, which makes no new
// Revision. Flag: --update-annotations (hidden). Field: metadata.annotations.
func WithAnnotation(key, value string) ServiceOption {
	s := annotateService(edits.Spell("WithAnnotation", key, value), key, value, notEmpty("key", key))
	s.service = func(s *servingv1.Service) error {
		putAnnotation(&s.ObjectMeta, key, value)
		return nil
	}
	return onService(s)
}

// WithoutAnnotation removes annotations of the Service, which makes no new
// Revision; gcloud has no flag for it. Field: metadata.annotations.
func WithoutAnnotation(keys ...string) ServiceOption {
	option := edits.SpellList("WithoutAnnotation", keys)
	return onService(perItem(keys, func(key string) setting {
		return annotateService(option, key, "", notEmpty("key", key))
	})...)
}

// WithTemplateAnnotation sets an annotation of the template and so of the
// Revisions made from it; gcloud has no flag for it. Field:
// spec.template.metadata.annotations.
func WithTemplateAnnotation(key, value string) ServiceOption {
	s := annotateTemplate(edits.Spell("WithTemplateAnnotation", key, value), key, value, notEmpty("key", key))
	s.service = func(s *servingv1.Service) error {
		putAnnotation(&s.Spec.Template.ObjectMeta, key, value)
		return nil
	}
	return onService(s)
}

// WithoutTemplateAnnotation removes annotations of the template; gcloud has no
// flag for it. Field: spec.template.metadata.annotations.
func WithoutTemplateAnnotation(keys ...string) ServiceOption {
	option := edits.SpellList("WithoutTemplateAnnotation", keys)
	return onService(perItem(keys, func(key string) setting {
		return annotateTemplate(option, key, "", notEmpty("key", key))
	})...)
}

// WithLaunchStage declares that the Service uses features of a launch stage:
// "ALPHA", "BETA" or "GA". It makes no new Revision. The gcloud commands beta
// and alpha set it. Field: the annotation run.googleapis.com/launch-stage.
func WithLaunchStage(stage string) LaunchStageOption {
	return launchStageOption{serviceOption{asEdits([]setting{
		annotateService(edits.Spell("WithLaunchStage", stage), annotationLaunchStage, stage, oneOf(stage, "ALPHA", "BETA", "GA")),
	})}}
}

// LaunchStageOption is a [ServiceOption] that [Deployer.UpdateTraffic] takes as well.
type LaunchStageOption interface {
	ServiceOption
	TrafficOption
}

type launchStageOption struct{ serviceOption }

func (launchStageOption) onTraffic() {}

// WithRegions sets all regions of a multi-region Service. It makes no new
// Revision. Flag: --regions (beta). Field: the annotation run.googleapis.com/regions.
func WithRegions(regions ...string) ServiceOption {
	err := errors.New("name at least one region")
	if len(regions) > 0 {
		errs := make([]error, len(regions))
		for i, region := range regions {
			errs[i] = names.Region(region)
		}
		err = errors.Join(errs...)
	}
	return onService(annotateService(edits.SpellList("WithRegions", regions), annotationRegions, strings.Join(regions, ","), err))
}

var suffixRE = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$`)

// WithRevisionSuffix names the new Revision: the Service's name, cut if the
// whole would be longer than 63 characters, a hyphen and the suffix, which
// consists of lower-case letters, digits and hyphens. Without it, every update
// has the server make up a name. A name can be used only once.
// Flag: --revision-suffix. Field: spec.template.metadata.name.
func WithRevisionSuffix(suffix string) ServiceOption {
	s := setting{
		option: edits.Spell("WithRevisionSuffix", suffix), phase: edits.PhaseSet, claims: edits.Decides(thingRevisionName, suffix),
		service: func(s *servingv1.Service) error {
			prefix := s.Name[:min(len(s.Name), maxRevisionName-1-len(suffix))]
			s.Spec.Template.Name = prefix + "-" + suffix
			return nil
		},
	}
	if !suffixRE.MatchString(suffix) || len(suffix) > maxRevisionName-2 {
		s.err = fmt.Errorf("use lower-case letters, digits and hyphens, at most %d", maxRevisionName-2)
	}
	return onService(s)
}

// cleanOnUpdate drops what must not outlive the write that it was meant for:
// a justification for breaking the glass is for one deployment.
func cleanOnUpdate(s *servingv1.Service) { delete(s.Annotations, annotationBreakglass) }
