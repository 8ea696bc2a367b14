package runflags

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun"
)

func secretFlags() []*flag {
	return inContainer(
		&flag{name: "set-secrets", metavar: "[KEY=VALUE,...]", usage: "secrets, replacing all existing ones: NAME=SECRET:VERSION for a variable, /DIR/FILE=SECRET:VERSION for a file", container: setSecrets},
		&flag{name: "update-secrets", metavar: "[KEY=VALUE,...]", usage: "secrets to add or change, as with --set-secrets", container: updateSecrets},
		&flag{name: "remove-secrets", metavar: "[KEY,...]", usage: "variables and files whose secrets to remove", container: removeSecrets},
		&flag{name: "clear-secrets", takes: takesNone, usage: "remove all secrets", container: always(cloudrun.ClearSecrets)},
	)
}

// secretDict parses a dict of secrets, keyed by variable or file.
func secretDict(g given, flag string) (map[string]cloudrun.SecretVersion, error) {
	dict, err := g.joinedDict(flag)
	if err != nil {
		return nil, err
	}
	dict = stripKeys(dict)
	secrets := map[string]cloudrun.SecretVersion{}
	for _, key := range sortedKeys(dict) {
		if secrets[key], err = parseSecret(key, dict[key]); err != nil {
			return nil, err
		}
	}
	return secrets, nil
}

var (
	remoteSecret = pattern(`^(projects/[0-9]{1,19}/secrets/[a-zA-Z0-9_-]{1,255})(?:(?::|/versions/)(.+))?$`)
	localSecret  = pattern(`^[a-zA-Z0-9_-]{1,255}$`)
	secretFile   = pattern(`^(/[^/]+){2,}$`)
)

// parseSecret parses SECRET:VERSION, or projects/NUMBER/secrets/SECRET with an
// optional version; the default is the latest. An error does not show the text:
// it may be the value of a secret, given by mistake.
func parseSecret(key, raw string) (cloudrun.SecretVersion, error) {
	if strings.HasPrefix(key, "/") && (!secretFile().MatchString(key) || strings.Contains(key+"/", "/./") || strings.Contains(key+"/", "/../")) {
		return cloudrun.SecretVersion{}, fmt.Errorf("mount path [%s] must be in the form /<mountPath>/<path>", key)
	}
	if m := remoteSecret().FindStringSubmatch(raw); m != nil {
		if m[2] == "" {
			m[2] = "latest"
		}
		return cloudrun.SecretVersion{Secret: m[1], Version: m[2]}, nil
	}
	name, version, ok := strings.Cut(raw, ":")
	switch {
	case !ok || version == "":
		return cloudrun.SecretVersion{}, fmt.Errorf("no secret version specified for %s: use SECRET:latest to reference the latest version", key)
	case strings.Contains(version, ":"):
		return cloudrun.SecretVersion{}, fmt.Errorf("invalid secret spec for %s: use SECRET:VERSION or projects/NUMBER/secrets/SECRET:VERSION", key)
	case !localSecret().MatchString(name):
		return cloudrun.SecretVersion{}, fmt.Errorf("not a valid secret name for %s", key)
	}
	return cloudrun.SecretVersion{Secret: name, Version: version}, nil
}

// setSecrets replaces all secrets; with an empty dict it keeps them.
func setSecrets(g given) ([]cloudrun.ContainerOption, error) {
	secrets, err := secretDict(g, g.name)
	if err != nil || len(secrets) == 0 {
		return nil, err
	}
	return []cloudrun.ContainerOption{cloudrun.SetSecrets(secrets)}, nil
}

func updateSecrets(g given) ([]cloudrun.ContainerOption, error) {
	secrets, err := secretDict(g, g.name)
	var opts []cloudrun.ContainerOption
	for _, key := range sortedKeys(secrets) {
		v := secrets[key]
		if strings.HasPrefix(key, "/") {
			opts = append(opts, cloudrun.WithSecretFile(key, v.Secret, v.Version))
		} else {
			opts = append(opts, cloudrun.WithSecretEnv(key, v.Secret, v.Version))
		}
	}
	return opts, err
}

// removeSecrets removes secrets, except those that the same command sets: gcloud removes first.
func removeSecrets(g given) ([]cloudrun.ContainerOption, error) {
	keys, err := g.uniqueList(g.name)
	updated, _ := secretDict(g, "update-secrets") // updateSecrets reports the error
	kept := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { _, ok := updated[key]; return ok })
	if len(keys) == 0 || err != nil {
		return nil, err
	}
	return []cloudrun.ContainerOption{cloudrun.WithoutSecret(kept...)}, nil
}
