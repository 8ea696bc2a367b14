package spec

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// InContainer returns the settings of the container of that name: the nested
// ones, and one that adds the container if it does not exist.
func InContainer(option, name string, nested []edits.Setting) []edits.Setting {
	exists := edits.Setting{
		Option: option, Phase: edits.PhaseAddElements, Rank: 1, Err: edits.NotEmpty("container's name", name),
		Claims: edits.Decides(containerExists(name), "yes"),
		Do:     ContainerEdit{In: name, Edit: func(*Workload, *corev1.Container) error { return nil }},
	}
	return append([]edits.Setting{exists}, edits.Each(edits.Within(option, containerScope(name), nested), func(s edits.Setting) edits.Setting {
		return narrowTo(name, s)
	})...)
}

// narrowTo narrows a setting down to the container of that name. The ingress
// container must be known before others are added: a named one with a port
// comes first, then the one without a name.
func narrowTo(name string, s edits.Setting) edits.Setting {
	do, ok := s.Do.(ContainerEdit)
	if !ok {
		return s
	}
	do.In = name
	s.Do = do
	switch {
	case s.Phase != edits.PhaseAddElements:
	case do.Port:
		s.Rank = -1
	default:
		s.Rank = 1
	}
	return s
}

// ReplaceContainer returns the settings of a new container of that name, in
// place of the existing one. Other containers no longer depend on it.
func ReplaceContainer(option, name string, nested []edits.Setting) []edits.Setting {
	remove := edits.Setting{
		Option: option, Phase: edits.PhaseDropElements,
		Claims: edits.Decides(containerExists(name), "yes").And("all of "+containerScope(name), "new"),
		Do: WorkloadEdit(func(w *Workload) error {
			dropContainer(w.Pod, name)
			return pruneDependencies(w)
		}),
	}
	return append([]edits.Setting{remove}, InContainer(option, name, nested)...)
}

// WithoutContainer removes the container of that name, and what others say
// about depending on it.
func WithoutContainer(option, name string) []edits.Setting {
	remove := edits.Setting{
		Option: option, Phase: edits.PhaseDropElements, Err: edits.NotEmpty("container's name", name),
		Claims: edits.Decides(containerExists(name), "no"),
		Do: WorkloadEdit(func(w *Workload) error {
			dropContainer(w.Pod, name)
			return nil
		}),
	}
	if remove.Err != nil {
		return []edits.Setting{remove}
	}
	return []edits.Setting{remove, {Option: option, Phase: edits.PhaseDerive, Do: WorkloadEdit(pruneDependencies)}}
}

// EditContainer is the caller's own edit of a container.
func EditContainer(option string, err error, edit func(*corev1.Container) error) edits.Setting {
	return inContainer(option, edits.PhaseCustom, nil, err, func(_ *Workload, c *corev1.Container) error { return edit(c) })
}

func containerExists(name string) string { return fmt.Sprintf("whether there is a container %q", name) }
