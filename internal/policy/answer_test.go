package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/policy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for raw, problem := range map[string]string{
		`{"etag":"ACAB"}`:                             "", // what Cloud Run answers for a Service without bindings
		`{"etag":"ACAB","version":1,"x":[1e400]}`:     "",
		`{"etag":"e","bindings":null}`:                "",
		`{"bindings":[{"role":"r","members":["m"]}]}`: "",
		`{"etag":"e","bindings":[{"role":"r"}]}`:      "",
		``:                                            "not a JSON object",
		`null`:                                        "not a JSON object",
		`[]`:                                          "not a JSON object",
		`"e"`:                                         "not a JSON object",
		`{`:                                           "not a JSON object",
		`{}`:                                          "neither an etag nor bindings",
		`{"version":1}`:                               "neither an etag nor bindings",
		`{"etag":""}`:                                 "neither an etag nor bindings",
		`{"etag":null,"bindings":[]}`:                 "neither an etag nor bindings",
		`{"etag":7}`:                                  "neither an etag nor bindings",
		`{"ETAG":"e"}`:                                "neither an etag nor bindings",
		`{"Bindings":[{"role":"r","members":["m"]}]}`:   "neither an etag nor bindings",
		`{"policy":{"etag":"e"}}`:                       "one of the fields apiVersion, kind",
		`{"etag":"e","policy":{"etag":"e"}}`:            "one of the fields apiVersion, kind",
		`{"kind":"Status","status":"Failure","code":7}`: "one of the fields apiVersion, kind",
		`{"apiVersion":"v1","etag":"e"}`:                "one of the fields apiVersion, kind",
		`{"metadata":{},"etag":"e"}`:                    "one of the fields apiVersion, kind",
		`{"error":{"code":403},"etag":"e"}`:             "one of the fields apiVersion, kind",
		`{"etag":"e","bindings":{}}`:                    "bindings",
		`{"etag":"e","bindings":[null]}`:                "a binding is null",
		`{"etag":"e","bindings":["x"]}`:                 "bindings",
		`{"etag":"e","bindings":[{"members":["m"]}]}`:   "bindings[0] has no role",
		`{"etag":"e","bindings":[{"role":"r"},{}]}`:     "bindings[1] has no role",
		`{"etag":"e","bindings":[{"Role":"r"}]}`:        "bindings[0] has no role",
		`{"etag":"e","bindings":[{"role":["r"]}]}`:      "bindings[0] has no role",
	} {
		err := policy.Check([]byte(raw))
		if problem == "" {
			require.NoError(t, err, raw)
			continue
		}
		require.ErrorIs(t, err, policy.ErrNoPolicy, raw)
		require.ErrorContains(t, err, problem, raw)
	}
}

func TestFieldsOfAPolicy(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][2]string{
		`{"etag":"e","bindings":[{"role":"r"}]}`: {"e", `[{"role":"r"}]`},
		`{"Etag":"e","Bindings":[{"role":"r"}]}`: {"", ""},
		`{"etag":1}`:                             {"", ""},
		`null`:                                   {"", ""},
	} {
		require.Equal(t, want[0], policy.Etag([]byte(raw)), raw)
		bindings, _ := policy.Bindings([]byte(raw))
		require.Equal(t, want[1], string(bindings), raw)
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{`{}`: nil, `{"permissions":[]}`: {}, `{"permissions":["b"],"x":1}`: {"b"}} {
		got, err := policy.Permissions([]byte(raw), []string{"a", "b"})
		require.NoError(t, err, raw)
		require.Equal(t, want, got, raw)
	}
	for _, raw := range []string{``, `null`, `[]`, `{"x":1}`, `{"permissions":null}`, `{"permissions":["c"]}`, `{"Permissions":["b"]}`, `{"kind":"Status","permissions":["b"]}`} {
		_, err := policy.Permissions([]byte(raw), []string{"a", "b"})
		require.ErrorContains(t, err, "does not list permissions", raw)
	}
}
