package spec

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// SecretEnv sets an environment variable to a secret.
func SecretEnv(option, name string, v SecretVersion) []edits.Setting {
	claims := edits.Decides(secretThing(name), v.claim()).And(envThing(name), noValue)
	set := variable(option, name, claims, errors.Join(checkEnv(name), v.check()), func(w *Workload) corev1.EnvVar {
		return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: aliasFor(w, v.Secret)}, Key: v.Version,
		}}}
	})
	return []edits.Setting{set, pruneSecrets(option)}
}

// SecretFile puts a secret into a file. The file is first taken from another
// secret, for all files of a call, so that a directory can change its secret if
// all of its files do.
func SecretFile(option, file string, v SecretVersion) []edits.Setting {
	dir, name := splitFile(file)
	claims := edits.Decides(secretFileThing(file), v.claim()).And(secretMountThing(dir), "="+v.Secret)
	err := errors.Join(checkSecretFile(file), v.check())
	evict := inContainer(option, edits.PhaseRemove, claims, err, func(w *Workload, c *corev1.Container) error {
		dropUnmountedSecrets(w.Pod)
		evictFile(w, c, dir, name, v.Secret)
		return nil
	})
	if err != nil {
		return []edits.Setting{evict}
	}
	put := inContainer(option, edits.PhaseSet, claims, nil, func(w *Workload, c *corev1.Container) error {
		return putFile(w, c, dir, name, v)
	})
	return []edits.Setting{evict, put, pruneSecrets(option)}
}

// SetSecrets replaces all secrets of a container. A key that begins with a
// slash is the path of a file, any other the name of an environment variable.
// The map must not change afterwards.
func SetSecrets(option string, secrets map[string]SecretVersion) []edits.Setting {
	all := []edits.Setting{emptySecrets(option, secrets)}
	for _, key := range slices.Sorted(maps.Keys(secrets)) {
		set := SecretEnv
		if strings.HasPrefix(key, "/") {
			set = SecretFile
		}
		all = append(all, set(option, key, secrets[key])...)
	}
	return append(all, pruneSecrets(option))
}

// ClearSecrets removes all secrets of a container.
func ClearSecrets(option string) []edits.Setting {
	return []edits.Setting{emptySecrets(option, nil), pruneSecrets(option)}
}

// WithoutSecret removes secrets, by the names of variables or the paths of files.
func WithoutSecret(option string, namesOrPaths []string) []edits.Setting {
	all := edits.Each(namesOrPaths, func(key string) edits.Setting {
		if strings.HasPrefix(key, "/") {
			return withoutSecretFile(option, key)
		}
		return in(edits.PhaseRemove, editContainer(option, secretThing(key), noValue, edits.NotEmpty("name", key), func(c *corev1.Container) {
			c.Env = slices.DeleteFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == key && isSecret(v) })
		}))
	})
	return append(all, pruneSecrets(option))
}

func withoutSecretFile(option, file string) edits.Setting {
	dir, name := splitFile(file)
	claims := edits.Decides(secretFileThing(file), noValue)
	return inContainer(option, edits.PhaseRemove, claims, checkSecretFile(file), func(w *Workload, c *corev1.Container) error {
		dropFiles(w.Pod, c, dir, func(item string) bool { return item == name })
		dropUnmountedSecrets(w.Pod)
		return nil
	})
}

// emptySecrets removes the secrets of a container but those to keep.
func emptySecrets(option string, keep map[string]SecretVersion) edits.Setting {
	stays := func(key string) bool { _, ok := keep[key]; return ok }
	claims := edits.Decides("all secrets", edits.Map(keep))
	return inContainer(option, edits.PhaseRemove, claims, nil, func(w *Workload, c *corev1.Container) error {
		c.Env = slices.DeleteFunc(c.Env, func(v corev1.EnvVar) bool { return isSecret(v) && !stays(v.Name) })
		for _, m := range slices.Clone(c.VolumeMounts) {
			if secretVolume(w.Pod, m.Name) != nil {
				dropFiles(w.Pod, c, m.MountPath, func(item string) bool { return !stays(path.Join(m.MountPath, item)) })
			}
		}
		dropUnmountedSecrets(w.Pod)
		return nil
	})
}

// pruneSecrets removes the aliases of secrets that are no longer used.
func pruneSecrets(option string) edits.Setting {
	return edits.Setting{Option: option, Phase: edits.PhaseDerive, Do: WorkloadEdit(pruneAliases)}
}

// splitFile splits the path of a file into its directory and its name.
func splitFile(file string) (dir, name string) {
	dir, name = path.Split(file)
	return strings.TrimSuffix(dir, "/"), name
}

func checkSecretFile(file string) error {
	if !strings.HasPrefix(file, "/") || path.Clean(file) != file || strings.Count(file, "/") < 2 {
		return errors.New("the path must be absolute, with a directory other than the root, as in /etc/secrets/key")
	}
	return nil
}
