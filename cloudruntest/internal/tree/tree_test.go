package tree_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

func decode(t *testing.T, s string) tree.Object {
	t.Helper()
	o, err := tree.Decode([]byte(s))
	require.NoError(t, err)
	return o
}

func TestDecodeAndEncodeKeepSpelling(t *testing.T) {
	t.Parallel()
	const doc = `{"a":1.50,"b":"<&>","c":12345678901234567890}` + "\n"
	require.Equal(t, doc, string(tree.Encode(decode(t, doc))))
	for _, bad := range []string{"", "{", "[]", "7", `"x"`} {
		_, err := tree.Decode([]byte(bad))
		require.Error(t, err, bad)
	}
	null, err := tree.Decode([]byte("null"))
	require.NoError(t, err)
	require.Nil(t, null)
}

func TestSame(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		a, b string
		want bool
	}{
		"equal":               {`{"x":{"y":[1,"z"]}}`, `{"x":{"y":[1,"z"]}}`, true},
		"order of keys":       {`{"x":1,"y":2}`, `{"y":2,"x":1}`, true},
		"order of a list":     {`{"x":[1,2]}`, `{"x":[2,1]}`, false},
		"absent and null":     {`{}`, `{"x":null}`, true},
		"absent and empty":    {`{}`, `{"x":{},"y":[],"z":"","n":0,"b":false}`, true},
		"nested empty":        {`{}`, `{"x":{"y":{"z":[]}}}`, true},
		"empty list elements": {`{"x":[]}`, `{"x":[{}]}`, false},
		"number spellings":    {`{"x":1}`, `{"x":1.0}`, true},
		"number and string":   {`{"x":1}`, `{"x":"1"}`, false},
		"another value":       {`{"x":"a"}`, `{"x":"b"}`, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, tree.Same(decode(t, tc.a), decode(t, tc.b)))
			require.Equal(t, tc.want, tree.Same(decode(t, tc.b), decode(t, tc.a)))
		})
	}
	require.True(t, tree.Same(80, json.Number("80")), "numbers of Go and of JSON")
}

func TestReading(t *testing.T) {
	t.Parallel()
	o := decode(t, `{"a":{"b":{"c":"text"}},"list":[{"x":1},"s",null,{"y":2}],"n":7,"yes":"True"}`)
	require.Equal(t, "text", tree.Text(tree.At(o, "a", "b"), "c"))
	require.Nil(t, tree.At(o, "a", "missing", "deeper"))
	require.Empty(t, tree.Text(tree.At(o, "list"), "x"), "another type reads as nothing")
	require.Len(t, tree.Objects(o, "list"), 2)
	require.Equal(t, []string{"s"}, tree.Texts(o, "list"))
	require.Len(t, tree.Items(o, "list"), 4)
	require.Equal(t, []string{"a", "list", "n", "yes"}, tree.SortedKeys(o))
	require.True(t, tree.Truth(o["yes"]))
	require.False(t, tree.Truth(o["n"]))
	for v, want := range map[any]int64{json.Number("7"): 7, 7: 7, int64(7): 7} {
		n, ok := tree.Number(v)
		require.True(t, ok)
		require.Equal(t, want, n)
	}
	for _, v := range []any{"7", 7.0, json.Number("7.5"), nil} {
		_, ok := tree.Number(v)
		require.False(t, ok, "%v", v)
	}
}

func TestEditing(t *testing.T) {
	t.Parallel()
	o := decode(t, `{"a":{"b":1},"empty":{},"null":null}`)
	require.Equal(t, decode(t, `{"a":{"b":1},"empty":{},"null":null,"x":2}`), tree.With(o, "x", json.Number("2")))
	require.Equal(t, decode(t, `{"a":{"b":1}}`), tree.Without(o, "empty", "null", "missing"))
	require.Equal(t, tree.Object{"x": 1}, tree.With(nil, "x", 1))
	require.Len(t, o, 3, "the copies leave the original alone")

	deep := tree.Clone(o)
	tree.At(deep, "a")["b"] = "changed"
	require.Equal(t, json.Number("1"), tree.At(o, "a")["b"])

	tree.Child(o, "new")["k"] = "v"
	tree.SetIfAbsent(o, "null", "set")
	tree.SetIfAbsent(o, "empty", "not set")
	tree.DropEmpty(o, "empty", "a", "missing")
	require.Equal(t, decode(t, `{"a":{"b":1},"null":"set","new":{"k":"v"}}`), o)
}

func TestMerge(t *testing.T) {
	t.Parallel()
	o := tree.Object{"a": "1", "b": tree.Object{"c": "2", "d": "3"}, "l": []any{"x"}}
	merged := tree.Merge(o, tree.Object{"a": nil, "b": tree.Object{"c": nil, "e": "4"}, "l": []any{"y"}, "n": tree.Object{"o": tree.Object{"p": nil, "q": "5"}}})
	require.Equal(t, tree.Object{"b": tree.Object{"d": "3", "e": "4"}, "l": []any{"y"}, "n": tree.Object{"o": tree.Object{"q": "5"}}}, merged)
	require.Equal(t, tree.Object{"a": "1", "b": tree.Object{"c": "2", "d": "3"}, "l": []any{"x"}}, o, "unchanged")
}
