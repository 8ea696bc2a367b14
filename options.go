package cloudrun

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// DeployOption configures one call of [Deployer.Deploy]. Every [ServiceOption]
// and every [ContainerOption] is one too.
//
// # Rules of all options
//
// An option is a named edit: it has the same effect on a new Service as on an
// existing one, and is applied again when a write has to be repeated. The
// options of a call are collected, checked as a set, and applied in one fixed
// order, so the order of the arguments never matters: what empties a
// collection first (SetX, ClearX), then what removes from it (WithoutX), then
// what adds to it or sets a value (WithX), then what is derived from other
// settings, and last the edits of [EditContainer] and [EditService], which
// alone keep the order in which they are given.
//
// An element that is taken out and put in again keeps its place, and one that
// is as asked for already is left alone, so that options which ask for what is
// there change nothing.
//
// Two options that set one thing to different values are an error that names
// both; the same one given twice is fine. Every problem of a call is reported
// at once, as joined [*OptionError] values. What a Deployer has as defaults
// gives way to what a call sets.
type DeployOption interface {
	settings() []setting
	onDeploy()
}

// ServiceOption edits a Service. See [DeployOption] for the rules.
type ServiceOption interface {
	DeployOption
	onService()
}

// ContainerOption edits one container of a Service: its ingress container,
// or the one that [WithContainer] names. See [DeployOption] for the rules.
type ContainerOption interface {
	ServiceOption
	onContainer()
}

// CheckOptions reports what is wrong with options, as far as that can be told
// without a Service: a call with them would fail before anything is sent. The
// error joins an [*OptionError] for every problem.
func CheckOptions(opts ...DeployOption) error {
	_, err := newPlan(opts)
	return err
}

// phase is when a setting is applied, in the order of the constants.
type phase int

const (
	phaseRemoveContainer phase = iota // containers go
	phaseContainer                    // containers come, with their image and ports
	phaseEmpty                        // SetX and ClearX empty a collection
	phaseRemove                       // WithoutX
	phaseSet                          // WithX, and every plain value
	phaseDerive                       // what follows from other settings
	phaseCustom                       // the caller's own edits
)

// claim says that a setting decides one thing, and how. Two settings of a call
// that claim the same thing with different values contradict each other.
type claim struct {
	thing string // in words, for messages: "the CPU limit"
	value string // only compared, never shown: it may be a secret
}

// setting is what an option asks for.
type setting struct {
	option string // as the program wrote it, without secrets: WithCPU("2")
	phase  phase
	claims []claim
	err    error // what is wrong with the argument, if anything

	// plain settings are about the Service itself and make no new Revision;
	// all others change the template.
	plain bool

	// Exactly one of these is set. A container's edit gets the Service around it too.
	deploy    func(*deployConfig)
	service   func(*servingv1.Service) error
	container func(*servingv1.Service, *corev1.Container) error

	in     string // name of the container, empty for the ingress container
	port   bool   // gives its container a port, which makes it the ingress container
	order  string // place within the phase; by default that of the first claim's thing
	unless string // a thing: where another setting of the call decides it, this one is void
}

type serviceOption struct{ list []setting }

func (o serviceOption) settings() []setting { return o.list }
func (serviceOption) onDeploy()             {}
func (serviceOption) onService()            {}

type containerOption struct{ list []setting }

func (o containerOption) settings() []setting { return o.list }
func (containerOption) onDeploy()             {}
func (containerOption) onService()            {}
func (containerOption) onContainer()          {}

func onService(s ...setting) ServiceOption     { return serviceOption{s} }
func onContainer(s ...setting) ContainerOption { return containerOption{s} }

// call shows an option as a program writes it.
func call(name string, args ...any) string {
	shown := make([]string, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case string:
			shown[i] = fmt.Sprintf("%.120q", a)
		case hidden:
			shown[i] = "…"
		default:
			shown[i] = fmt.Sprintf("%+v", a)
		}
	}
	return name + "(" + strings.Join(shown, ", ") + ")"
}

// hidden stands for an argument that messages must not show.
type hidden struct{}

// decides is the single claim of most settings.
func decides(thing, value string) []claim { return []claim{{thing, value}} }

// perItem makes one setting for each item of a collection.
func perItem[T any](items []T, one func(T) setting) []setting {
	all := make([]setting, 0, len(items))
	for _, item := range items {
		all = append(all, one(item))
	}
	return all
}

// EditService changes a Service in a way that no option does. edit may be
// called several times, each time on a fresh copy, and should be quick. It
// runs after all other options; its error ends the call before anything is
// sent. The change counts as one of the template, so a new Revision is made.
func EditService(edit func(*servingv1.Service) error) ServiceOption {
	s := setting{option: "EditService", phase: phaseCustom, service: edit}
	if edit == nil {
		s.err = errors.New("the function is nil")
	}
	return onService(s)
}

// EditContainer changes a container in a way that no option does, like [EditService].
func EditContainer(edit func(*corev1.Container) error) ContainerOption {
	s := setting{option: "EditContainer", phase: phaseCustom}
	if edit == nil {
		s.err = errors.New("the function is nil")
	}
	s.container = func(_ *servingv1.Service, c *corev1.Container) error { return edit(c) }
	return onContainer(s)
}

// WithContainer applies options to the container of that name, which is
// created if there is none. With several containers, the one with a port is
// the ingress container, to which options outside of WithContainer belong.
// Flag: --container.
func WithContainer(name string, opts ...ContainerOption) ServiceOption {
	return onService(withContainer(call("WithContainer", name), name, opts)...)
}

// SetContainer replaces the container of that name by a new one, which has
// what the options say and nothing of the old one; other containers depend on
// it no more. It is created if there is none. Flags: --remove-containers
// together with --container.
func SetContainer(name string, opts ...ContainerOption) ServiceOption {
	option := call("SetContainer", name)
	remove := setting{
		option: option, phase: phaseRemoveContainer, claims: []claim{{containerExists(name), "yes"}, {"all of" + ofContainer(name), "new"}},
		service: func(s *servingv1.Service) error {
			dropContainer(s, name)
			return pruneDependencies(s)
		},
	}
	return onService(append([]setting{remove}, withContainer(option, name, opts)...)...)
}

// withContainer are the settings of a container, and one that there is such a container.
func withContainer(option, name string, opts []ContainerOption) []setting {
	exists := setting{
		option: option, phase: phaseContainer, in: name, err: checkContainerName(name),
		claims:    decides(containerExists(name), "yes"),
		container: func(*servingv1.Service, *corev1.Container) error { return nil },
	}
	all := []setting{exists}
	for i, o := range opts {
		if o == nil {
			exists.err = fmt.Errorf("option %d is nil", i+1)
			return []setting{exists}
		}
		for _, s := range o.settings() {
			s.in = name
			s.option = option + " " + s.option
			s.claims = slices.Clone(s.claims)
			for i := range s.claims {
				s.claims[i].thing += ofContainer(name)
			}
			all = append(all, s)
		}
	}
	return all
}

// dropContainer removes the container of that name, if there is one.
func dropContainer(s *servingv1.Service, name string) {
	spec := &s.Spec.Template.Spec
	spec.Containers = slices.DeleteFunc(spec.Containers, func(c corev1.Container) bool { return c.Name == name })
}

func containerExists(name string) string { return fmt.Sprintf("whether there is a container %q", name) }

// ofContainer tells apart what one container decides from what another does.
func ofContainer(name string) string { return fmt.Sprintf(" of container %q", name) }

// WithoutContainer removes the container of that name, if there is one, and
// what other containers say about depending on it. Flag: --remove-containers.
func WithoutContainer(name string) ServiceOption {
	remove := setting{
		option: call("WithoutContainer", name), phase: phaseRemoveContainer, err: checkContainerName(name),
		claims: decides(containerExists(name), "no"),
		service: func(s *servingv1.Service) error {
			dropContainer(s, name)
			return nil
		},
	}
	if remove.err != nil {
		return onService(remove)
	}
	return onService(remove, setting{option: remove.option, phase: phaseDerive, service: pruneDependencies})
}

func checkContainerName(name string) error {
	if name == "" {
		return errors.New("the container's name is empty")
	}
	return nil
}
