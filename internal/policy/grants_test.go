package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/policy"
)

func grants(t *testing.T, bindings string) policy.Grants {
	t.Helper()
	g, err := policy.GrantsOf([]byte(`{"etag":"e","bindings":` + bindings + `}`))
	require.NoError(t, err)
	return g
}

// The order and the grouping of bindings and members have no meaning. The condition has one.
func TestGrantsEqual(t *testing.T) {
	t.Parallel()
	g := grants(t, `[{"role":"r","members":["a","user:B@x.org"]},{"role":"s","members":["a"],"condition":{"title":"t","expression":"e","location":"l"}}]`)
	for other, want := range map[string]bool{
		`[{"role":"s","members":["a"],"condition":{"title":"t","expression":"e"}},{"role":"r","members":["user:b@x.org"]},{"role":"r","members":["a","a"],"x":1},{"role":"q"}]`: true,
		`[{"role":"r","members":["a","user:b@x.org"]},{"role":"s","members":["a"]}]`:                                                                                            false,
		`[{"role":"r","members":["a","user:b@x.org"]},{"role":"s","members":["a"],"condition":{"title":"u","expression":"e"}}]`:                                                 false,
		`[{"role":"r","members":["a"]},{"role":"s","members":["a"],"condition":{"title":"t","expression":"e"}}]`:                                                                false,
		`null`: false,
	} {
		require.Equal(t, want, g.Equal(grants(t, other)), other)
	}
	for _, raw := range []string{`null`, `[]`, `{"bindings":{}}`, `{"bindings":[{"role":"r","members":"a"}]}`, `{"bindings":[{"role":"r","members":[1]}]}`} {
		_, err := policy.GrantsOf([]byte(raw))
		require.ErrorIs(t, err, policy.ErrNoPolicy, raw)
	}
}

func TestGrantsHoldAChange(t *testing.T) {
	t.Parallel()
	from := grants(t, `[{"role":"r","members":["stays","goes"]}]`)
	to := grants(t, `[{"role":"r","members":["stays","comes"]}]`)
	for now, want := range map[string]bool{
		`[{"role":"r","members":["stays","comes"]}]`:                                 true,
		`[{"role":"r","members":["comes"]},{"role":"s","members":["goes","other"]}]`: true, // others changed more
		`[{"role":"r","members":["stays","goes"]}]`:                                  false,
		`[{"role":"r","members":["stays","goes","comes"]}]`:                          false,
		`[{"role":"r","members":["stays"]}]`:                                         false,
		`[{"role":"s","members":["stays","comes"]}]`:                                 false,
		`null`: false,
	} {
		require.Equal(t, want, grants(t, now).Hold(from, to), now)
	}
	require.True(t, policy.Grants(nil).Hold(from, nil))
}

func TestTouched(t *testing.T) {
	t.Parallel()
	from, to := grants(t, `[{"role":"r","members":["b","a"]}]`), grants(t, `[{"role":"r","members":["b","c"]}]`)
	require.Equal(t, []string{"c"}, policy.Touched(from, to))
	require.Equal(t, []string{"a"}, policy.Touched(to, from))
	require.Equal(t, []string{"a", "b"}, policy.Touched(from, from))
}
