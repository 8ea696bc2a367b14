package spec

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// containerScope is a container as the scope of settings.
func containerScope(name string) string { return fmt.Sprintf("container %q", name) }

// findContainer finds the container of that name, or adds one. Without a name
// it finds the ingress container.
func findContainer(pod *corev1.PodSpec, name string) (*corev1.Container, error) {
	if name == "" {
		return IngressContainer(pod)
	}
	for i := range pod.Containers {
		if pod.Containers[i].Name == name {
			return &pod.Containers[i], nil
		}
	}
	pod.Containers = append(pod.Containers, corev1.Container{Name: name})
	return &pod.Containers[len(pod.Containers)-1], nil
}

// IngressContainer returns the container that receives the requests: the only
// one, or the first with a port. A pod without containers gets one without a name.
func IngressContainer(pod *corev1.PodSpec) (*corev1.Container, error) {
	switch len(pod.Containers) {
	case 0:
		pod.Containers = []corev1.Container{{}}
		return &pod.Containers[0], nil
	case 1:
		return &pod.Containers[0], nil
	}
	for i := range pod.Containers {
		if len(pod.Containers[i].Ports) > 0 {
			return &pod.Containers[i], nil
		}
	}
	return nil, errors.New("the service has several containers and none has a port, so none is the ingress container: name the one meant with WithContainer")
}

// isIngress reports whether the container receives the requests.
func isIngress(pod *corev1.PodSpec, c *corev1.Container) bool {
	return len(pod.Containers) == 1 || len(c.Ports) > 0
}

func hasContainer(pod *corev1.PodSpec, name string) bool {
	return slices.ContainsFunc(pod.Containers, func(c corev1.Container) bool { return c.Name == name })
}

// dropContainer removes the container of that name, if there is one.
func dropContainer(pod *corev1.PodSpec, name string) {
	pod.Containers = slices.DeleteFunc(pod.Containers, func(c corev1.Container) bool { return c.Name == name })
}

// setMount mounts a volume, in place of what is mounted there.
func setMount(c *corev1.Container, volume, dir string) {
	if i := mountAt(c, dir); i >= 0 {
		c.VolumeMounts[i].Name = volume
		return
	}
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: dir})
}

func mountAt(c *corev1.Container, dir string) int {
	return slices.IndexFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == dir })
}

// mounts counts the mounts of a volume.
func mounts(pod *corev1.PodSpec, volume string) (n int) {
	for _, c := range pod.Containers {
		for _, m := range c.VolumeMounts {
			if m.Name == volume {
				n++
			}
		}
	}
	return n
}

func hasVolume(pod *corev1.PodSpec, name string) bool {
	return slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == name })
}

// secretVolume returns the volume of that name if it is one of a secret.
func secretVolume(pod *corev1.PodSpec, name string) *corev1.SecretVolumeSource {
	i := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return pod.Volumes[i].Secret
}
