package lossless_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/lossless"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"an empty status at the top", `{"a":1,"status":{}}`, `{"a":1}`},
		{"a status of nulls", `{"status":{"a":null}}`, `{}`},
		{"a status of something", `{"status":{"a":1}}`, `{"status":{"a":1}}`},
		{"an empty status elsewhere", `{"a":{"status":{}}}`, `{"a":{"status":{}}}`},
		{"creationTimestamp", `{"metadata":{"name":"a","creationTimestamp":null}}`, `{"metadata":{"name":"a"}}`},
		{"every null member", `{"a":null,"b":[{"c":null,"d":1}]}`, `{"b":[{"d":1}]}`},
		{"null elements stay, the others would move", `{"a":[null,1]}`, `{"a":[null,1]}`},
		{"empty metadata", `{"spec":{"template":{"metadata":{"creationTimestamp":null},"spec":{}}}}`, `{"spec":{"template":{"spec":{}}}}`},
		{"names of containers and metadata", `{"metadata":{"name":""},"containers":[{"name":"","image":"a"}],"initContainers":[{"name":""}]}`,
			`{"containers":[{"image":"a"}],"initContainers":[{}]}`},
		{"other names", `{"env":[{"name":""}],"metadata":{"labels":{"name":""}}}`, `{"env":[{"name":""}],"metadata":{"labels":{"name":""}}}`},
		{"resources", `{"containers":[{"resources":{}},{"resources":{"limits":{"cpu":"1"}}}]}`, `{"containers":[{},{"resources":{"limits":{"cpu":"1"}}}]}`},
		{"ports of probes", `{"httpGet":{"port":0},"tcpSocket":{"port":0},"grpc":{"port":0,"service":null}}`, `{"httpGet":{},"tcpSocket":{},"grpc":{}}`},
		{"other ports", `{"port":0,"httpGet":{"port":80},"a":{"port":0}}`, `{"port":0,"httpGet":{"port":80},"a":{"port":0}}`},
		{"what chooses a kind", `{"a":[{"emptyDir":{}},{"secret":{}},{"csi":{}},{"nfs":{}},{"configMap":{}}]}`,
			`{"a":[{"emptyDir":{}},{"secret":{}},{"csi":{}},{"nfs":{}},{"configMap":{}}]}`},
		{"zeros that mean something", `{"value":"","percent":0,"latestRevision":false,"args":[],"readOnly":false}`,
			`{"value":"","percent":0,"latestRevision":false,"args":[],"readOnly":false}`},
		{"spelling", `{"a":1.0,"b":"\u003c"}`, `{"a":1.0,"b":"\u003c"}`},
		{"no object", ` null `, `null`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cleaned, err := lossless.Clean([]byte(c.in))
			require.NoError(t, err)
			require.Equal(t, c.want, string(cleaned))
		})
	}
}

func TestCleanRejects(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "at byte 0",
		`{"a":1,}`:                  "at byte 7: expected a key",
		`[1,]`:                      "at byte 3: expected a value",
		`[1`:                        "at byte 2: expected a comma",
		`{"a":1`:                    "at byte 6: expected a comma",
		`[1 2]`:                     "at byte 3: expected a comma",
		`{"a" 1}`:                   "at byte 5: expected a colon",
		`{} {}`:                     "at byte 3: text after the end",
		`"a`:                        "at byte 2: a string without an end",
		`"\x"`:                      "at byte 1: unknown escape",
		"\"\n\"":                    "at byte 1: control character",
		`01`:                        "at byte 1: text after the end",
		`1.`:                        "at byte 2: expected a digit",
		`1e`:                        "at byte 2: expected a digit",
		`nul`:                       "at byte 0: expected null",
		strings.Repeat("[", 1001):   "nested more than 1000 levels deep",
		strings.Repeat("[", 100000): "nested more than 1000 levels deep",
	} {
		_, err := lossless.Clean([]byte(in))
		require.ErrorContains(t, err, want, "%.20q", in)
	}
	for _, in := range []string{strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "[" + strings.Repeat("{},", 2000) + "{}]"} {
		_, err := lossless.Clean([]byte(in))
		require.NoError(t, err)
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":[true,null]}`, "\t{ \"b\" : [ true , null ] , \"a\" : 1 }\n", true},
		{`1`, `1.0`, true},
		{`1`, `1e0`, true},
		{`100`, `1E+2`, true},
		{`0.001`, `1e-3`, true},
		{`10.50`, `105e-1`, true},
		{`0`, `-0.0e99999999999`, true},
		{`1`, `-1`, false},
		{`1`, `10`, false},
		{`12`, `1.20`, false},
		{`9007199254740993`, `9007199254740992`, false},
		{`1e99999999999`, `1e99999999999`, true},
		{`1e99999999999`, `1e99999999998`, false},
		{`"<a>"`, `"\u003ca\u003e"`, true},
		{`"\u0041"`, `"A"`, true},
		{`"\/"`, `"/"`, true},
		{`"1"`, `1`, false},
		{`"a\",\"b"`, `"a","b"`, false},
		{`["a\",\"b"]`, `["a","b"]`, false},
		{`["a,\"1:b"]`, `["a","b"]`, false},
		{`{"a":{}}`, `{"a":[]}`, false},
		{`{"a":null}`, `{}`, false},
		{`[1,2]`, `[2,1]`, false},
		{`[[1],2]`, `[[1,2]]`, false},
		{`{"a":1,"a":2}`, `{"a":2}`, false},
		{`{"a":1,"a":2}`, `{ "a":1,"a":2}`, true},
		{`{"a":1,"a":2}`, `{"a":2,"a":1}`, false},
		{`{`, `{`, false},
		{`1`, ``, false},
	} {
		require.Equal(t, c.want, lossless.Equal([]byte(c.a), []byte(c.b)), "%s and %s", c.a, c.b)
		require.Equal(t, c.want, lossless.Equal([]byte(c.b), []byte(c.a)), "%s and %s", c.b, c.a)
	}
}
