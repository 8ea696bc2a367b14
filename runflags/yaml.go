package runflags

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"

	"github.com/cloudrun-go/cloudrun/internal/manifest"
)

// readYAML reads a file of YAML or JSON into a map. Its error shows no value.
func readYAML[T any](path string) (values map[string]T, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if line := manifest.OwnTag(text); line != 0 {
		return nil, fmt.Errorf("invalid YAML/JSON data in [%s], line %d: the value has a tag, because it begins with !: put it in quotes", path, line)
	}
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		return nil, fmt.Errorf("invalid YAML/JSON data in [%s], expected map-like data%s", path, yamlProblem(err))
	}
	return values, nil
}

var (
	yamlLine      = pattern(`line \d+`)
	yamlDuplicate = pattern(`key "([^"=]*)" already set in map`)
)

// yamlProblem returns what is known of an error of the YAML parser without its
// text, which may quote values.
func yamlProblem(err error) (problem string) {
	if line := yamlLine().FindString(err.Error()); line != "" {
		problem = ", near " + line
	}
	if m := yamlDuplicate().FindStringSubmatch(err.Error()); m != nil {
		return fmt.Sprintf("%s: the key %q occurs twice", problem, m[1])
	}
	return problem + ": put values with special characters in quotes"
}
