package cloudrun

import (
	"cmp"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// places tells where the elements of a Service's lists stood before it was
// edited, so that one that is taken out and put in again, as by ClearEnv with
// WithEnv, does not change the Service by its new place alone.
type places map[[3]string]int

func placesOf(s *servingv1.Service) places {
	p := places{}
	spec := &s.Spec.Template.Spec
	for i, v := range spec.Volumes {
		p[volumeKey(v)] = i
	}
	for _, c := range spec.Containers {
		for i, v := range c.Env {
			p[envKey(c.Name)(v)] = i
		}
		for i, m := range c.VolumeMounts {
			p[mountKey(c.Name)(m)] = i
		}
	}
	return p
}

// restore puts what stood there before in its old order, and what is new behind it.
func (p places) restore(s *servingv1.Service) {
	spec := &s.Spec.Template.Spec
	restore(p, spec.Volumes, volumeKey)
	for _, c := range spec.Containers {
		restore(p, c.Env, envKey(c.Name))
		restore(p, c.VolumeMounts, mountKey(c.Name))
	}
}

func restore[T any](p places, list []T, key func(T) [3]string) {
	place := func(element T) int {
		if i, ok := p[key(element)]; ok {
			return i
		}
		return math.MaxInt
	}
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(place(a), place(b)) })
}

func volumeKey(v corev1.Volume) [3]string { return [3]string{"volume", "", v.Name} }

func envKey(container string) func(corev1.EnvVar) [3]string {
	return func(v corev1.EnvVar) [3]string { return [3]string{"env", container, v.Name} }
}

func mountKey(container string) func(corev1.VolumeMount) [3]string {
	return func(m corev1.VolumeMount) [3]string { return [3]string{"mount", container, m.MountPath} }
}
