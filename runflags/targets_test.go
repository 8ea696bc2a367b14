package runflags_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/runflags"
)

const fleetFile = `# a comment
defaults:
  project: demo
  regions: [us-central1, europe-west1]
  memory: 512Mi
  allow-unauthenticated: true
  labels: {team: shop}
services:
  - service: api
    image: example.com/api:v7
    set-env-vars:
      MODE: a,b
      REPLICAS: 3
      EMPTY: ""
    args: [--verbose, "x,y"]
  - service: worker
    project: other
    regions: [us-east1]
    image: example.com/worker:v7
    memory: 1Gi
    no-cpu-throttling: true
    allow-unauthenticated: false
    clear-labels: false
    port: 8080
`

func TestParseTargets(t *testing.T) {
	t.Parallel()
	targets, err := runflags.ParseTargets([]byte(fleetFile))
	require.NoError(t, err)
	var names []string
	for _, target := range targets {
		names = append(names, target.String())
	}
	require.Equal(t, []string{"api (demo, us-central1)", "api (demo, europe-west1)", "worker (other, us-east1)"}, names)
	s := assembled(t, targets[0].Options)
	require.Equal(t, "example.com/api:v7", s.Spec.Template.Spec.Containers[0].Image)
	require.Equal(t, []string{"--verbose", "x,y"}, s.Spec.Template.Spec.Containers[0].Args)
	require.Equal(t, "shop", s.Labels["team"])
	env := map[string]string{}
	for _, v := range s.Spec.Template.Spec.Containers[0].Env {
		env[v.Name] = v.Value
	}
	require.Equal(t, map[string]string{"MODE": "a,b", "REPLICAS": "3", "EMPTY": ""}, env)
	require.Contains(t, fmt.Sprint(targets[0].Options), "WithPublicAccess()")
	require.Contains(t, fmt.Sprint(targets[2].Options), "WithoutPublicAccess()")
	require.Contains(t, fmt.Sprint(targets[2].Options), "WithCPUThrottling(false)")
	require.Equal(t, "1Gi", assembled(t, targets[2].Options).Spec.Template.Spec.Containers[0].Resources.Limits.Memory().String())
}

// assembled returns the Service that options make.
func assembled(t *testing.T, options []cloudrun.DeployOption) *servingv1.Service {
	t.Helper()
	var kept []cloudrun.ServiceOption
	for _, o := range options {
		if o, ok := o.(cloudrun.ServiceOption); ok {
			kept = append(kept, o)
		}
	}
	s, err := cloudrun.NewService("a", kept...)
	require.NoError(t, err)
	return s
}

// All mistakes are reported with their lines, and no values.
func TestParseTargetsProblems(t *testing.T) {
	t.Parallel()
	service := func(setting string) string {
		return "services:\n- service: a\n  regions: [us-east1]\n  image: x\n  " + setting + "\n"
	}
	for text, want := range map[string]string{
		"":                                    "the list of targets is empty",
		"- a":                                 "line 1: it is not a mapping with the keys defaults and services",
		"defaults: {}\n":                      `line 1: the key "services" must have a list`,
		"services: []\nother: 1":              `line 2: unknown key "other": use defaults or services`,
		"services: [":                         "not valid YAML",
		"services: !x []":                     "line 1: the value has a tag",
		"services:\n- image: x":               `line 2: the key "service" is missing`,
		"services:\n- service: a\n  image: x": `line 2: service "a" has no regions`,
		"services:\n- service: [a]\n  regions: [b]":             `line 2: the value of "service" must be a word`,
		"services:\n- service: a\n  regions: us-east1":          `line 3: the value of "regions" must be a list of regions`,
		"services:\n- service: a\n  service: b":                 `line 3: the key "service" occurs twice`,
		"defaults: {service: a}\nservices: []":                  `line 1: the defaults are for all services`,
		"defaults: &d {memory: 1Gi}\nservices:\n- <<: *d":       "line 3: anchors and keys",
		service("memroy: 1Gi"):                                  `line 5: unknown key "memroy": did you mean "memory"?`,
		service("nothing-like-it: 1"):                           `line 5: unknown key "nothing-like-it": use service, project, regions or a flag of gcloud run deploy`,
		service("memory: many"):                                 `line 2: service "a": argument --memory: `,
		service("cpu-throttling: maybe"):                        "line 5: cpu-throttling: must be true or false",
		service("container: b"):                                 "line 5: several containers are not supported here",
		service("set-env-vars: {A: {B: c}}"):                    "line 5: set-env-vars: must be a word, a list of words, or a mapping of words",
		service("memory:"):                                      "line 5: memory: must be a word",
		service("set-env-vars: {A: 1}\n  clear-env-vars: true"): `line 2: service "a": `,
		strings.Repeat("#", 5<<20):                              "larger than 4 MiB",
	} {
		targets, err := runflags.ParseTargets([]byte(text))
		require.ErrorContains(t, err, want)
		require.Nil(t, targets)
	}
	_, err := runflags.ParseTargets([]byte(service("x: secret1\n  y: secret2")))
	require.ErrorContains(t, err, "line 5")
	require.ErrorContains(t, err, "line 6")
	require.NotContains(t, err.Error(), "secret")
}

func FuzzParseTargets(f *testing.F) {
	f.Add([]byte(fleetFile))
	f.Fuzz(func(t *testing.T, text []byte) {
		targets, err := runflags.ParseTargets(text)
		for _, target := range targets {
			require.NoError(t, err)
			require.NoError(t, cloudrun.CheckOptions(target.Options...))
		}
	})
}
