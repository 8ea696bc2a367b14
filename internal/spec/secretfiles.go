package spec

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// putFile puts a version of a secret into a file.
func putFile(w *Workload, c *corev1.Container, dir, name string, v SecretVersion) error {
	secret := aliasFor(w, v.Secret)
	item := corev1.KeyToPath{Key: v.Version, Path: name}
	i := mountAt(c, dir)
	if i < 0 || !hasVolume(w.Pod, c.VolumeMounts[i].Name) {
		volume := newSecretVolume(w.Pod, secret, dir)
		volume.Secret.Items = []corev1.KeyToPath{item}
		setMount(c, volume.Name, dir)
		return nil
	}
	is := secretVolume(w.Pod, c.VolumeMounts[i].Name)
	switch {
	case is == nil:
		return fmt.Errorf("volume %q, which is not a secret, is mounted at %q: remove that with WithoutVolumeMount(%q)", c.VolumeMounts[i].Name, dir, dir)
	case is.SecretName != secret && len(is.Items) > 0:
		return fmt.Errorf("secret %q is mounted at %q: a directory can have files of one secret only", is.SecretName, dir)
	case slices.Contains(is.Items, item):
		return nil
	}
	is = ownVolume(w.Pod, c, i)
	is.SecretName = secret
	if j := itemAt(is, name); j >= 0 {
		is.Items[j].Key = v.Version
		return nil
	}
	is.Items = append(is.Items, item)
	return nil
}

// evictFile takes a file from a secret that is not the given one.
func evictFile(w *Workload, c *corev1.Container, dir, name, secret string) {
	i := mountAt(c, dir)
	if i < 0 {
		return
	}
	is := secretVolume(w.Pod, c.VolumeMounts[i].Name)
	if is == nil || itemAt(is, name) < 0 || is.SecretName == aliasFor(w, secret) {
		return
	}
	is = ownVolume(w.Pod, c, i)
	is.Items = slices.Delete(is.Items, itemAt(is, name), itemAt(is, name)+1)
}

// dropFiles removes files of a secret from a directory, and the mount with the last of them.
func dropFiles(pod *corev1.PodSpec, c *corev1.Container, dir string, gone func(string) bool) {
	i := mountAt(c, dir)
	if i < 0 {
		return
	}
	is := secretVolume(pod, c.VolumeMounts[i].Name)
	isGone := func(item corev1.KeyToPath) bool { return gone(item.Path) }
	if is == nil || len(is.Items) > 0 && !slices.ContainsFunc(is.Items, isGone) {
		return
	}
	is = ownVolume(pod, c, i)
	if is.Items = slices.DeleteFunc(is.Items, isGone); len(is.Items) > 0 {
		return
	}
	c.VolumeMounts = slices.Delete(c.VolumeMounts, i, i+1)
}

// dropUnmountedSecrets removes the secret volumes that no container mounts.
func dropUnmountedSecrets(pod *corev1.PodSpec) {
	pod.Volumes = slices.DeleteFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Secret != nil && mounts(pod, v.Name) == 0 })
}

// ownVolume returns the secret volume of a mount. A volume that others mount too is copied first.
func ownVolume(pod *corev1.PodSpec, c *corev1.Container, mount int) *corev1.SecretVolumeSource {
	m := &c.VolumeMounts[mount]
	is := secretVolume(pod, m.Name)
	if mounts(pod, m.Name) == 1 {
		return is
	}
	volume := newSecretVolume(pod, is.SecretName, m.MountPath)
	volume.Secret = secretVolume(pod, m.Name).DeepCopy()
	m.Name = volume.Name
	return volume.Secret
}

// newSecretVolume adds a volume with a name that is not taken. gcloud makes
// random names; this one comes from the use of the volume, so that the same
// input gives the same output.
func newSecretVolume(pod *corev1.PodSpec, secret, dir string) *corev1.Volume {
	for try := 0; ; try++ {
		name := fmt.Sprintf("%.40s-%s", secret, words(fmt.Sprintf("%s %s %d", secret, dir, try)))
		if hasVolume(pod, name) {
			continue
		}
		source := corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret}}
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: name, VolumeSource: source})
		return &pod.Volumes[len(pod.Volumes)-1]
	}
}

// words turns a text into three syllables, as gcloud's names have.
func words(text string) string {
	const consonants, vowels = "bcdfghjklmnpqrstvwxyz", "aeiou"
	sum := sha256.Sum256([]byte(text))
	n := binary.BigEndian.Uint64(sum[:])
	pick := func(letters string) byte {
		i := n % uint64(len(letters))
		n /= uint64(len(letters))
		return letters[i]
	}
	all := make([]string, 3)
	for i := range all {
		all[i] = string([]byte{pick(consonants), pick(vowels), pick(consonants)})
	}
	return strings.Join(all, "-")
}

func itemAt(v *corev1.SecretVolumeSource, name string) int {
	return slices.IndexFunc(v.Items, func(item corev1.KeyToPath) bool { return item.Path == name })
}
