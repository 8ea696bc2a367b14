package spec_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/cloudrun-go/cloudrun/internal/spec"
)

func TestContainers(t *testing.T) {
	t.Parallel()
	const two = `{"pod": {"containers": [{"name": "app", "image": "a", "ports": [{"containerPort": 80}]}, {"name": "side", "image": "s"}]}}`
	testEdits(t, map[string]edit{
		"the first container has no name": {
			settings: each(spec.Image("I", "a")),
			after:    `{"pod": {"containers": [{"name": "", "image": "a"}]}}`,
		},
		"the only container": {
			before:   `{"pod": {"containers": [{"name": "app", "image": "a"}]}}`,
			settings: each(spec.Image("I", "b")),
			after:    `{"pod": {"containers": [{"name": "app", "image": "b"}]}}`,
		},
		"the ingress container of several": {
			before: two, settings: each(spec.Image("I", "b")),
			after: `{"pod": {"containers": [{"name": "app", "image": "b", "ports": [{"containerPort": 80}]}, {"name": "side", "image": "s"}]}}`,
		},
		"none of several is the ingress container": {
			before:   `{"pod": {"containers": [{"name": "a"}, {"name": "b"}]}}`,
			settings: each(spec.Image("I", "b")), err: "name the one meant with WithContainer",
		},
		"by name": {
			before: two, settings: spec.InContainer("C", "side", each(spec.Image("I", "t"))),
			after: `{"pod": {"containers": [{"name": "app", "image": "a", "ports": [{"containerPort": 80}]}, {"name": "side", "image": "t"}]}}`,
		},
		"added by name": {
			settings: spec.InContainer("C", "side", each(spec.Image("I", "t"))),
			after:    `{"pod": {"containers": [{"name": "side", "image": "t"}]}}`,
		},
		"a name with a port is the ingress container": {
			settings: all(spec.InContainer("C", "side", each(spec.Image("I", "s"))), spec.InContainer("D", "web", each(spec.Port("P", 80))), each(spec.Image("I", "a"))),
			after:    `{"pod": {"containers": [{"name": "web", "image": "a", "ports": [{"containerPort": 80}]}, {"name": "side", "image": "s"}]}}`,
		},
		"one thing by name and without": {
			before: two, settings: all(each(spec.Image("I", "x")), spec.InContainer("C", "app", each(spec.Image("J", "y")))),
			err: `I contradicts C J: both decide the image of container "app"`,
		},
		"replaced": {
			before: `{"template": {"annotations": {"run.googleapis.com/container-dependencies": "{\"side\":[\"app\"]}"}},
				"pod": {"containers": [{"name": "app", "image": "a", "args": ["x"]}, {"name": "side", "image": "s"}]}}`,
			settings: spec.ReplaceContainer("C", "app", each(spec.Image("I", "b"))),
			after:    `{"template": {"annotations": {}}, "pod": {"containers": [{"name": "side", "image": "s"}, {"name": "app", "image": "b"}]}}`,
		},
		"removed with the dependencies": {
			before: `{"template": {"annotations": {"run.googleapis.com/container-dependencies": "{\"app\":[\"side\",\"x\"],\"side\":[\"x\"]}"}},
				"pod": {"containers": [{"name": "app"}, {"name": "side"}, {"name": "x"}]}}`,
			settings: spec.WithoutContainer("W", "side"),
			after: `{"template": {"annotations": {"run.googleapis.com/container-dependencies": "{\"app\":[\"x\"]}"}},
				"pod": {"containers": [{"name": "app"}, {"name": "x"}]}}`,
		},
		"removed with the dependencies in YAML": {
			before: `{"template": {"annotations": {"run.googleapis.com/container-dependencies": "{app:[side,x], side:[x]}"}},
				"pod": {"containers": [{"name": "app"}, {"name": "side"}, {"name": "x"}]}}`,
			settings: spec.WithoutContainer("W", "side"),
			after: `{"template": {"annotations": {"run.googleapis.com/container-dependencies": "{\"app\":[\"x\"]}"}},
				"pod": {"containers": [{"name": "app"}, {"name": "x"}]}}`,
		},
		"without a name":   {settings: spec.InContainer("C", "", nil), err: "C: the container's name is empty"},
		"no image":         {settings: each(spec.Image("I", "")), err: "the image must not be empty"},
		"an image with LF": {settings: each(spec.Image("I", "a\nb")), err: "the image must not be empty or have blanks in it"},
	})
}

func TestCommandAndArgs(t *testing.T) {
	t.Parallel()
	const before = `{"pod": {"containers": [{"name": "app", "command": ["x"], "args": ["y"]}]}}`
	testEdits(t, map[string]edit{
		"command":       {before, each(spec.Command("C", []string{"a", "b"})), `{"pod": {"containers": [{"name": "app", "command": ["a", "b"], "args": ["y"]}]}}`, ""},
		"args":          {before, each(spec.Args("A", []string{"a"})), `{"pod": {"containers": [{"name": "app", "command": ["x"], "args": ["a"]}]}}`, ""},
		"no command":    {before, each(spec.WithoutCommand("C")), `{"pod": {"containers": [{"name": "app", "args": ["y"]}]}}`, ""},
		"no args":       {before, each(spec.WithoutArgs("A")), `{"pod": {"containers": [{"name": "app", "command": ["x"]}]}}`, ""},
		"empty command": {settings: each(spec.Command("C", nil)), err: "use WithoutCommand"},
		"empty args":    {settings: each(spec.Args("A", nil)), err: "use WithoutArgs"},
	})
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	const (
		pod  = `"pod": {"containers": [{"name": "app"}, {"name": "b"}, {"name": "c"}]}`
		with = `{"template": {"annotations": {"run.googleapis.com/container-dependencies": "{\"app\": [\"b\"]}"}}, ` + pod + `}`
	)
	yaml := func(text string) string {
		return `{"template": {"annotations": {"run.googleapis.com/container-dependencies": "` + text + `"}}, ` + pod + `}`
	}
	testEdits(t, map[string]edit{
		"set": {`{` + pod + `}`, spec.InContainer("C", "app", each(spec.DependsOn("D", []string{"c", "b", "c"}))),
			`{"template": {"annotations": {"run.googleapis.com/container-dependencies": "{\"app\":[\"b\",\"c\"]}"}}, ` + pod + `}`, ""},
		"the same":                  {with, spec.InContainer("C", "app", each(spec.DependsOn("D", []string{"b"}))), with, ""},
		"none":                      {with, spec.InContainer("C", "app", each(spec.DependsOn("D", nil))), `{"template": {"annotations": {}}, ` + pod + `}`, ""},
		"on itself":                 {`{` + pod + `}`, spec.InContainer("C", "app", each(spec.DependsOn("D", []string{"app"}))), "", "cannot depend on itself"},
		"on no one":                 {`{` + pod + `}`, spec.InContainer("C", "app", each(spec.DependsOn("D", []string{"x"}))), "", `there is no container "x"`},
		"without name":              {"", each(spec.DependsOn("D", []string{"x"})), "", "the container has no name"},
		"on nothing":                {"", spec.InContainer("C", "app", each(spec.DependsOn("D", []string{""}))), "", "the name of a container is empty"},
		"in YAML":                   {yaml(`{app:[b], b: [c]}`), spec.InContainer("C", "app", each(spec.DependsOn("D", []string{"c"}))), yaml(`{\"app\":[\"c\"],\"b\":[\"c\"]}`), ""},
		"the same in YAML":          {yaml(`{app:[b]}`), spec.InContainer("C", "app", each(spec.DependsOn("D", []string{"b"}))), yaml(`{app:[b]}`), ""},
		"in lines of YAML":          {yaml(`app:\n- b\n`), spec.InContainer("C", "c", each(spec.DependsOn("D", []string{"b"}))), yaml(`{\"app\":[\"b\"],\"c\":[\"b\"]}`), ""},
		"another container removed": {yaml(`{app: [b]}`), spec.WithoutContainer("W", "x"), yaml(`{app: [b]}`), ""},
		"not certain":               {yaml(`{app: [no]}`), spec.InContainer("C", "app", each(spec.DependsOn("D", []string{"b"}))), "", "cannot be read"},
		"unreadable": {`{"template": {"annotations": {"run.googleapis.com/container-dependencies": "{"}}, ` + pod + `}`,
			spec.InContainer("C", "app", each(spec.DependsOn("D", []string{"b"}))), "", "cannot be read"},
	})
}

func TestCustomEdit(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	w := parse(t, `{"pod": {"containers": [{"name": "app", "image": "a"}]}}`)
	require.ErrorIs(t, w.apply(spec.EditContainer("E", nil, func(*corev1.Container) error { return broken })), broken)
	require.NoError(t, w.apply(spec.EditContainer("E", nil, func(c *corev1.Container) error {
		require.Equal(t, "b", c.Image, "it runs last")
		c.WorkingDir = "/w"
		return nil
	}), spec.Image("I", "b")))
	require.Equal(t, "/w", w.Pod.Containers[0].WorkingDir)
}
