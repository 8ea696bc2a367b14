package spec

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// Mount mounts a volume at a path, in place of what is mounted there.
func Mount(option, volume, dir string) edits.Setting {
	err := errors.Join(edits.NotEmpty("volume", volume), checkMountPath(dir))
	s := editContainer(option, mountThing(dir), "="+volume, err, func(c *corev1.Container) { setMount(c, volume, dir) })
	s.Claims = s.Claims.And(secretMountThing(dir), noValue)
	return s
}

// Unmount unmounts what is mounted at paths.
func Unmount(option string, dirs []string) []edits.Setting {
	return edits.Each(dirs, func(dir string) edits.Setting {
		return in(edits.PhaseEmpty, editContainer(option, mountThing(dir), noValue, checkMountPath(dir), func(c *corev1.Container) {
			c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == dir })
		}))
	})
}

// ClearMounts unmounts everything in a container.
func ClearMounts(option string) edits.Setting {
	return in(edits.PhaseEmpty, editContainer(option, "all volume mounts", noValue, nil, func(c *corev1.Container) { c.VolumeMounts = nil }))
}

func mountThing(dir string) string { return fmt.Sprintf("the volume mounted at %q", dir) }

func checkMountPath(dir string) error {
	if !path.IsAbs(dir) || path.Clean(dir) == "/" || strings.Contains(dir, ":") {
		return errors.New("the path must be absolute, other than the root, and without a colon")
	}
	return nil
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
