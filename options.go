package cloudrun

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// DeployOption configures one call of [Deployer.Deploy]. A more specific option
// is accepted wherever a more general one is: every [ServiceOption] is a
// DeployOption, every [WorkloadOption] is a ServiceOption, and every
// [ContainerOption] is a WorkloadOption.
//
// # Rules of all options
//
// An option is a named edit. It has the same effect on a new Service as on an
// existing one, and is applied again when a write has to be repeated. The
// options of a call are collected, checked as a set, and applied in one fixed
// order, so the order of the arguments never matters:
//
//  1. SetX and ClearX empty a collection;
//  2. WithoutX removes, so that the server's default applies again;
//  3. WithX adds to a collection or sets a value;
//  4. values that follow from other settings are derived;
//  5. [EditContainer] and [EditService] run, in the order in which they are given.
//
// An element that is removed and added again keeps its place. An element that
// already has the wanted value is not touched, so options that ask for the
// current state change nothing.
//
// Two options that set one thing to different values are an error that names
// both. The same option given twice is fine. A nil option of any kind is an
// error. Problems are reported together, as joined [*OptionError] values: first
// all those that are known without the Service, before anything is sent, then
// all those that depend on it, before anything is written. The first error also says
// what a new Service would lack, such as an image. [NewService] knows them all. The defaults of a Deployer give way to the options of a call.
type DeployOption interface {
	PlanOption
	onDeploy()
}

// PlanOption configures [Deployer.Plan]. Every [DeployOption] is one too.
type PlanOption interface {
	edits.Option
	onPlan()
}

// ServiceOption edits a Service. See [DeployOption] for the rules.
type ServiceOption interface {
	DeployOption
	onService()
}

// WorkloadOption edits what a Service has in common with the other workloads of
// Cloud Run, Jobs and WorkerPools. See [DeployOption] for the rules.
type WorkloadOption interface {
	ServiceOption
	onWorkload()
}

// ContainerOption edits one container: the ingress container, or the one that
// [WithContainer] names. See [DeployOption] for the rules.
type ContainerOption interface {
	WorkloadOption
	onContainer()
}

// TrafficOption configures [Deployer.UpdateTraffic]. Every [CallOption] is one
// too. The rules are those of [DeployOption]. Tags are changed before the
// traffic is split.
type TrafficOption interface {
	edits.Option
	onTraffic()
}

// RollbackOption configures [Deployer.Rollback]. Every [CallOption] is one too.
type RollbackOption interface {
	edits.Option
	onRollback()
}

// ReplaceOption configures [Deployer.ReplaceManifest] and [Deployer.Replace].
// Every [CallOption] is one too.
type ReplaceOption interface {
	edits.Option
	onReplace()
}

// DeleteOption configures [Deployer.Delete]. Every [CallOption] is one too.
type DeleteOption interface {
	edits.Option
	onDelete()
}

// PruneOption configures [Deployer.PruneRevisions]. Every [CallOption] is one too.
type PruneOption interface {
	edits.Option
	onPrune()
}

// WaitOption configures [WaitReady].
type WaitOption interface {
	edits.Option
	onWait()
}

// WriteOption configures one write of a [Client].
type WriteOption interface {
	edits.Option
	onWrite()
}

// ListOption configures [Client.ListServices] and [Client.ListRevisions].
type ListOption interface {
	edits.Option
	onList()
}

// MemberOption configures [AddMember] and [RemoveMember].
type MemberOption interface {
	edits.Option
	onMember()
}

// AgeOption is accepted by every call that selects by age.
type AgeOption interface {
	PruneOption
	ListOption
}

// CallOption configures any call of a [Deployer].
type CallOption interface {
	DeployOption
	TrafficOption
	RollbackOption
	ReplaceOption
	DeleteOption
	PruneOption
	onCall()
}

// ProgressOption configures waiting and progress reporting, of any call of a
// [Deployer] and of [WaitReady].
type ProgressOption interface {
	CallOption
	WaitOption
}

// DryRunOption is accepted by every call that can leave out its writes.
type DryRunOption interface {
	WriteOption
	ReplaceOption
	RollbackOption
	PruneOption
}

// LatestOption is a [TrafficOption] that [Deployer.Deploy] accepts as well.
type LatestOption interface {
	DeployOption
	TrafficOption
}

// LaunchStageOption is a [WorkloadOption] that [Deployer.UpdateTraffic] accepts as well.
type LaunchStageOption interface {
	WorkloadOption
	TrafficOption
}

// settings are what an option asks for. They make it an [edits.Option].
type settings []edits.Setting

// Settings returns what the option asks for. Only this module can use it.
func (s settings) Settings() []edits.Setting { return s }

// String returns the option as the program wrote it, without values that may be secret.
func (s settings) String() string { return edits.Spelled(s) }

// GoString is the form of the verb %#v.
func (s settings) GoString() string { return s.String() }

// MarshalText is the form for JSON and for logs.
func (s settings) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

type (
	planOption      struct{ settings }
	deployOption    struct{ planOption }
	serviceOption   struct{ deployOption }
	workloadOption  struct{ serviceOption }
	containerOption struct{ workloadOption }
)

func (planOption) onPlan()           {}
func (deployOption) onDeploy()       {}
func (serviceOption) onService()     {}
func (workloadOption) onWorkload()   {}
func (containerOption) onContainer() {}

func onDeploy(s ...edits.Setting) deployOption       { return deployOption{planOption{s}} }
func onService(s ...edits.Setting) serviceOption     { return serviceOption{onDeploy(s...)} }
func onWorkload(s ...edits.Setting) workloadOption   { return workloadOption{onService(s...)} }
func onContainer(s ...edits.Setting) containerOption { return containerOption{onWorkload(s...)} }

// CheckOptions reports what is wrong with options, as far as this is known
// without a Service: a call with them would fail before anything is sent. The
// error joins an [*OptionError] for every problem.
func CheckOptions(opts ...DeployOption) error {
	_, err := collect(edits.Of(opts))
	return err
}

// collect checks the settings of a call as a set. They come in layers, from the
// weakest to the strongest.
func collect(layers ...[]edits.Setting) (*edits.Set, error) {
	set, err := edits.New(layers...)
	return set, optionErrors(err)
}

// optionErrors returns the problems of options as joined [*OptionError] values.
func optionErrors(err error) error {
	problems, ok := asType[edits.Problems](err)
	if !ok {
		return err
	}
	all := make([]error, len(problems))
	for i, p := range problems {
		if _, ok := asType[*OptionError](p.Err); ok {
			all[i] = p.Err
			continue
		}
		all[i] = &OptionError{Option: p.Option, Conflict: p.Conflict, Reason: p.Reason}
	}
	return errors.Join(all...)
}

// serviceEdit is the function of a setting that only a Service has.
type serviceEdit func(*servingv1.Service) error

// serviceEditor carries out settings on a Service.
type serviceEditor struct {
	*spec.Editor
	service *servingv1.Service
}

// Edit carries out one setting.
func (e serviceEditor) Edit(step edits.Step) error {
	if do, ok := step.Do.(serviceEdit); ok {
		return do(e.service)
	}
	return e.Editor.Edit(step)
}

// editService edits a Service as options ask.
func editService(s *servingv1.Service, options *edits.Set, cluster bool) error {
	spec.DropBreakglass(&s.ObjectMeta)
	return optionErrors(options.Apply(serviceEditor{spec.NewEditor(workloadOf(s, cluster)), s}))
}

// assemble edits a Service as options ask and checks that it is complete.
func assemble(s *servingv1.Service, options *edits.Set, cluster bool) error {
	return errors.Join(editService(s, options, cluster), checkContainers(s.Spec.Template.Spec.Containers, options))
}

// workloadOf returns the part of a Service that other workloads have too.
func workloadOf(s *servingv1.Service, cluster bool) *spec.Workload {
	return &spec.Workload{Meta: &s.ObjectMeta, Template: &s.Spec.Template.ObjectMeta, Pod: &s.Spec.Template.Spec.PodSpec, Cluster: cluster}
}

// editsTemplate reports whether an option edits the template, so that a new
// Revision is made.
func editsTemplate(options *edits.Set) bool {
	return edits.Has[spec.WorkloadEdit](options) || edits.Has[spec.ContainerEdit](options) || edits.Has[serviceEdit](options)
}

// editsMetadata reports whether an option edits only the Service itself.
func editsMetadata(options *edits.Set) bool {
	return edits.Has[spec.MetadataEdit](options) || edits.Has[spec.PlatformEdit](options)
}

// ifNew returns what else options lack if the Service is new, so that all mistakes
// are reported at once. It is nil if they lack nothing, or if none of them is what
// failed. It is no [*OptionError], because the Service may exist.
func ifNew(failed error, options *edits.Set) error {
	if _, ok := asType[*OptionError](failed); !ok {
		return nil
	}
	var lacks []string
	if !options.Mentions(spec.ThingImage) && !edits.Has[serviceEdit](options) {
		lacks = append(lacks, "an image")
	}
	if cfg := edits.Configure(options, deployConfig{}); cfg.noTraffic && !cfg.firstServes {
		lacks = append(lacks, "WithNoTrafficIfExists in place of WithNoTraffic")
	}
	if lacks == nil {
		return nil
	}
	return fmt.Errorf("if the service is new, it also needs %s", strings.Join(lacks, ", and "))
}

// asIs is for a call that creates no Service.
func asIs(error, *edits.Set) error { return nil }

// EditService changes a Service in a way that no option does. edit may be
// called several times, each time on a fresh copy, and should be quick. It runs
// after all other options. If it returns an error, the call fails and nothing
// is sent. The change counts as one of the template, so a new Revision is made.
func EditService(edit func(*servingv1.Service) error) ServiceOption {
	return onService(edits.Setting{Option: "EditService", Phase: edits.PhaseCustom, Err: notNil(edit == nil), Do: serviceEdit(edit)})
}

// EditContainer changes a container in a way that no option does, like [EditService].
func EditContainer(edit func(*corev1.Container) error) ContainerOption {
	return onContainer(spec.EditContainer("EditContainer", notNil(edit == nil), edit))
}

func notNil(isNil bool) error {
	if isNil {
		return errors.New("the function is nil")
	}
	return nil
}
