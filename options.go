package cloudrun

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
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
	edits.Option
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
	_, err := collect(edits.Of(opts))
	return err
}

// setting is what an option asks for.
type setting struct {
	option string // as the program wrote it, without secrets: WithCPU("2")
	phase  edits.Phase
	claims edits.Claims
	err    error // what is wrong with the argument, if anything

	// plain settings are about the Service itself and make no new Revision;
	// all others change the template.
	plain bool

	// Exactly one of these is set. A container's edit gets the Service around it too.
	service   func(*servingv1.Service) error
	container func(*servingv1.Service, *corev1.Container) error

	port   bool   // gives its container a port, which makes it the ingress container
	order  string // place within the phase; by default that of the first claim's thing
	unless string // skip this setting if another one decides that thing
}

func (s setting) edit() edits.Setting {
	e := edits.Setting{Option: s.option, Err: s.err, Claims: s.claims, Phase: s.phase, Order: s.order, Unless: s.unless}
	switch {
	case s.plain:
		e.Do = metadataEdit(s.service)
	case s.container != nil:
		e.Do = containerEdit{port: s.port, edit: s.container}
	default:
		e.Do = templateEdit(s.service)
	}
	return e
}

func asEdits(settings []setting) []edits.Setting {
	all := make([]edits.Setting, len(settings))
	for i, s := range settings {
		all[i] = s.edit()
	}
	return all
}

type serviceOption struct{ list []edits.Setting }

func (o serviceOption) Settings() []edits.Setting { return o.list }
func (serviceOption) onDeploy()                   {}
func (serviceOption) onService()                  {}

type containerOption struct{ list []edits.Setting }

func (o containerOption) Settings() []edits.Setting { return o.list }
func (containerOption) onDeploy()                   {}
func (containerOption) onService()                  {}
func (containerOption) onContainer()                {}

func onService(s ...setting) ServiceOption     { return serviceOption{asEdits(s)} }
func onContainer(s ...setting) ContainerOption { return containerOption{asEdits(s)} }

// perItem makes one setting for each item of a collection.
func perItem[T, S any](items []T, one func(T) S) []S {
	all := make([]S, 0, len(items))
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
	s := setting{option: "EditService", phase: edits.PhaseCustom, service: edit}
	if edit == nil {
		s.err = errors.New("the function is nil")
	}
	return onService(s)
}

// EditContainer changes a container in a way that no option does, like [EditService].
func EditContainer(edit func(*corev1.Container) error) ContainerOption {
	s := setting{option: "EditContainer", phase: edits.PhaseCustom}
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
	return serviceOption{withContainer(edits.Spell("WithContainer", name), name, opts)}
}

// SetContainer replaces the container of that name by a new one, which has
// what the options say and nothing of the old one; other containers depend on
// it no more. It is created if there is none. Flags: --remove-containers
// together with --container.
func SetContainer(name string, opts ...ContainerOption) ServiceOption {
	option := edits.Spell("SetContainer", name)
	remove := setting{
		option: option, phase: edits.PhaseDropElements,
		claims: edits.Decides(containerExists(name), "yes").And("all of "+containerScope(name), "new"),
		service: func(s *servingv1.Service) error {
			dropContainer(s, name)
			return pruneDependencies(s)
		},
	}
	return serviceOption{append([]edits.Setting{remove.edit()}, withContainer(option, name, opts)...)}
}

// withContainer returns the settings of a container, and one that adds it.
func withContainer(option, name string, opts []ContainerOption) []edits.Setting {
	exists := edits.Setting{
		Option: option, Phase: edits.PhaseAddElements, Rank: 1, Err: checkContainerName(name),
		Claims: edits.Decides(containerExists(name), "yes"),
		Do:     containerEdit{in: name, edit: func(*servingv1.Service, *corev1.Container) error { return nil }},
	}
	all := []edits.Setting{exists}
	for i, o := range opts {
		if o == nil {
			exists.Err = fmt.Errorf("option %d is nil", i+1)
			return []edits.Setting{exists}
		}
		for _, s := range edits.Within(option, containerScope(name), o.Settings()) {
			all = append(all, inContainer(name, s))
		}
	}
	return all
}

// inContainer narrows a setting down to the container of that name. The ingress
// container must be known before others are added: it comes first if it has a
// name, which a port shows.
func inContainer(name string, s edits.Setting) edits.Setting {
	do, ok := s.Do.(containerEdit)
	if !ok {
		return s
	}
	do.in = name
	s.Do = do
	switch {
	case s.Phase != edits.PhaseAddElements:
	case do.port:
		s.Rank = -1
	default:
		s.Rank = 1
	}
	return s
}

// dropContainer removes the container of that name, if there is one.
func dropContainer(s *servingv1.Service, name string) {
	spec := &s.Spec.Template.Spec
	spec.Containers = slices.DeleteFunc(spec.Containers, func(c corev1.Container) bool { return c.Name == name })
}

func containerExists(name string) string { return fmt.Sprintf("whether there is a container %q", name) }

// containerScope is a container as the scope of settings.
func containerScope(name string) string { return fmt.Sprintf("container %q", name) }

// WithoutContainer removes the container of that name, if there is one, and
// what other containers say about depending on it. Flag: --remove-containers.
func WithoutContainer(name string) ServiceOption {
	remove := setting{
		option: edits.Spell("WithoutContainer", name), phase: edits.PhaseDropElements, err: checkContainerName(name),
		claims: edits.Decides(containerExists(name), "no"),
		service: func(s *servingv1.Service) error {
			dropContainer(s, name)
			return nil
		},
	}
	if remove.err != nil {
		return onService(remove)
	}
	return onService(remove, setting{option: remove.option, phase: edits.PhaseDerive, service: pruneDependencies})
}

func checkContainerName(name string) error {
	if name == "" {
		return errors.New("the container's name is empty")
	}
	return nil
}
