package rawjson_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/rawjson"
)

func TestObject(t *testing.T) {
	t.Parallel()
	o, err := rawjson.Parse([]byte(`{"z":1.50,"a":{"b":{"n":1e3,"y":0,"x":"<&>"}},"text":"t","none":null}`))
	require.NoError(t, err)
	require.Equal(t, "t", o.Text("text"))
	for _, key := range []string{"z", "a", "none", "absent"} {
		require.Empty(t, o.Text(key), key)
	}
	require.Equal(t, "<&>", o.Object("a", "b").Text("x"))
	for _, path := range [][]string{{"z"}, {"none"}, {"absent"}, {"a", "absent", "b"}, {"a", "b", "n"}} {
		require.NotNil(t, o.Object(path...))
		require.Empty(t, o.Object(path...), path)
	}

	a := o.Object("a")
	a.SetText("c", "<>")
	o.SetObject("a", a)
	o.SetObject("text", rawjson.Object{})
	o.Remove("none", "absent")
	require.Equal(t, `{"a":{"b":{"n":1e3,"y":0,"x":"<&>"},"c":"<>"},"z":1.50}`, string(o.Encode()))
}

func TestParseRejects(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", `"a"`, "1", "null", "{", `{"a":}`} {
		_, err := rawjson.Parse([]byte(text))
		require.Error(t, err, text)
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	require.Equal(t, `["<&>",null,1]`, string(rawjson.Encode([]any{"<&>", nil, 1})))
}
