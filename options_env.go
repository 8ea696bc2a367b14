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
	return onContainer(spec.Env(edits.Spell("WithEnv", edits.Variable(name), edits.Hidden{}), name, value))
}

// SetEnv replaces all environment variables except those that hold secrets; see
// [WithEnv]. Flags: --set-env-vars, --env-vars-file. Field: containers[].env.
func SetEnv(variables map[string]string) ContainerOption {
	return onContainer(spec.SetEnv(edits.Spell("SetEnv", edits.Hidden{}), maps.Clone(variables))...)
}

// WithoutEnv removes environment variables, except those that hold secrets: see
// [WithoutSecret]. Flag: --remove-env-vars. Field: containers[].env.
func WithoutEnv(names ...string) ContainerOption {
	return onContainer(spec.WithoutEnv(edits.SpellList("WithoutEnv", edits.Variables(names)), names)...)
}

// ClearEnv removes all environment variables except those that hold secrets.
// Flag: --clear-env-vars. Field: containers[].env.
func ClearEnv() ContainerOption { return onContainer(spec.ClearEnv("ClearEnv()", nil)) }

// SecretVersion names a version of a secret of Secret Manager.
type SecretVersion struct {
	// Secret is the name of a secret of the same project, such as "db-password",
	// or the full name of one of another project by its number, such as
	// "projects/123456789012/secrets/db-password".
	Secret string
	// Version is a number such as "3", an alias, or "latest".
	Version string
}

// WithSecretEnv sets an environment variable to a secret, which is read when an
// instance starts; see [SecretVersion] for the arguments. A variable with a
// literal value is not overwritten: add WithoutEnv(name) to replace it.
// Flag: --update-secrets=NAME=SECRET:VERSION. Fields:
// containers[].env[].valueFrom.secretKeyRef and, for a secret of another
// project, the template annotation run.googleapis.com/secrets.
func WithSecretEnv(name, secret, version string) ContainerOption {
	option := edits.Spell("WithSecretEnv", edits.Variable(name), secret, version)
	return onContainer(spec.SecretEnv(option, name, spec.SecretVersion{Secret: secret, Version: version})...)
}

// WithSecretFile puts a secret into a file. It is read whenever the file is
// read; see [SecretVersion] for the arguments. The path is absolute. The
// directory can hold only files of that one secret; files of its other versions
// are kept. Flag: --update-secrets=/PATH=SECRET:VERSION. Fields:
// containers[].volumeMounts, volumes[].secret of the template and, for a secret
// of another project, the template annotation run.googleapis.com/secrets.
func WithSecretFile(path, secret, version string) ContainerOption {
	option := edits.Spell("WithSecretFile", path, secret, version)
	return onContainer(spec.SecretFile(option, path, spec.SecretVersion{Secret: secret, Version: version})...)
}

// SetSecrets replaces all secrets of the container, in environment variables
// and in files. A key that begins with a slash is the path of a file, any other
// the name of a variable; see [WithSecretEnv] and [WithSecretFile].
// Flag: --set-secrets.
func SetSecrets(secrets map[string]SecretVersion) ContainerOption {
	all := make(map[string]spec.SecretVersion, len(secrets))
	for key, v := range secrets {
		all[key] = spec.SecretVersion(v)
	}
	return onContainer(spec.SetSecrets(edits.Spell("SetSecrets", edits.Hidden{}), all)...)
}

// WithoutSecret removes secrets from the container, by the names of the
// environment variables or the paths of the files that hold them.
// Flag: --remove-secrets.
func WithoutSecret(namesOrPaths ...string) ContainerOption {
	return onContainer(spec.WithoutSecret(edits.SpellList("WithoutSecret", edits.Variables(namesOrPaths)), namesOrPaths)...)
}

// ClearSecrets removes all secrets from the container, in environment variables
// and in files. Flag: --clear-secrets.
func ClearSecrets() ContainerOption { return onContainer(spec.ClearSecrets("ClearSecrets()")...) }
