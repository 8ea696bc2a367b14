package cloudrun

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// The functions that the settings of a Service have, besides those that
// configure a call.
type (
	// metadataEdit changes the Service itself, which makes no new Revision.
	metadataEdit func(*servingv1.Service) error
	// templateEdit changes the template.
	templateEdit func(*servingv1.Service) error
	// containerEdit changes a container of the template.
	containerEdit struct {
		in   string // the name of the container; empty for the ingress container
		port bool   // it gives the container a port, which makes that the ingress container
		edit func(*servingv1.Service, *corev1.Container) error
	}
)

// collect checks options, from the weakest layer to the strongest, as a set.
func collect(layers ...[]edits.Setting) (*edits.Set, error) {
	set, err := edits.New(layers...)
	return set, optionErrors(err)
}

// optionErrors returns what is wrong with options as joined [*OptionError] values.
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

// serviceTarget is a Service that options edit.
type serviceTarget struct {
	service *servingv1.Service
	was     places
}

// editService edits a Service as options ask.
func editService(s *servingv1.Service, set *edits.Set) error {
	t := &serviceTarget{service: s, was: placesOf(s)}
	cleanOnUpdate(s)
	return optionErrors(set.Apply(t))
}

// Settle gives the elements of lists their old places back.
func (t *serviceTarget) Settle() { t.was.restore(t.service) }

// Edit carries out one setting.
func (t *serviceTarget) Edit(step edits.Step) error {
	switch do := step.Do.(type) {
	case metadataEdit:
		return do(t.service)
	case templateEdit:
		return do(t.service)
	case containerEdit:
		return t.editContainer(step, do)
	}
	return nil
}

func (t *serviceTarget) editContainer(step edits.Step, do containerEdit) error {
	c, err := findContainer(t.service, do.in)
	if err != nil {
		return err
	}
	if do.in == "" && c.Name != "" { // options may mean it by its name as well
		if yields, err := step.Yields(containerScope(c.Name)); err != nil || yields {
			return err
		}
	}
	return do.edit(t.service, c)
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
