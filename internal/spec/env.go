package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// Env sets an environment variable.
func Env(option, name, value string) edits.Setting {
	claims := edits.Decides(envThing(name), "="+value).And(secretThing(name), noValue)
	return variable(option, name, claims, checkEnv(name), func(*Workload) corev1.EnvVar { return corev1.EnvVar{Name: name, Value: value} })
}

// variable is a setting of an environment variable. The ingress container, which
// settings without a container are about, has its PORT from Cloud Run.
func variable(option, name string, claims edits.Claims, err error, value func(*Workload) corev1.EnvVar) edits.Setting {
	s := inContainer(option, edits.PhaseSet, claims, err, func(w *Workload, c *corev1.Container) error {
		if name == "PORT" && isIngress(w.Pod, c) {
			return errPort()
		}
		return setEnvVar(c, value(w))
	})
	if name == "PORT" {
		s.WholeErr = errPort()
	}
	return s
}

func errPort() error {
	return errors.New("PORT is set by Cloud Run in the ingress container: use WithPort")
}

// SetEnv replaces all literal environment variables. The map must not change afterwards.
func SetEnv(option string, variables map[string]string) []edits.Setting {
	names := slices.Sorted(maps.Keys(variables))
	return append([]edits.Setting{ClearEnv(option, variables)}, edits.Each(names, func(name string) edits.Setting {
		return Env(option, name, variables[name])
	})...)
}

// ClearEnv removes all literal environment variables but those to keep.
func ClearEnv(option string, keep map[string]string) edits.Setting {
	return in(edits.PhaseEmpty, editContainer(option, "all environment variables", edits.Map(keep), nil, func(c *corev1.Container) {
		c.Env = slices.DeleteFunc(c.Env, func(v corev1.EnvVar) bool { _, stays := keep[v.Name]; return !stays && isLiteral(v) })
	}))
}

// WithoutEnv removes literal environment variables.
func WithoutEnv(option string, names []string) []edits.Setting {
	return edits.Each(names, func(name string) edits.Setting {
		return in(edits.PhaseRemove, editContainer(option, envThing(name), noValue, edits.NotEmpty("name", name), func(c *corev1.Container) {
			c.Env = slices.DeleteFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name && isLiteral(v) })
		}))
	})
}

// envThing is the literal value of an environment variable, secretThing the
// secret in it. A variable has either: a setting of one claims that the other
// is absent, and a removal of one claims nothing of the other.
func envThing(name string) string {
	return fmt.Sprintf("environment variable %q", edits.Variable(name))
}
func secretThing(name string) string {
	return fmt.Sprintf("the secret in environment variable %q", edits.Variable(name))
}

func isLiteral(v corev1.EnvVar) bool { return v.ValueFrom == nil }

func isSecret(v corev1.EnvVar) bool { return v.ValueFrom != nil && v.ValueFrom.SecretKeyRef != nil }

// setEnvVar sets a variable in its place, or adds it. It does not turn a
// literal value into a secret or a secret into a literal value, because that is
// more often a mistake than meant.
func setEnvVar(c *corev1.Container, v corev1.EnvVar) error {
	i := slices.IndexFunc(c.Env, func(is corev1.EnvVar) bool { return is.Name == v.Name })
	if i < 0 {
		c.Env = append(c.Env, v)
		return nil
	}
	is := &c.Env[i]
	switch {
	case isLiteral(*is) && isLiteral(v), isSecret(*is) && isSecret(v):
		setSource(is, v)
		return nil
	case isLiteral(*is):
		return fmt.Errorf("environment variable %q has a literal value: add WithoutEnv(%q) to replace it", v.Name, v.Name)
	case isSecret(*is):
		return fmt.Errorf("environment variable %q holds a secret: add WithoutSecret(%q) to replace it", v.Name, v.Name)
	}
	return fmt.Errorf("environment variable %q has its value from elsewhere: remove it first, in a manifest or with EditContainer", v.Name)
}

// setSource changes what a variable holds and keeps all else of it.
func setSource(is *corev1.EnvVar, v corev1.EnvVar) {
	is.Value = v.Value
	if isSecret(v) {
		is.ValueFrom.SecretKeyRef.Name = v.ValueFrom.SecretKeyRef.Name
		is.ValueFrom.SecretKeyRef.Key = v.ValueFrom.SecretKeyRef.Key
	}
}

func checkEnv(name string) error {
	switch {
	case name == "" || strings.ContainsAny(name, "=\x00"):
		return errors.New("the name must not be empty or contain '='")
	case slices.Contains([]string{"K_SERVICE", "K_REVISION", "K_CONFIGURATION"}, name):
		return errors.New("the name is reserved: Cloud Run sets this variable")
	case strings.HasPrefix(name, "X_GOOGLE_"):
		return errors.New("names that begin with X_GOOGLE_ are reserved")
	}
	return nil
}
