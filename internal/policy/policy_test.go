package policy_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/policy"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	const twins = `{"bindings":[{"role":"r","members":["a"],"x":1},{"role":"r","members":["b"],"x":2}]}`
	cases := map[string]struct{ policy, bindings, want string }{
		"nothing at all":            {``, `null`, `{}`},
		"null":                      {`null`, `[]`, `{}`},
		"no bindings are left":      {`{"etag":"e","x":1,"bindings":[{"role":"r","members":["m"]}]}`, `[]`, `{"etag":"e","x":1}`},
		"a first binding":           {`{"etag":"e"}`, `[{"role":"r","members":["m"]}]`, `{"etag":"e","bindings":[{"role":"r","members":["m"]}]}`},
		"unknown fields stay":       {`{"bindings":[{"role":"r","members":["m"],"x":[1e400]}]}`, `[{"role":"r","members":["n"]}]`, `{"bindings":[{"role":"r","members":["n"],"x":[1e400]}]}`},
		"and not with another role": {`{"bindings":[{"role":"r","members":["m"],"x":1}]}`, `[{"role":"s","members":["m"]}]`, `{"bindings":[{"role":"s","members":["m"]}]}`},
		"and not with another condition": {`{"bindings":[{"role":"r","members":["m"],"x":1,"condition":{"title":"t","expression":"e"}}]}`,
			`[{"role":"r","members":["m"]}]`, `{"bindings":[{"role":"r","members":["m"]}]}`},
		"a condition's too": {`{"bindings":[{"role":"r","members":["m"],"condition":{"title":"t","expression":"e","location":"l"}}]}`,
			`[{"role":"r","members":["n"],"condition":{"title":"t","expression":"e"}}]`,
			`{"bindings":[{"role":"r","members":["n"],"condition":{"title":"t","expression":"e","location":"l"}}]}`},
		"twins keep their own": {`{"bindings":[{"role":"r","members":["a"],"x":1},{"role":"r","members":["b"],"x":2}]}`,
			`[{"role":"r","members":["a","c"]},{"role":"r","members":["b"]}]`,
			`{"bindings":[{"role":"r","members":["a","c"],"x":1},{"role":"r","members":["b"],"x":2}]}`},
		"twins in another order keep their own": {twins,
			`[{"role":"r","members":["b"]},{"role":"r","members":["a"]}]`,
			`{"bindings":[{"role":"r","members":["b"],"x":2},{"role":"r","members":["a"],"x":1}]}`},
		"the first twin goes":                      {twins, `[{"role":"r","members":["b"]}]`, `{"bindings":[{"role":"r","members":["b"],"x":2}]}`},
		"the first twin goes, the other is edited": {twins, `[{"role":"r","members":["c","b"]}]`, `{"bindings":[{"role":"r","members":["c","b"],"x":2}]}`},
		"a new twin comes first": {twins,
			`[{"role":"r","members":["c"]},{"role":"r","members":["a"]},{"role":"r","members":["b"]}]`,
			`{"bindings":[{"role":"r","members":["c"]},{"role":"r","members":["a"],"x":1},{"role":"r","members":["b"],"x":2}]}`},
		"a twin is emptied": {twins, `[{"role":"r","members":[]},{"role":"r","members":["b"]}]`, `{"bindings":[{"role":"r","members":["b"],"x":2}]}`},
		"the twin that shares most": {`{"bindings":[{"role":"r","members":["a","y"],"x":1},{"role":"r","members":["a","b","z"],"x":2}]}`,
			`[{"role":"r","members":["a","b"]}]`, `{"bindings":[{"role":"r","members":["a","b"],"x":2}]}`},
		"a twin whose members are spelled in another way": {`{"bindings":[{"role":"r","members":["a"],"x":1},{"role":"r","members":["user:B@x.org","c"],"x":2}]}`,
			`[{"role":"r","members":["c","user:b@x.org","user:b@x.org"]}]`, `{"bindings":[{"role":"r","members":["c","user:b@x.org","user:b@x.org"],"x":2}]}`},
		"a twin with other members": {twins, `[{"role":"r","members":["c"]},{"role":"r","members":["b"]}]`,
			`{"bindings":[{"role":"r","members":["c"],"x":1},{"role":"r","members":["b"],"x":2}]}`},
		"empty bindings go": {`{"bindings":[{"role":"r","members":["a"]},{"role":"s","members":["b"]}]}`,
			`[{"role":"r","members":[]},{"role":"s","members":["b"]},{"role":"t","members":null}]`, `{"bindings":[{"role":"s","members":["b"]}]}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := policy.Merge([]byte(tc.policy), []byte(tc.bindings))
			require.NoError(t, err)
			require.Equal(t, sorted(t, tc.want), string(got))
		})
	}
	for _, wrong := range []string{`[]`, `"x"`, `{"bindings":{}}`, `{"bindings":["x"]}`, `{`} {
		_, err := policy.Merge([]byte(wrong), []byte(`[]`))
		require.ErrorContains(t, err, "policy: ", wrong)
	}
}

// Many bindings of one role take no more than a moment.
func TestMergeOfManyTwins(t *testing.T) {
	t.Parallel()
	var have, want []map[string]any
	for i := range 20_000 {
		have = append(have, map[string]any{"role": "r", "members": []string{fmt.Sprint(i), "a"}, "x": i})
		want = append(want, map[string]any{"role": "r", "members": []string{fmt.Sprint(i), "a", "new"}})
	}
	raw, err := json.Marshal(map[string]any{"bindings": have})
	require.NoError(t, err)
	bindings, err := json.Marshal(want)
	require.NoError(t, err)
	merged, err := policy.Merge(raw, bindings)
	require.NoError(t, err)
	for i := range want {
		want[i]["x"] = i
	}
	bindings, err = json.Marshal(map[string]any{"bindings": want})
	require.NoError(t, err)
	require.Equal(t, string(bindings), string(merged))
}

func TestSetRequest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		policy, want string
		asRead       bool
	}{
		{`{"version":1,"etag":"e","x":{"n":1e400}}`, `{"policy":{"etag":"e","version":3,"x":{"n":1e400}}}`, false},
		{`{"version":1,"bindings":[{"role":"r"}]}`, `{"policy":{"bindings":[{"role":"r"}],"version":1}}`, true},
		{`{"etag":"e"}`, `{"policy":{"etag":"e"}}`, true},
		{`{"version":1,"bindings":[{"condition":{}}]}`, `{"policy":{"bindings":[{"condition":{}}],"version":3}}`, true},
	} {
		got, err := policy.SetRequest([]byte(tc.policy), tc.asRead)
		require.NoError(t, err)
		require.Equal(t, tc.want, string(got))
	}
	_, err := policy.SetRequest([]byte(`[]`), false)
	require.Error(t, err)
}

func TestFold(t *testing.T) {
	t.Parallel()
	for member, want := range map[string]string{
		"allUsers": "allUsers", "user:Ann@X.org": "user:ann@x.org", "serviceAccount:P.svc": "serviceAccount:p.svc",
		"deleted:user:Ann@x.org?uid=1": "deleted:user:ann@x.org?uid=1", "principal://X/Y": "principal://X/Y", "projectOwner:P": "projectOwner:P",
	} {
		require.Equal(t, want, policy.Fold(member))
	}
}

// FuzzMerge merges a policy with its own bindings, which must not change it, and with none.
func FuzzMerge(f *testing.F) {
	f.Add(`{"etag":"e","auditConfigs":[{}],"bindings":[{"role":"r","members":["m"],"x":1,"condition":{"title":"t","expression":"e","location":"l"}}]}`)
	f.Add(`{"bindings":[{"role":"r","members":["a"]},{"role":"r","members":["b"],"y":null}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		var whole map[string]json.RawMessage
		if json.Unmarshal([]byte(raw), &whole) != nil {
			return
		}
		merged, err := policy.Merge([]byte(raw), whole["bindings"])
		if err != nil {
			return
		}
		again, err := policy.Merge(merged, []byte(`[]`))
		require.NoError(t, err)
		delete(whole, "bindings")
		rest, err := json.Marshal(whole)
		require.NoError(t, err)
		if whole == nil {
			rest = []byte("{}")
		}
		require.Equal(t, string(rest), string(again))
	})
}

func sorted(t *testing.T, raw string) string {
	t.Helper()
	var top map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(raw), &top))
	var bindings []map[string]json.RawMessage
	if top["bindings"] != nil {
		require.NoError(t, json.Unmarshal(top["bindings"], &bindings))
		encoded, err := json.Marshal(bindings)
		require.NoError(t, err)
		top["bindings"] = encoded
	}
	encoded, err := json.Marshal(top)
	require.NoError(t, err)
	return string(encoded)
}
