package cloudrun

import (
	"maps"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// WithEnv sets an environment variable. A variable that exists keeps its place.
// A variable that holds a secret is not overwritten: add WithoutSecret(name) to
// replace it.
//
// Cloud Run itself sets K_SERVICE, K_REVISION and K_CONFIGURATION, and PORT in
// the ingress container; names must not begin with X_GOOGLE_.
// Flag: --update-env-vars. Field: containers[].env.
func WithEnv(name, value string) ContainerOption {
	return onContainer(spec.Env(edits.Spell("WithEnv", name, edits.Hidden{}), name, value))
}

// SetEnv replaces all environment variables except those that hold secrets; see
// [WithEnv]. Flags: --set-env-vars, --env-vars-file. Field: containers[].env.
func SetEnv(variables map[string]string) ContainerOption {
	return onContainer(spec.SetEnv(edits.Spell("SetEnv", edits.Hidden{}), maps.Clone(variables))...)
}

// WithoutEnv removes environment variables, except those that hold secrets: see
// [WithoutSecret]. Flag: --remove-env-vars. Field: containers[].env.
func WithoutEnv(names ...string) ContainerOption {
	return onContainer(spec.WithoutEnv(edits.SpellList("WithoutEnv", names), names)...)
}

// ClearEnv removes all environment variables except those that hold secrets.
// Flag: --clear-env-vars. Field: containers[].env.
func ClearEnv() ContainerOption { return onContainer(spec.ClearEnv("ClearEnv()", nil)) }
