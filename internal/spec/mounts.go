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
