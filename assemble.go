package cloudrun

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/names"
)

// maxContainers is Cloud Run's limit.
const maxContainers = 10

// NewService assembles a Service from options, as gcloud run deploy does for a
// new one. Nothing is sent. The same options, in any order, give the same Service.
//
// The result has what was asked for and startup CPU boost, which gcloud
// switches on for new Services; all else is left to the server's defaults. An
// image is required. The error joins an [*OptionError] for every problem.
func NewService(name string, opts ...ServiceOption) (*servingv1.Service, error) {
	options, err := collect(edits.Of(opts))
	if err = errors.Join(names.ClusterService(name), err); err != nil {
		return nil, fmt.Errorf("new service %q: %w", name, err)
	}
	s, err := newService(name, options)
	if err != nil {
		return nil, fmt.Errorf("new service %q: %w", name, err)
	}
	return s, nil
}

// newService makes a new Service as options ask.
func newService(name string, options *edits.Set) (*servingv1.Service, error) {
	s := &servingv1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: servingAPIVersion, Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}
	setAnnotation(&s.Spec.Template.ObjectMeta, annotationCPUBoost, "True")
	if err := editService(s, options); err != nil {
		return nil, err
	}
	if err := checkContainers(s.Spec.Template.Spec.Containers); err != nil {
		return nil, err
	}
	return s, nil
}

// checkContainers refuses a set of containers that Cloud Run would refuse.
func checkContainers(containers []corev1.Container) error {
	if len(containers) == 0 {
		return &OptionError{Option: "WithImage", Reason: "it is missing: a new service needs an image"}
	}
	if len(containers) > maxContainers {
		return fmt.Errorf("%d containers: at most %d are allowed", len(containers), maxContainers)
	}
	var problems []error
	withPort := 0
	for _, c := range containers {
		if c.Image == "" {
			problems = append(problems, &OptionError{Option: "WithImage", Reason: fmt.Sprintf("it is missing: %s needs an image", containerTitle(c))})
		}
		if len(c.Ports) > 0 {
			withPort++
		}
	}
	if len(containers) > 1 && withPort != 1 {
		problems = append(problems, &OptionError{Option: "WithPort",
			Reason: fmt.Sprintf("of several containers exactly one must have a port, and gets the requests; here %d have one", withPort)})
	}
	return errors.Join(problems...)
}

func containerTitle(c corev1.Container) string {
	if c.Name == "" {
		return "the container"
	}
	return fmt.Sprintf("container %q", c.Name)
}
