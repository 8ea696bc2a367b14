package cloudrun

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// Settings that other code refers to.
const (
	thingImage        = "the image"
	thingRevisionName = "the name of the revision"
)

// WithImage sets the container image, such as
// "europe-docker.pkg.dev/project/repo/app:v1". It is sent as it is, without
// looking up a digest. Flag: --image. Field: containers[].image.
func WithImage(image string) ContainerOption {
	s := editContainer(edits.Spell("WithImage", image), thingImage, image, func(c *corev1.Container) { c.Image = image })
	s.phase = edits.PhaseAddElements
	if image == "" || strings.ContainsFunc(image, isBlank) {
		s.err = errors.New("the image must not be empty or have blanks in it")
	}
	return onContainer(s)
}

// WithCommand sets the command that the container runs, in place of the
// entrypoint of its image. The whole command is replaced; without arguments
// the image's own entrypoint is used again. The arguments of the command, see
// [WithArgs], stay as they are. Flag: --command. Field: containers[].command.
func WithCommand(argv ...string) ContainerOption {
	argv = slices.Clone(argv)
	return onContainer(editContainer(edits.Spell("WithCommand", edits.Hidden{}), "the command", joined(argv), func(c *corev1.Container) { c.Command = argv }))
}

// WithArgs sets the arguments of the container's command. All of them are
// replaced; without arguments those of the image are used again.
// Flag: --args. Field: containers[].args.
func WithArgs(args ...string) ContainerOption {
	args = slices.Clone(args)
	return onContainer(editContainer(edits.Spell("WithArgs", edits.Hidden{}), "the arguments", joined(args), func(c *corev1.Container) { c.Args = args }))
}

// WithDependsOn has the container start after others, once their startup
// probes succeed. What it depended on before is replaced; without arguments it
// depends on none. All of them must exist.
//
//	cloudrun.WithContainer("app", cloudrun.WithDependsOn("proxy"))
//
// Flag: --depends-on. Field: the template annotation
// run.googleapis.com/container-dependencies.
func WithDependsOn(containers ...string) ContainerOption {
	containers = slices.Compact(slices.Sorted(slices.Values(containers)))
	s := setting{
		option: edits.SpellList("WithDependsOn", containers), phase: edits.PhaseSet, claims: edits.Decides("the dependencies", joined(containers)),
		container: func(s *servingv1.Service, c *corev1.Container) error { return setDependencies(s, c.Name, containers) },
	}
	if slices.Contains(containers, "") {
		s.err = errors.New("the name of a container is empty")
	}
	return onContainer(s)
}

// editContainer is a setting of one thing that every container has.
func editContainer(option, thing, value string, edit func(*corev1.Container)) setting {
	return setting{
		option: option, phase: edits.PhaseSet, claims: edits.Decides(thing, value),
		container: func(_ *servingv1.Service, c *corev1.Container) error {
			edit(c)
			return nil
		},
	}
}

func setDependencies(s *servingv1.Service, container string, on []string) error {
	if container == "" {
		return errors.New("the container has no name: only named ones can depend on others, see WithContainer")
	}
	for _, name := range on {
		if name == container {
			return errors.New("a container cannot depend on itself")
		}
		if !hasContainer(s, name) {
			return fmt.Errorf("there is no container %q to depend on", name)
		}
	}
	return editDependencies(s, func(all map[string][]string) { all[container] = on })
}

// pruneDependencies forgets the dependencies of and on containers that do not exist.
func pruneDependencies(s *servingv1.Service) error {
	return editDependencies(s, func(all map[string][]string) {
		for container, on := range all {
			all[container] = slices.DeleteFunc(on, func(name string) bool { return !hasContainer(s, name) })
			if !hasContainer(s, container) {
				delete(all, container)
			}
		}
	})
}

// editDependencies edits the annotation that maps each container to those that it depends on.
func editDependencies(s *servingv1.Service, edit func(map[string][]string)) error {
	all := map[string][]string{}
	if err := readAnnotation(&s.Spec.Template.ObjectMeta, annotationDependencies, &all); err != nil {
		return err
	}
	edit(all)
	for container, on := range all {
		if len(on) == 0 {
			delete(all, container)
		}
	}
	return writeAnnotation(&s.Spec.Template.ObjectMeta, annotationDependencies, all, len(all) == 0)
}

func hasContainer(s *servingv1.Service, name string) bool {
	return slices.ContainsFunc(s.Spec.Template.Spec.Containers, func(c corev1.Container) bool { return c.Name == name })
}
