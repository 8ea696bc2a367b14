package runflags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/edits"
)

func envFlags() []*flag {
	return inContainer(
		&flag{name: "set-env-vars", metavar: "[KEY=VALUE,...]", usage: "environment variables, replacing all existing literal ones; use ^@^A=1,2@B=3 for values with commas", container: setEnv},
		&flag{name: "env-vars-file", metavar: "FILE_PATH", usage: "YAML file of environment variables, replacing all existing literal ones", container: envFile},
		&flag{name: "update-env-vars", metavar: "[KEY=VALUE,...]", usage: "environment variables to add or change", container: updateEnv},
		&flag{name: "remove-env-vars", metavar: "[KEY,...]", usage: "environment variables to remove", container: removeEnv},
		&flag{name: "clear-env-vars", takes: takesNone, usage: "remove all literal environment variables", container: always(cloudrun.ClearEnv)},
	)
}

// noContainerChange returns an option that makes a new Revision and changes nothing.
func noContainerChange() []cloudrun.ContainerOption {
	return []cloudrun.ContainerOption{cloudrun.EditContainer(func(*corev1.Container) error { return nil })}
}

// envDict reads a dict of environment variables.
func envDict(g given, flag string) (map[string]string, error) {
	dict, err := g.joinedDict(flag)
	if err != nil {
		return nil, err
	}
	return stripKeys(dict), checkEnvKeys(sortedKeys(dict))
}

func checkEnvKeys(keys []string) error {
	for _, key := range keys {
		switch {
		case key == "":
			return errors.New("environment variable keys cannot be empty")
		case strings.HasPrefix(key, "X_GOOGLE_"):
			return errors.New("environment variable keys that start with `X_GOOGLE_` are reserved for use by deployment tools and cannot be specified manually")
		case strings.Contains(key, "="):
			return errors.New("environment variable keys cannot contain `=`")
		}
	}
	return nil
}

// setEnv replaces all variables; with an empty dict it keeps them.
func setEnv(g given) ([]cloudrun.ContainerOption, error) {
	dict, err := envDict(g, g.name)
	return replaceEnv(dict), err
}

func replaceEnv(dict map[string]string) []cloudrun.ContainerOption {
	if len(dict) == 0 {
		return noContainerChange()
	}
	return []cloudrun.ContainerOption{cloudrun.SetEnv(dict)}
}

func updateEnv(g given) ([]cloudrun.ContainerOption, error) {
	dict, err := envDict(g, g.name)
	if err != nil || len(dict) == 0 {
		return noContainerChange(), err
	}
	var opts []cloudrun.ContainerOption
	for _, key := range sortedKeys(dict) {
		opts = append(opts, cloudrun.WithEnv(key, dict[key]))
	}
	return opts, nil
}

// removeEnv removes variables, except those that the same command sets: gcloud removes first.
func removeEnv(g given) ([]cloudrun.ContainerOption, error) {
	names, err := g.uniqueList(g.name)
	if err == nil {
		err = checkEnvKeys(names)
	}
	updated, _ := envDict(g, "update-env-vars") // updateEnv reports the error
	names = slices.DeleteFunc(names, func(name string) bool { _, ok := updated[name]; return ok })
	if err != nil || len(names) == 0 {
		return noContainerChange(), err
	}
	return []cloudrun.ContainerOption{cloudrun.WithoutEnv(names...)}, nil
}

// envFile reads a YAML file with a map of strings.
func envFile(g given) ([]cloudrun.ContainerOption, error) {
	path := g.text(g.name)
	values, err := readYAML[any](path)
	if err != nil {
		return nil, err
	}
	dict := map[string]string{}
	for _, key := range sortedKeys(values) {
		value, ok := values[key].(string)
		if !ok {
			return nil, fmt.Errorf("environment variable values must be strings in quotes: found %s for %s", kindOf(values[key]), edits.Variable(key))
		}
		dict[key] = value
	}
	return replaceEnv(stripKeys(dict)), checkEnvKeys(sortedKeys(dict))
}

// kindOf names the kind of a value in a YAML file.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "no value"
	case bool:
		return "a boolean"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return "a number"
}
