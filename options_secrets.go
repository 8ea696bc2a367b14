package cloudrun

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// SecretVersion names a version of a secret of Secret Manager.
type SecretVersion struct {
	// Secret is the name of a secret of the same project, such as "db-password",
	// or the full name of one of another project by its number, such as
	// "projects/123456789012/secrets/db-password".
	Secret string
	// Version is a number such as "3", an alias, or "latest".
	Version string
}

// WithSecretEnv has an environment variable hold a secret, read when an
// instance starts; see [SecretVersion] for the arguments. A variable with a
// literal value is not overwritten: add WithoutEnv(name) to replace it.
// Flag: --update-secrets=NAME=SECRET:VERSION. Fields:
// containers[].env[].valueFrom.secretKeyRef and, for a secret of another
// project, the template annotation run.googleapis.com/secrets.
func WithSecretEnv(name, secret, version string) ContainerOption {
	option := edits.Spell("WithSecretEnv", name, secret, version)
	return onContainer(withSecretEnv(option, name, SecretVersion{secret, version})...)
}

// WithSecretFile has a file hold a secret, read whenever the file is; see
// [SecretVersion] for the arguments. The path is absolute. Its directory holds
// nothing else than files of that one secret; other versions of it stay beside
// the file. Flag: --update-secrets=/PATH=SECRET:VERSION. Fields:
// containers[].volumeMounts, volumes[].secret of the template and, for a secret
// of another project, the template annotation run.googleapis.com/secrets.
func WithSecretFile(path, secret, version string) ContainerOption {
	option := edits.Spell("WithSecretFile", path, secret, version)
	return onContainer(withSecretFile(option, path, SecretVersion{secret, version})...)
}

// SetSecrets replaces all secrets of the container, those in environment
// variables and those in files. A key that begins with a slash is the path of a
// file, any other the name of a variable; see [WithSecretEnv] and
// [WithSecretFile]. Flag: --set-secrets.
func SetSecrets(secrets map[string]SecretVersion) ContainerOption {
	secrets = maps.Clone(secrets)
	option := edits.Spell("SetSecrets", edits.Hidden{})
	all := []setting{emptySecrets(option, secrets)}
	for _, key := range sortedKeys(secrets) {
		if strings.HasPrefix(key, "/") {
			all = append(all, withSecretFile(option, key, secrets[key])...)
		} else {
			all = append(all, withSecretEnv(option, key, secrets[key])...)
		}
	}
	return onContainer(append(all, pruneSecrets(option))...)
}

// WithoutSecret removes secrets from the container, by the names of the
// environment variables or the paths of the files that hold them.
// Flag: --remove-secrets.
func WithoutSecret(namesOrPaths ...string) ContainerOption {
	option := edits.SpellList("WithoutSecret", namesOrPaths)
	all := perItem(namesOrPaths, func(key string) setting {
		if strings.HasPrefix(key, "/") {
			return withoutSecretFile(option, key)
		}
		s := editContainer(option, secretThing(key), noValue, func(c *corev1.Container) {
			c.Env = slices.DeleteFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == key && isSecret(v) })
		})
		s.phase, s.err = edits.PhaseRemove, notEmpty("name", key)
		return s
	})
	return onContainer(append(all, pruneSecrets(option))...)
}

// ClearSecrets removes all secrets from the container, those in environment
// variables and those in files. Flag: --clear-secrets.
func ClearSecrets() ContainerOption {
	return onContainer(emptySecrets("ClearSecrets()", nil), pruneSecrets("ClearSecrets()"))
}

func withSecretEnv(option, name string, v SecretVersion) []setting {
	set := setting{
		option: option, phase: edits.PhaseSet, err: errors.Join(checkEnv(name), v.check()),
		claims: edits.Decides(secretThing(name), v.claim()).And(envThing(name), noValue),
		container: func(s *servingv1.Service, c *corev1.Container) error {
			secret, err := aliasFor(s, v.Secret)
			if err != nil {
				return err
			}
			return setEnvVar(c, corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: v.Version,
			}}})
		},
	}
	return []setting{set, pruneSecrets(option)}
}

// withSecretFile first takes the file from another secret, for all files of a
// call, so that a directory can change its secret if all of its files do.
func withSecretFile(option, file string, v SecretVersion) []setting {
	dir, name := path.Split(file)
	dir = strings.TrimSuffix(dir, "/")
	claims := edits.Decides(secretFileThing(file), v.claim()).And(secretMountThing(dir), "="+v.Secret)
	evict := setting{
		option: option, phase: edits.PhaseRemove, claims: claims, err: errors.Join(checkSecretFile(file), v.check()),
		container: func(s *servingv1.Service, c *corev1.Container) error {
			dropUnmountedSecrets(s)
			return evictFile(s, c, dir, name, v.Secret)
		},
	}
	if evict.err != nil {
		return []setting{evict}
	}
	put := setting{option: option, phase: edits.PhaseSet, claims: claims, container: func(s *servingv1.Service, c *corev1.Container) error {
		return putFile(s, c, dir, name, v)
	}}
	return []setting{evict, put, pruneSecrets(option)}
}

func withoutSecretFile(option, file string) setting {
	dir, name := path.Split(file)
	return setting{
		option: option, phase: edits.PhaseRemove, err: checkSecretFile(file), claims: edits.Decides(secretFileThing(file), noValue),
		container: func(s *servingv1.Service, c *corev1.Container) error {
			dropFiles(s, c, strings.TrimSuffix(dir, "/"), func(item string) bool { return item == name })
			dropUnmountedSecrets(s)
			return nil
		},
	}
}

// emptySecrets is a setting that removes the secrets that are not to be kept.
func emptySecrets(option string, keep map[string]SecretVersion) setting {
	stays := func(key string) bool { _, ok := keep[key]; return ok }
	claims := edits.Decides("all secrets", fmt.Sprintf("%q", keep))
	return setting{option: option, phase: edits.PhaseRemove, claims: claims, container: func(s *servingv1.Service, c *corev1.Container) error {
		c.Env = slices.DeleteFunc(c.Env, func(v corev1.EnvVar) bool { return isSecret(v) && !stays(v.Name) })
		for _, m := range slices.Clone(c.VolumeMounts) {
			if secretVolume(s, m.Name) != nil {
				dropFiles(s, c, m.MountPath, func(item string) bool { return !stays(path.Join(m.MountPath, item)) })
			}
		}
		dropUnmountedSecrets(s)
		return nil
	}}
}

// pruneSecrets is a setting that forgets the secrets of other projects that are used no more.
func pruneSecrets(option string) setting {
	return setting{option: option, phase: edits.PhaseDerive, service: pruneAliases}
}

func secretFileThing(file string) string { return fmt.Sprintf("the secret file %q", file) }
func secretMountThing(dir string) string { return fmt.Sprintf("the secret mounted at %q", dir) }

// claim is a secret as the value of a claim.
func (v SecretVersion) claim() string { return "=" + v.Secret + ":" + v.Version }

func (v SecretVersion) check() error {
	var problems []error
	if !secretRE.MatchString(v.Secret) && !remoteSecretRE.MatchString(v.Secret) {
		problems = append(problems, fmt.Errorf("secret %q: give the name of a secret of this project (letters, digits, hyphens and underscores), "+
			"or projects/NUMBER/secrets/NAME for one of another, with the project's number", v.Secret))
	}
	if v.Version == "" {
		problems = append(problems, errors.New(`the version is empty: give a number or "latest"`))
	}
	return errors.Join(problems...)
}

func checkSecretFile(file string) error {
	if !strings.HasPrefix(file, "/") || path.Clean(file) != file || strings.Count(file, "/") < 2 {
		return errors.New("the path must be absolute, with a directory other than the root, as in /etc/secrets/key")
	}
	return nil
}
