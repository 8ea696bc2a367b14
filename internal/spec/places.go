package spec

import (
	"cmp"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// places records the original order of list elements, so that an edit does not
// reorder them: an element that is removed and added again, as by ClearEnv with
// WithEnv, goes back to its place.
type places map[place]int

type place struct{ list, container, element string }

func placesOf(pod *corev1.PodSpec) places {
	p := places{}
	for i, v := range pod.Volumes {
		p[volumePlace(v)] = i
	}
	for _, c := range pod.Containers {
		for i, v := range c.Env {
			p[envPlace(c.Name)(v)] = i
		}
		for i, m := range c.VolumeMounts {
			p[mountPlace(c.Name)(m)] = i
		}
	}
	return p
}

// restore puts the elements that were there in their original order, and new ones behind them.
func (p places) restore(pod *corev1.PodSpec) {
	restore(p, pod.Volumes, volumePlace)
	for _, c := range pod.Containers {
		restore(p, c.Env, envPlace(c.Name))
		restore(p, c.VolumeMounts, mountPlace(c.Name))
	}
}

func restore[T any](p places, list []T, of func(T) place) {
	index := func(element T) int {
		if i, ok := p[of(element)]; ok {
			return i
		}
		return math.MaxInt
	}
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(index(a), index(b)) })
}

func volumePlace(v corev1.Volume) place { return place{"volume", "", v.Name} }

func envPlace(container string) func(corev1.EnvVar) place {
	return func(v corev1.EnvVar) place { return place{"env", container, v.Name} }
}

func mountPlace(container string) func(corev1.VolumeMount) place {
	return func(m corev1.VolumeMount) place { return place{"mount", container, m.MountPath} }
}
