package cloudrun

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/runmark"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

const (
	maxConcurrency    = 1000
	maxRequestTimeout = time.Hour
	maxRevisionName   = 63
)

// thingRevisionName is what [WithRevisionSuffix] decides.
const thingRevisionName = "the name of the revision"

// WithConcurrency sets how many requests one instance serves at a time, 1 to
// 1000. Flag: --concurrency. Field: containerConcurrency of the template.
func WithConcurrency(requests int) ServiceOption {
	var err error
	if requests < 1 || requests > maxConcurrency {
		err = fmt.Errorf("must be from 1 to %d", maxConcurrency)
	}
	n := int64(requests)
	return onRevision(edits.Spell("WithConcurrency", requests), "the concurrency", fmt.Sprint(requests), err,
		func(r *servingv1.RevisionSpec) { r.ContainerConcurrency = &n })
}

// WithoutConcurrency makes Cloud Run choose how many requests one instance
// serves at a time: 80, or 1 with less than one CPU. Flag: --concurrency=default.
// Field: containerConcurrency of the template, which is removed.
func WithoutConcurrency() ServiceOption {
	return onRevision("WithoutConcurrency()", "the concurrency", "default", nil,
		func(r *servingv1.RevisionSpec) { r.ContainerConcurrency = nil })
}

// WithRequestTimeout sets how long a request may take, whole seconds from 1s to
// 1h. Cloud Run's default is 5m. Flag: --timeout. Field: timeoutSeconds of the template.
func WithRequestTimeout(timeout time.Duration) ServiceOption {
	var err error
	if timeout < time.Second || timeout > maxRequestTimeout || timeout%time.Second != 0 {
		err = fmt.Errorf("must be in whole seconds, from 1s to %v", maxRequestTimeout)
	}
	seconds := int64(timeout / time.Second)
	return onRevision(edits.Spell("WithRequestTimeout", timeout), "the request timeout", timeout.String(), err,
		func(r *servingv1.RevisionSpec) { r.TimeoutSeconds = &seconds })
}

func onRevision(option, thing, value string, err error, edit func(*servingv1.RevisionSpec)) ServiceOption {
	return onService(edits.Setting{
		Option: option, Phase: edits.PhaseSet, Err: err, Claims: edits.Decides(thing, value),
		Do: serviceEdit(func(s *servingv1.Service) error {
			edit(&s.Spec.Template.Spec)
			return nil
		}),
	})
}

// WithRevisionSuffix names the new Revision: the Service's name, cut if the
// whole would be longer than 63 characters, a hyphen and the suffix, which
// consists of lower-case letters, digits and hyphens. A cluster refuses a cut
// name, so there it is an error. Without a suffix, the server names the Revision.
// A name can be used only once.
// Flag: --revision-suffix. Field: spec.template.metadata.name.
func WithRevisionSuffix(suffix string) ServiceOption {
	return onService(edits.Setting{
		Option: edits.Spell("WithRevisionSuffix", suffix), Phase: edits.PhaseSet, Err: checkSuffix(suffix),
		Claims: edits.Decides(thingRevisionName, suffix),
		Do: serviceEdit(func(s *servingv1.Service) (err error) {
			s.Spec.Template.Name, err = names.Revisions{}.WithSuffix(s.Name, suffix)
			return err
		}),
	})
}

func checkSuffix(suffix string) error {
	const longest = maxRevisionName - 2
	other := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }
	if suffix == "" || len(suffix) > longest || strings.ContainsFunc(suffix, other) || strings.Trim(suffix, "-") != suffix {
		return fmt.Errorf("use lower-case letters, digits and hyphens, at most %d", longest)
	}
	return nil
}

// WithMinInstances sets how many instances each Revision keeps running; 0, the
// default, removes the setting. Prefer [WithServiceMinInstances], which counts
// the Service as a whole and makes no new Revision. Flag: --min-instances.
// Field: the template annotation autoscaling.knative.dev/minScale, or
// autoscaling.knative.dev/min-scale where the Service has that spelling.
func WithMinInstances(n int) ServiceOption {
	return onService(spec.Autoscale(edits.Spell("WithMinInstances", n), spec.AnnotationMinScale, minimum(n), checkInstances(n)))
}

// WithoutMinInstances lets Revisions scale down to zero. Flag: --min-instances=default.
// Field: the template annotation autoscaling.knative.dev/minScale, in every spelling.
func WithoutMinInstances() ServiceOption {
	return onService(spec.Autoscale("WithoutMinInstances()", spec.AnnotationMinScale, "", nil))
}

// WithMaxInstances sets the highest number of instances of each Revision.
// Cloud Run's default is 100. Flag: --max-instances. Field: the template
// annotation autoscaling.knative.dev/maxScale, or autoscaling.knative.dev/max-scale
// where the Service has that spelling.
func WithMaxInstances(n int) ServiceOption {
	return onService(spec.Autoscale(edits.Spell("WithMaxInstances", n), spec.AnnotationMaxScale, strconv.Itoa(n), checkInstances(n)))
}

// WithoutMaxInstances makes Cloud Run choose the highest number of instances of
// each Revision. Flag: --max-instances=default. Field: the template annotation
// autoscaling.knative.dev/maxScale, in every spelling.
func WithoutMaxInstances() ServiceOption {
	return onService(spec.Autoscale("WithoutMaxInstances()", spec.AnnotationMaxScale, "", nil))
}

// WithServiceMinInstances sets how many instances the Service keeps running,
// shared by its Revisions; 0, the default, removes the setting. It makes no new
// Revision. Flag: --min. Field: the annotation run.googleapis.com/minScale.
func WithServiceMinInstances(n int) ServiceOption {
	return onService(spec.AnnotateResource(edits.Spell("WithServiceMinInstances", n), spec.AnnotationServiceMinScale, minimum(n), checkInstances(n)))
}

// WithoutServiceMinInstances lets the Service scale down to zero.
// Flag: --min=default. Field: the annotation run.googleapis.com/minScale.
func WithoutServiceMinInstances() ServiceOption {
	return onService(spec.AnnotateResource("WithoutServiceMinInstances()", spec.AnnotationServiceMinScale, "", nil))
}

// WithServiceMaxInstances sets the highest number of instances of the Service,
// all its Revisions together. It makes no new Revision. Flag: --max (beta).
// Field: the annotation run.googleapis.com/maxScale.
func WithServiceMaxInstances(n int) ServiceOption {
	option := edits.Spell("WithServiceMaxInstances", n)
	return onService(spec.AnnotateResource(option, spec.AnnotationServiceMaxScale, strconv.Itoa(n), checkInstances(n)))
}

// WithoutServiceMaxInstances removes the limit on the instances of the Service
// as a whole. Flag: --max=default (beta). Field: the annotation
// run.googleapis.com/maxScale.
func WithoutServiceMaxInstances() ServiceOption {
	return onService(spec.AnnotateResource("WithoutServiceMaxInstances()", spec.AnnotationServiceMaxScale, "", nil))
}

// WithManualScaling makes the Service run exactly that many instances, whatever
// the load. It removes the Service's minimum and maximum, see
// [WithServiceMinInstances], and makes no new Revision. Flag: --scaling=N (beta).
// Fields: the annotations run.googleapis.com/scalingMode and
// run.googleapis.com/manualInstanceCount.
func WithManualScaling(n int) ServiceOption {
	return onService(spec.AnnotateResourceWith(edits.Spell("WithManualScaling", n), map[string]string{
		spec.AnnotationScalingMode: "manual", spec.AnnotationManualInstances: strconv.Itoa(n),
		spec.AnnotationServiceMinScale: "", spec.AnnotationServiceMaxScale: "",
	}, checkInstances(n)))
}

// WithAutomaticScaling makes the load decide how many instances run, which is
// the default. It makes no new Revision. Flag: --scaling=auto (beta).
// Fields: the annotations run.googleapis.com/scalingMode and
// run.googleapis.com/manualInstanceCount.
func WithAutomaticScaling() ServiceOption {
	return onService(spec.AnnotateResourceWith("WithAutomaticScaling()", map[string]string{
		spec.AnnotationScalingMode: "automatic", spec.AnnotationManualInstances: "",
	}, nil))
}

// minimum returns a minimum as annotations have it: none rather than zero.
func minimum(n int) string {
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

// WithCPUThrottling sets whether instances get CPU only while they serve
// requests, which is the default, or always. Flag: --[no-]cpu-throttling.
// Field: the template annotation run.googleapis.com/cpu-throttling.
func WithCPUThrottling(on bool) ServiceOption {
	return onService(spec.AnnotateTemplate(edits.Spell("WithCPUThrottling", on), spec.AnnotationCPUThrottling, spec.Bool(on), nil))
}

// WithCPUBoost sets whether containers get more CPU while they start. A new
// Service has it by default, as with gcloud; an update does not change it.
// Flag: --[no-]cpu-boost. Field: the template annotation
// run.googleapis.com/startup-cpu-boost.
func WithCPUBoost(on bool) ServiceOption {
	return onService(spec.AnnotateTemplate(edits.Spell("WithCPUBoost", on), spec.AnnotationCPUBoost, spec.Bool(on), nil))
}

// WithSessionAffinity sets whether requests of one client go to the same
// instance, as far as possible. It is off by default.
// Flag: --[no-]session-affinity. Field: the template annotation
// run.googleapis.com/sessionAffinity, which is "true" or absent.
func WithSessionAffinity(on bool) ServiceOption {
	return onService(spec.AnnotateTemplate(edits.Spell("WithSessionAffinity", on), spec.AnnotationSessionAffinity, spec.OnlyTrue(on), nil))
}

// WithDeployHealthCheck sets whether a new Revision must start an instance
// before it counts as ready, which is the default.
// Flag: --[no-]deploy-health-check (beta). Field: the template annotation
// run.googleapis.com/health-check-disabled, which has the opposite value.
func WithDeployHealthCheck(on bool) ServiceOption {
	return onService(spec.AnnotateTemplate(edits.Spell("WithDeployHealthCheck", on), spec.AnnotationHealthCheckDisabled, spec.Bool(!on), nil))
}

// WithDescription sets a text that describes the Service; it may be empty. It
// makes no new Revision. Flag: --description. Field: the annotation
// run.googleapis.com/description.
func WithDescription(text string) ServiceOption {
	return onService(spec.Describe(edits.Spell("WithDescription", text), text))
}

// WithAnnotation sets an annotation of the Service, which makes no new
// Revision. A setting of Cloud Run that is misspelt, or belongs to the template,
// is a warning of the result. Flag: --update-annotations (hidden). Field: metadata.annotations.
func WithAnnotation(key, value string) WorkloadOption {
	return onWorkload(spec.AnnotateResourceAsIs(edits.Spell("WithAnnotation", key, edits.Value(key, value)), key, value, edits.NotEmpty("key", key)))
}

// WithoutAnnotation removes annotations of the Service, which makes no new
// Revision; gcloud has no flag for it. Field: metadata.annotations.
func WithoutAnnotation(keys ...string) WorkloadOption {
	return onWorkload(spec.WithoutResourceAnnotations(edits.SpellList("WithoutAnnotation", keys), keys)...)
}

// WithTemplateAnnotation sets an annotation of the template and so of the
// Revisions made from it. It warns like [WithAnnotation]; gcloud has no flag for it. Field:
// spec.template.metadata.annotations.
func WithTemplateAnnotation(key, value string) WorkloadOption {
	option := edits.Spell("WithTemplateAnnotation", key, edits.Value(key, value))
	return onWorkload(spec.AnnotateTemplateAsIs(option, key, value, edits.NotEmpty("key", key)))
}

// WithoutTemplateAnnotation removes annotations of the template; gcloud has no
// flag for it. Field: spec.template.metadata.annotations.
func WithoutTemplateAnnotation(keys ...string) WorkloadOption {
	return onWorkload(spec.WithoutTemplateAnnotations(edits.SpellList("WithoutTemplateAnnotation", keys), keys)...)
}

// WithLabel adds a label, or changes it. Labels of the Service are labels of
// the template too. As with gcloud, when an option changes the former, the
// template loses labels that the Service does not have, except for Cloud Run's
// own. A change makes a new Revision.
//
// A key begins with a lower-case letter. Both consist of lower-case letters,
// digits, underscores and hyphens, at most 63. Flags: --labels,
// --update-labels. Fields: metadata.labels and spec.template.metadata.labels.
func WithLabel(key, value string) WorkloadOption {
	return onWorkload(spec.Label(edits.Spell("WithLabel", key, edits.Value(key, value)), key, value))
}

// SetLabels replaces all labels except those that Cloud Run sets; see
// [WithLabel]. In gcloud it is --clear-labels together with --labels.
func SetLabels(labels map[string]string) WorkloadOption {
	return onWorkload(spec.SetLabels(edits.Spell("SetLabels", labels), maps.Clone(labels))...)
}

// WithoutLabel removes labels; see [WithLabel]. Flag: --remove-labels.
// Fields: metadata.labels and spec.template.metadata.labels.
func WithoutLabel(keys ...string) WorkloadOption {
	return onWorkload(spec.WithoutLabel(edits.SpellList("WithoutLabel", keys), keys)...)
}

// ClearLabels removes all labels except those that Cloud Run sets; see
// [WithLabel]. Flag: --clear-labels. Fields: metadata.labels and
// spec.template.metadata.labels.
func ClearLabels() WorkloadOption { return onWorkload(spec.ClearLabels("ClearLabels()")) }

// WithTemplateLabel sets a label of the template alone, and so of the Revisions
// made from it; gcloud has no flag for it. Where the Service has the label too,
// Revisions have this value. As with gcloud, a later call that changes the labels
// of the Service removes it from the template unless it sets it again: a default
// of a Deployer does. Keys and values are those of [WithLabel]. Field:
// spec.template.metadata.labels.
func WithTemplateLabel(key, value string) WorkloadOption {
	return onWorkload(spec.TemplateLabel(edits.Spell("WithTemplateLabel", key, edits.Value(key, value)), key, value))
}

// WithoutTemplateLabel removes labels of the template alone; gcloud has no flag
// for it. Field: spec.template.metadata.labels.
func WithoutTemplateLabel(keys ...string) WorkloadOption {
	return onWorkload(spec.WithoutTemplateLabel(edits.SpellList("WithoutTemplateLabel", keys), keys)...)
}

// WithLaunchStage declares that the Service uses features of a launch stage:
// "ALPHA", "BETA" or "GA". It makes no new Revision. The gcloud commands beta
// and alpha set it. Field: the annotation run.googleapis.com/launch-stage.
func WithLaunchStage(stage string) LaunchStageOption {
	option, err := edits.Spell("WithLaunchStage", stage), edits.OneOf(stage, "ALPHA", "BETA", "GA")
	return launchStageOption{workloadOption: onWorkload(spec.AnnotateResource(option, spec.AnnotationLaunchStage, stage, err))}
}

// WithClient names the program that deploys, for the console and for audits;
// its name or its version may be empty. By default it is this library. The name
// of another program is replaced. Flags: --client-name, --client-version
// (hidden). Field: the annotations run.googleapis.com/client-name and
// client-version, of the template too if that changes.
func WithClient(name, version string) DeployOption {
	option := edits.Spell("WithClient", name, version)
	return onDeploy(edits.Configures(option, "the client", name+" "+version, edits.NotEmpty("name", name+version),
		func(c *deployConfig) { c.clientName, c.clientVersion = name, version }))
}

// WithRunID makes a Deploy part of a run that can be repeated after a crash. If
// an earlier call with the same ID has deployed the Service, the call writes
// nothing and only waits; the result is [Unchanged]. If the Revision that the
// earlier call made has failed, the call deploys once more.
//
// The ID has the form of a label's value: up to 63 letters, digits, dashes,
// underscores and dots. It is written in one request with the change, so a crash
// cannot separate the two. The next run replaces it, and so does
// [Deployer.Rollback]; only package rollout still finds it then. Flag: none. Field: the annotation cloudrun-go.github.io/run.
func WithRunID(id string) DeployOption {
	return onDeploy(edits.Configures(edits.Spell("WithRunID", id), "the ID of the run", id, runmark.Check(id),
		func(c *deployConfig) { c.runID = id }))
}

// clusterProblems returns what options ask for that is not possible on a cluster.
func clusterProblems(service string, cfg deployConfig, options *edits.Set) (problems []error) {
	if cfg.public != nil || cfg.iap {
		problems = append(problems, &OptionError{Option: "public access", Reason: ErrNotOnCluster.Error()})
	}
	if option, suffix, ok := options.Decision(thingRevisionName); ok {
		revisions := names.Revisions{Cluster: true}
		if _, err := revisions.WithSuffix(service, suffix); err != nil {
			problems = append(problems, &OptionError{Option: option, Reason: err.Error()})
		}
	}
	return append(problems, optionErrors(spec.CheckCluster(options)))
}
