package cloudrun

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// WithEnv sets an environment variable. One that exists keeps its place. One
// that holds a secret is not overwritten: add WithoutSecret(name) to replace it.
//
// Cloud Run itself sets K_SERVICE, K_REVISION and K_CONFIGURATION, and PORT in
// the ingress container; names must not begin with X_GOOGLE_.
// Flag: --update-env-vars. Field: containers[].env.
func WithEnv(name, value string) ContainerOption {
	return onContainer(withEnv(edits.Spell("WithEnv", name, edits.Hidden{}), name, value))
}

// SetEnv replaces all environment variables but those that hold secrets; see
// [WithEnv]. Flags: --set-env-vars, --env-vars-file. Field: containers[].env.
func SetEnv(variables map[string]string) ContainerOption {
	variables = maps.Clone(variables)
	option := edits.Spell("SetEnv", edits.Hidden{})
	all := []setting{emptyEnv(option, variables)}
	return onContainer(append(all, perItem(sortedKeys(variables), func(name string) setting { return withEnv(option, name, variables[name]) })...)...)
}

// WithoutEnv removes environment variables, but not those that hold secrets:
// see [WithoutSecret]. Flag: --remove-env-vars. Field: containers[].env.
func WithoutEnv(names ...string) ContainerOption {
	option := edits.SpellList("WithoutEnv", names)
	return onContainer(perItem(names, func(name string) setting {
		s := editContainer(option, envThing(name), noValue, func(c *corev1.Container) {
			c.Env = slices.DeleteFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name && isLiteral(v) })
		})
		s.phase, s.err = edits.PhaseRemove, notEmpty("name", name)
		return s
	})...)
}

// ClearEnv removes all environment variables but those that hold secrets.
// Flag: --clear-env-vars. Field: containers[].env.
func ClearEnv() ContainerOption { return onContainer(emptyEnv("ClearEnv()", nil)) }

// noValue is the value of a claim that something is absent; no other value begins so.
const noValue = "none"

// envThing is what an environment variable has as a literal value, and
// secretThing what it has as a secret. A variable has either: who sets one
// claims that there is no other, and who removes one says nothing of the other.
func envThing(name string) string { return fmt.Sprintf("environment variable %q", name) }
func secretThing(name string) string {
	return fmt.Sprintf("the secret in environment variable %q", name)
}

func withEnv(option, name, value string) setting {
	return setting{
		option: option, phase: edits.PhaseSet, err: checkEnv(name),
		claims: edits.Decides(envThing(name), "="+value).And(secretThing(name), noValue),
		container: func(s *servingv1.Service, c *corev1.Container) error {
			if name == "PORT" && isIngress(s, c) {
				return errors.New("PORT is set by Cloud Run in the ingress container: use WithPort")
			}
			return setEnvVar(c, corev1.EnvVar{Name: name, Value: value})
		},
	}
}

// emptyEnv is a setting that removes the variables that are not to be kept.
func emptyEnv(option string, keep map[string]string) setting {
	s := editContainer(option, "all environment variables", joinedMap(keep), func(c *corev1.Container) {
		c.Env = slices.DeleteFunc(c.Env, func(v corev1.EnvVar) bool { _, stays := keep[v.Name]; return !stays && isLiteral(v) })
	})
	s.phase = edits.PhaseEmpty
	return s
}

func isLiteral(v corev1.EnvVar) bool { return v.ValueFrom == nil }

func isSecret(v corev1.EnvVar) bool { return v.ValueFrom != nil && v.ValueFrom.SecretKeyRef != nil }

// setEnvVar sets a variable in its place, or adds it. It does not turn a
// literal value into a secret or the other way round, because that is more
// often a mistake than meant.
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
	return fmt.Errorf("environment variable %q has its value from elsewhere: remove it with EditContainer first", v.Name)
}

// setSource changes what a variable holds and nothing else of it.
func setSource(is *corev1.EnvVar, v corev1.EnvVar) {
	is.Value = v.Value
	if isSecret(v) {
		is.ValueFrom.SecretKeyRef.Name = v.ValueFrom.SecretKeyRef.Name
		is.ValueFrom.SecretKeyRef.Key = v.ValueFrom.SecretKeyRef.Key
	}
}

// isIngress tells whether the container is the one that gets the requests.
func isIngress(s *servingv1.Service, c *corev1.Container) bool {
	return len(s.Spec.Template.Spec.Containers) == 1 || len(c.Ports) > 0
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
