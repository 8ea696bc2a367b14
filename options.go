package cloudrun

import (
	"cmp"
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
// Two options that set one thing to different values are an error that names
// both; the same one given twice is fine. Every problem of a call is reported
// at once, as joined [*OptionError] values. What a Deployer has as defaults
// gives way to what a call sets.
type DeployOption interface{ settings() []setting }

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

type deployOption struct{ setting }

func (o deployOption) settings() []setting { return []setting{o.setting} }

type serviceOption struct{ list []setting }

func (o serviceOption) settings() []setting { return o.list }
func (serviceOption) onService()            {}

type containerOption struct{ list []setting }

func (o containerOption) settings() []setting { return o.list }
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
func perItem[T any](items []T, make func(T) setting) []setting {
	all := []setting{}
	for _, item := range items {
		all = append(all, make(item))
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
	exists := setting{
		option: call("WithContainer", name), phase: phaseContainer, in: name, err: checkContainerName(name),
		claims:    decides(containerExists(name), "yes"),
		container: func(*servingv1.Service, *corev1.Container) error { return nil },
	}
	all := []setting{exists}
	for i, o := range opts {
		if o == nil {
			exists.err = fmt.Errorf("option %d is nil", i+1)
			return onService(exists)
		}
		for _, s := range o.settings() {
			s.in = name
			s.option = call("WithContainer", name) + " " + s.option
			s.claims = slices.Clone(s.claims)
			for i := range s.claims {
				s.claims[i].thing += ofContainer(name)
			}
			all = append(all, s)
		}
	}
	return onService(all...)
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
			spec := &s.Spec.Template.Spec
			spec.Containers = slices.DeleteFunc(spec.Containers, func(c corev1.Container) bool { return c.Name == name })
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

// plan is what the options of a call ask for, checked.
type plan struct {
	layers [][]setting          // each in the order of application
	taken  []map[string]setting // of each layer, by the thing that they decide
}

// newPlan collects options, from the weakest layer to the strongest, and checks them as a set.
func newPlan(layers ...[]DeployOption) (*plan, error) {
	p := &plan{}
	var problems []error
	for _, opts := range layers {
		settings, errs := collect(opts)
		taken, conflicts := takeAll(settings)
		problems = append(append(problems, errs...), conflicts...)
		for i := range p.layers {
			p.layers[i] = giveWay(p.layers[i], taken)
		}
		p.layers = append(p.layers, settings)
		p.taken = append(p.taken, taken)
	}
	for i := range p.layers {
		p.layers[i] = slices.DeleteFunc(p.layers[i], func(s setting) bool { return p.decides(s.unless) })
	}
	return p, errors.Join(problems...)
}

// decides reports whether an option decides the thing.
func (p *plan) decides(thing string) bool {
	return slices.ContainsFunc(p.taken, func(taken map[string]setting) bool { _, ok := taken[thing]; return ok })
}

// collect gathers the settings of one layer in the order of application.
func collect(opts []DeployOption) (all []setting, problems []error) {
	for i, o := range opts {
		if o == nil {
			problems = append(problems, &OptionError{Option: fmt.Sprintf("option %d", i+1), Reason: "it is nil"})
			continue
		}
		for _, s := range o.settings() {
			if s.err != nil {
				problems = append(problems, &OptionError{Option: s.option, Reason: s.err.Error()})
				continue
			}
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, before)
	return all, problems
}

// takeAll notes who decides what, and finds the contradictions.
func takeAll(settings []setting) (taken map[string]setting, conflicts []error) {
	taken = map[string]setting{}
	for _, s := range settings {
		if err := s.contradicts(taken, ""); err != nil {
			conflicts = append(conflicts, err)
			continue
		}
		for _, c := range s.claims {
			if _, ok := taken[c.thing]; !ok {
				taken[c.thing] = s
			}
		}
	}
	return taken, conflicts
}

// contradicts finds a setting that decides otherwise what s decides, where the
// things that s decides are known under their name with a suffix.
func (s setting) contradicts(taken map[string]setting, suffix string) error {
	for _, c := range s.claims {
		other, ok := taken[c.thing+suffix]
		if ok && other.value(c.thing+suffix) != c.value {
			return &OptionError{Option: s.option, Conflict: other.option, Reason: "both decide " + c.thing + suffix}
		}
	}
	return nil
}

func (s setting) value(thing string) string {
	for _, c := range s.claims {
		if c.thing == thing {
			return c.value
		}
	}
	return ""
}

// before is the order of application. Within a phase it goes by what the
// settings decide, so that the order of the arguments does not show in the
// Service; the caller's own edits keep theirs.
func before(a, b setting) int {
	if a.phase != b.phase || a.phase == phaseCustom {
		return cmp.Compare(a.phase, b.phase)
	}
	return cmp.Or(cmp.Compare(a.rank(), b.rank()), strings.Compare(a.sortKey(), b.sortKey()))
}

// rank puts the ingress container first: the named one that is given a port,
// else the one that is there already or that the options outside of
// WithContainer make. It must be known before sidecars come.
func (s setting) rank() int {
	switch {
	case s.phase != phaseContainer:
		return 0
	case s.in != "" && s.port:
		return 0
	case s.in == "":
		return 1
	}
	return 2
}

func (s setting) sortKey() string {
	if s.order != "" || len(s.claims) == 0 {
		return s.order
	}
	return s.claims[0].thing
}

// giveWay drops the settings of a weaker layer that a stronger one decides otherwise.
func giveWay(weak []setting, strong map[string]setting) []setting {
	return slices.DeleteFunc(weak, func(s setting) bool { return s.contradicts(strong, "") != nil })
}

// apply edits a Service as the plan says.
func (p *plan) apply(s *servingv1.Service) error {
	was := placesOf(s)
	cleanOnUpdate(s)
	var problems []error
	for layer, settings := range p.layers {
		own := slices.IndexFunc(settings, func(set setting) bool { return set.phase == phaseCustom })
		if own < 0 {
			own = len(settings)
		}
		problems = append(problems, p.applyAll(layer, settings[:own], s))
		was.restore(s)
		problems = append(problems, p.applyAll(layer, settings[own:], s))
	}
	return errors.Join(problems...)
}

func (p *plan) applyAll(layer int, settings []setting, s *servingv1.Service) error {
	var problems []error
	for _, set := range settings {
		err := p.applyOne(layer, set, s)
		if _, told := asType[*OptionError](err); err != nil && !told {
			err = &OptionError{Option: set.option, Reason: err.Error()}
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (p *plan) applyOne(layer int, set setting, s *servingv1.Service) error {
	switch {
	case set.service != nil:
		return set.service(s)
	case set.container != nil:
		c, err := findContainer(s, set.in)
		if err != nil {
			return err
		}
		if set.in == "" && c.Name != "" { // options may mean it by its name as well
			for i, taken := range p.taken[layer:] {
				if err := set.contradicts(taken, ofContainer(c.Name)); err != nil && i == 0 {
					return err
				} else if err != nil { // a stronger layer decides
					return nil
				}
			}
		}
		return set.container(s, c)
	}
	return nil
}

// configure gathers what the plan says of the call itself.
func (p *plan) configure() deployConfig {
	var cfg deployConfig
	for _, layer := range p.layers {
		for _, s := range layer {
			if s.deploy != nil {
				s.deploy(&cfg)
			}
		}
	}
	return cfg
}

// any reports whether one of the settings is such.
func (p *plan) any(is func(setting) bool) bool {
	return slices.ContainsFunc(p.layers, func(layer []setting) bool { return slices.ContainsFunc(layer, is) })
}

// findContainer finds the container of that name, or adds one; without a name, it finds the ingress container.
func findContainer(s *servingv1.Service, name string) (*corev1.Container, error) {
	spec := &s.Spec.Template.Spec
	if name == "" {
		return ingressContainer(s)
	}
	for i := range spec.Containers {
		if spec.Containers[i].Name == name {
			return &spec.Containers[i], nil
		}
	}
	spec.Containers = append(spec.Containers, corev1.Container{Name: name})
	return &spec.Containers[len(spec.Containers)-1], nil
}

// ingressContainer is the container that gets the requests: the only one, or
// the first with a port. A new Service gets one without a name.
func ingressContainer(s *servingv1.Service) (*corev1.Container, error) {
	spec := &s.Spec.Template.Spec
	switch len(spec.Containers) {
	case 0:
		spec.Containers = []corev1.Container{{}}
		return &spec.Containers[0], nil
	case 1:
		return &spec.Containers[0], nil
	}
	for i := range spec.Containers {
		if len(spec.Containers[i].Ports) > 0 {
			return &spec.Containers[i], nil
		}
	}
	return nil, errors.New("the service has several containers and none has a port, so none is the ingress container: name the one meant with WithContainer")
}
