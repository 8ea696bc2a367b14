package spec_test

import (
	"testing"

	"github.com/cloudrun-go/cloudrun/internal/spec"
)

const envBefore = `{"pod": {"containers": [{"name": "app", "env": [
	{"name": "A", "value": "1"}, {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "1", "optional": true}}}, {"name": "B", "value": "2"},
	{"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]}]}}`

func env(list string) string {
	return `{"pod": {"containers": [{"name": "app", "env": [` + list + `]}]}}`
}

func TestEnv(t *testing.T) {
	t.Parallel()
	const (
		a, b   = `{"name": "A", "value": "1"}`, `{"name": "B", "value": "2"}`
		secret = `{"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "1", "optional": true}}}`
		field  = `{"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}`
	)
	testEdits(t, map[string]edit{
		"changed in its place": {envBefore, each(spec.Env("E", "A", "9")), env(`{"name": "A", "value": "9"},` + secret + `,` + b + `,` + field), ""},
		"added":                {envBefore, each(spec.Env("E", "C", "3")), env(a + `,` + secret + `,` + b + `,` + field + `,{"name": "C", "value": "3"}`), ""},
		"replaced": {envBefore, spec.SetEnv("E", map[string]string{"B": "2", "C": "3", "0": ""}),
			env(secret + `,` + b + `,` + field + `,{"name": "0"},{"name": "C", "value": "3"}`), ""},
		"removed": {envBefore, spec.WithoutEnv("E", []string{"A", "S", "nothing"}), env(secret + `,` + b + `,` + field), ""},
		"cleared": {envBefore, each(spec.ClearEnv("E", nil)), env(secret + `,` + field), ""},
		"cleared and set again": {envBefore, each(spec.ClearEnv("E", nil), spec.Env("F", "B", "2"), spec.Env("G", "A", "1")),
			env(a + `,` + secret + `,` + b + `,` + field), ""},
		"over a secret":        {envBefore, each(spec.Env("E", "S", "1")), "", `holds a secret: add WithoutSecret("S")`},
		"over something else":  {envBefore, each(spec.Env("E", "F", "1")), "", "has its value from elsewhere"},
		"no name":              {"", each(spec.Env("E", "", "1")), "", "the name must not be empty"},
		"a name with =":        {"", each(spec.Env("E", "A=B", "1")), "", "contain '='"},
		"reserved":             {"", each(spec.Env("E", "K_SERVICE", "1")), "", "reserved"},
		"reserved prefix":      {"", each(spec.Env("E", "X_GOOGLE_A", "1")), "", "reserved"},
		"PORT of the ingress":  {"", each(spec.Env("E", "PORT", "1")), "", "use WithPort"},
		"set and removed":      {"", all(each(spec.Env("E", "A", "1")), spec.WithoutEnv("W", []string{"A"})), "", "contradicts"},
		"remove without names": {"", spec.WithoutEnv("W", []string{""}), "", "the name is empty"},
	})
	testEdits(t, map[string]edit{
		"PORT of a sidecar": {
			`{"pod": {"containers": [{"name": "app", "ports": [{"containerPort": 80}]}]}}`,
			spec.InContainer("C", "side", each(spec.Env("E", "PORT", "1"))),
			`{"pod": {"containers": [{"name": "app", "ports": [{"containerPort": 80}]}, {"name": "side", "env": [{"name": "PORT", "value": "1"}]}]}}`, "",
		},
	})
}
