package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/manifest"
)

func TestValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":["b"]}`:           `{"a":["b"]}`,
		`{a: [b]}`:              `{"a":["b"]}`,
		`{a:[b,c],d:[e]}`:       `{"a":["b","c"],"d":["e"]}`,
		`{"a":[b], 'c':{d: e}}`: `{"a":["b"],"c":{"d":"e"}}`,
		"a:\n- b\n":             `{"a":["b"]}`,
		`{"a:[b": [":{", c]}`:   `{"a:[b":[":{","c"]}`,
		`{"\":[": [c:[d]]}`:     `{"\":[":[{"c":["d"]}]}`,
		`{a: [no]}`:             "",
		`{a:[b}`:                "",
		`[{network:default}]`:   "",
		``:                      "",
	} {
		got, ok := manifest.Value(text)
		require.Equal(t, want != "", ok, "%s: %s", text, got)
		require.Equal(t, want, string(got), text)
	}
}
