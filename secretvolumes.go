package cloudrun

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

var (
	secretRE       = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,255}$`)
	remoteSecretRE = regexp.MustCompile(`^projects/[0-9]{1,19}/secrets/[a-zA-Z0-9_-]{1,255}$`)
)

// aliasFor is the name by which a Service knows a secret: its own, or for one
// of another project an alias, which the template maps to the full name.
func aliasFor(s *servingv1.Service, secret string) (string, error) {
	if !remoteSecretRE.MatchString(secret) {
		return secret, nil
	}
	aliases := readAliases(s)
	for _, alias := range sortedKeys(aliases) {
		if aliases[alias] == secret {
			return alias, nil
		}
	}
	_, name, _ := strings.Cut(secret, "/secrets/")
	sum := sha256.Sum256([]byte(secret)) // where gcloud has a random number: the same input must give the same Service
	alias := fmt.Sprintf("%.5s-%x-%x-%x-%x-%x", name, sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	aliases[alias] = secret
	writeAliases(s, aliases)
	return alias, nil
}

// pruneAliases forgets the aliases that nothing uses.
func pruneAliases(s *servingv1.Service) error {
	aliases := readAliases(s)
	for alias := range aliases {
		if !usesSecret(&s.Spec.Template.Spec, alias) {
			delete(aliases, alias)
		}
	}
	writeAliases(s, aliases)
	return nil
}

func usesSecret(spec *servingv1.RevisionSpec, name string) bool {
	for _, c := range spec.Containers {
		if slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return isSecret(v) && v.ValueFrom.SecretKeyRef.Name == name }) {
			return true
		}
	}
	return slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Secret != nil && v.Secret.SecretName == name })
}

// readAliases reads the annotation "alias:projects/N/secrets/NAME,…".
func readAliases(s *servingv1.Service) map[string]string {
	aliases := map[string]string{}
	for _, pair := range strings.Split(s.Spec.Template.Annotations[annotationSecrets], ",") {
		if alias, secret, ok := strings.Cut(pair, ":"); ok {
			aliases[alias] = secret
		}
	}
	return aliases
}

func writeAliases(s *servingv1.Service, aliases map[string]string) {
	pairs := make([]string, 0, len(aliases))
	for _, alias := range sortedKeys(aliases) {
		pairs = append(pairs, alias+":"+aliases[alias])
	}
	if was := strings.Split(s.Spec.Template.Annotations[annotationSecrets], ","); slices.Equal(slices.Sorted(slices.Values(was)), pairs) {
		return
	}
	setAnnotation(&s.Spec.Template.ObjectMeta, annotationSecrets, strings.Join(pairs, ","))
}

// putFile has a file hold a version of a secret.
func putFile(s *servingv1.Service, c *corev1.Container, dir, name string, v SecretVersion) error {
	secret, err := aliasFor(s, v.Secret)
	if err != nil {
		return err
	}
	item := corev1.KeyToPath{Key: v.Version, Path: name}
	i := mountAt(c, dir)
	if i < 0 || !hasVolume(s, c.VolumeMounts[i].Name) {
		volume := newSecretVolume(s, secret, dir)
		volume.Secret.Items = []corev1.KeyToPath{item}
		setMount(c, volume.Name, dir)
		return nil
	}
	is := secretVolume(s, c.VolumeMounts[i].Name)
	switch {
	case is == nil:
		return fmt.Errorf("volume %q, which is not a secret, is mounted at %q: remove that with WithoutVolumeMount(%q)", c.VolumeMounts[i].Name, dir, dir)
	case is.SecretName != secret && len(is.Items) > 0:
		return fmt.Errorf("secret %q is mounted at %q: a directory can have files of one secret only", is.SecretName, dir)
	case slices.Contains(is.Items, item):
		return nil
	}
	is = ownVolume(s, c, i)
	is.SecretName = secret
	if j := itemAt(is, name); j >= 0 {
		is.Items[j].Key = v.Version
		return nil
	}
	is.Items = append(is.Items, item)
	return nil
}

// evictFile takes a file away from a secret that is not the given one.
func evictFile(s *servingv1.Service, c *corev1.Container, dir, name, secret string) error {
	i := mountAt(c, dir)
	if i < 0 {
		return nil
	}
	is := secretVolume(s, c.VolumeMounts[i].Name)
	if is == nil || itemAt(is, name) < 0 {
		return nil
	}
	if alias, err := aliasFor(s, secret); err != nil || is.SecretName == alias {
		return err
	}
	is = ownVolume(s, c, i)
	is.Items = slices.Delete(is.Items, itemAt(is, name), itemAt(is, name)+1)
	return nil
}

// dropFiles removes files of a secret from a directory, and the volume with the last of them.
func dropFiles(s *servingv1.Service, c *corev1.Container, dir string, gone func(string) bool) {
	i := mountAt(c, dir)
	if i < 0 {
		return
	}
	is := secretVolume(s, c.VolumeMounts[i].Name)
	isGone := func(item corev1.KeyToPath) bool { return gone(item.Path) }
	if is == nil || len(is.Items) > 0 && !slices.ContainsFunc(is.Items, isGone) {
		return
	}
	is = ownVolume(s, c, i)
	if is.Items = slices.DeleteFunc(is.Items, isGone); len(is.Items) > 0 {
		return
	}
	c.VolumeMounts = slices.Delete(c.VolumeMounts, i, i+1)
}

// dropUnmountedSecrets removes the secret volumes that no container mounts.
func dropUnmountedSecrets(s *servingv1.Service) {
	spec := &s.Spec.Template.Spec
	spec.Volumes = slices.DeleteFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Secret != nil && mounts(s, v.Name) == 0 })
}

// ownVolume is the secret volume of a mount, copied first if others mount it too.
func ownVolume(s *servingv1.Service, c *corev1.Container, mount int) *corev1.SecretVolumeSource {
	m := &c.VolumeMounts[mount]
	is := secretVolume(s, m.Name)
	if mounts(s, m.Name) == 1 {
		return is
	}
	volume := newSecretVolume(s, is.SecretName, m.MountPath)
	volume.Secret = secretVolume(s, m.Name).DeepCopy()
	m.Name = volume.Name
	return volume.Secret
}

// newSecretVolume adds a volume under a name that is not taken. gcloud makes
// names up; this one comes from what the volume is for, so that the same input
// gives the same Service.
func newSecretVolume(s *servingv1.Service, secret, dir string) *corev1.Volume {
	spec := &s.Spec.Template.Spec
	for try := 0; ; try++ {
		name := fmt.Sprintf("%.40s-%s", secret, words(fmt.Sprintf("%s %s %d", secret, dir, try)))
		if hasVolume(s, name) {
			continue
		}
		source := corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret}}
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: name, VolumeSource: source})
		return &spec.Volumes[len(spec.Volumes)-1]
	}
}

// words turns a text into three short ones, as in gcloud's names.
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

func hasVolume(s *servingv1.Service, name string) bool {
	return slices.ContainsFunc(s.Spec.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == name })
}

// secretVolume is the volume of that name if it is one of a secret.
func secretVolume(s *servingv1.Service, name string) *corev1.SecretVolumeSource {
	volumes := s.Spec.Template.Spec.Volumes
	i := slices.IndexFunc(volumes, func(v corev1.Volume) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return volumes[i].Secret
}

// mounts counts where a volume is mounted.
func mounts(s *servingv1.Service, volume string) (n int) {
	for _, c := range s.Spec.Template.Spec.Containers {
		for _, m := range c.VolumeMounts {
			if m.Name == volume {
				n++
			}
		}
	}
	return n
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

func itemAt(v *corev1.SecretVolumeSource, name string) int {
	return slices.IndexFunc(v.Items, func(item corev1.KeyToPath) bool { return item.Path == name })
}
