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

// Things that more is known of than that options decide them.
const (
	thingImage        = "the image"
	thingRevisionName = "the name of the revision"
)

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
	cfg := deployConfig{wait: defaultWait()}
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
