package spec

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// DependsOn replaces the containers that a container starts after.
func DependsOn(option string, containers []string) edits.Setting {
	containers = slices.Compact(slices.Sorted(slices.Values(containers)))
	var err error
	if slices.Contains(containers, "") {
		err = errors.New("the name of a container is empty")
	}
	return inContainer(option, edits.PhaseSet, edits.Decides("the dependencies", edits.List(containers)), err, func(w *Workload, c *corev1.Container) error {
		return setDependencies(w, c.Name, containers)
	})
}

func setDependencies(w *Workload, container string, on []string) error {
	if container == "" {
		return errors.New("the container has no name: only named ones can depend on others, see WithContainer")
	}
	for _, name := range on {
		if name == container {
			return errors.New("a container cannot depend on itself")
		}
		if !hasContainer(w.Pod, name) {
			return fmt.Errorf("there is no container %q to depend on", name)
		}
	}
	return editDependencies(w, func(all map[string][]string) { all[container] = on })
}

// pruneDependencies removes the dependencies of and on containers that do not exist.
func pruneDependencies(w *Workload) error {
	return editDependencies(w, func(all map[string][]string) {
		for container, on := range all {
			all[container] = slices.DeleteFunc(on, func(name string) bool { return !hasContainer(w.Pod, name) })
			if !hasContainer(w.Pod, container) {
				delete(all, container)
			}
		}
	})
}

// editDependencies edits the annotation that maps each container to those that it depends on.
func editDependencies(w *Workload, edit func(map[string][]string)) error {
	all := map[string][]string{}
	if err := ReadJSON(w.Template, AnnotationDependencies, &all); err != nil {
		return err
	}
	edit(all)
	for container, on := range all {
		if len(on) == 0 {
			delete(all, container)
		}
	}
	return WriteJSON(w.Template, AnnotationDependencies, all, len(all) == 0)
}
