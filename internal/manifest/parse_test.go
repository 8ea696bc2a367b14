package manifest_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/manifest"
)

// object is a type like those of Kubernetes.
type object struct {
	Version string `json:"version"`
	Meta    struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels,omitempty"`
	} `json:"meta"`
	Inline
	Items []struct {
		Count   *int32 `json:"count,omitempty"`
		Enabled bool   `json:"enabled"`
		Secret  string `json:"secret"`
	} `json:"items"`
	Any any `json:"any"`
}

// Inline is embedded in the object, as metadata types are.
type Inline struct {
	Text string `json:"text"`
}

func schema() manifest.Schema {
	return manifest.Schema{
		Type: reflect.TypeFor[object](), Constants: []manifest.Constant{{Field: "version", Value: "v1"}},
		Added: map[string]reflect.Type{"items[].extra": reflect.TypeFor[bool]()},
		Hints: map[string]string{"scaling": "write any"},
		Text:  []string{"meta.name"}, Hides: func(name string) bool { return name == "secret" }, HidesText: func(text string) bool { return strings.HasPrefix(text, "hunter") }, Dropped: []string{"status"},
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"version: v1":                                       `{"version":"v1"}`,
		"version: v1\nmeta: {name: 007}":                    "",
		"version: v1\nmeta: {name: 7, labels: {a: b}}":      `{"version":"v1","meta":{"name":"7","labels":{"a":"b"}}}`,
		"version: v1\ntext: |\n  a\n  b\n":                  `{"version":"v1","text":"a\nb\n"}`,
		"version: v1\nitems: [{count: 1, enabled: True}]":   `{"version":"v1","items":[{"count":1,"enabled":true}]}`,
		"version: v1\nitems:\n- extra: true\n  count:\n":    `{"version":"v1","items":[{"extra":true}]}`,
		"version: v1\nany: {a: [1.50, null, 2025-01-01]}":   `{"version":"v1","any":{"a":[1.50,null,"2025-01-01"]}}`,
		"version: v1\nstatus: [whatever\n  ]":               `{"version":"v1"}`,
		"version: v1\nany: &x {b: 1}\nmeta: {labels: {}}\n": `{"version":"v1","any":{"b":1},"meta":{"labels":{}}}`,
		"{\"version\":\"v1\",\n\t\"text\":\"\\u0000\"}":     `{"version":"v1","text":"\u0000"}`,
	} {
		got, problems := manifest.Parse([]byte(text), schema(), false)
		if want == "" {
			require.NotEmpty(t, problems, text)
			require.Nil(t, got)
			continue
		}
		require.Empty(t, problems, text)
		require.Equal(t, want, string(got), text)
	}
}

func TestParseProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                    "0 : empty",
		"kind: a":                             "1 version: missing: write version: v1",
		"version: v2\nbogus: 1":               `1 version: got the string "v2", want v1`,
		"version: v1\nscaling: 1":             "2 scaling: unknown field: write any",
		"version: v1\nitem: []":               "2 item: unknown field: did you mean items?",
		"version: v1\nxyz: 1":                 "2 xyz: unknown field of the object",
		"version: v1\nitems: [{extar: true}]": "2 items[0].extar: unknown field: did you mean extra?",
		"version: v1\nitems: [{count: 3e9}]":  "2 items[0].count: got the number 3e9, want a whole number",
		"version: v1\nitems: [{count: 9999999999}]": "2 items[0].count: the number 9999999999 is out of range",
		"version: v1\nitems: [{secret: 5}]":         "2 items[0].secret: got a number, want a string: put it in quotes",
		"version: v1\nitems: [{enabled: 1}]":        "2 items[0].enabled: got the number 1, want true or false",
		"version: v1\nmeta: []":                     "2 meta: got a list, want an object",
		"version: v1\ntext: off":                    "2 text: off is a boolean in some versions of YAML and a string in others: write true or false, or put it in quotes",
		"version: v1\ntext: a\ntext: b":             "3 text: duplicate key, first in line 2",
		"version: v1\n---\nversion: v1":             "3 : a second document begins here: put it in a file of its own",
		"version: v1\nitems: [{count: hunter2}]":    "2 items[0].count: got a string, want a whole number",
		"version: v1\nitems: hunter2":               "2 items: got a string, want a list",
		"version: v1\nitems: [{secret: {a: [1]}}]":  "2 items[0].secret: got an object, want a string",
		"version: v1\nitems: [{A=hunter2: x}]":      "2 items[0].A=…: unknown field of items[0]",
		"version: v1\nitems: [{secret: *hunter2}]":  "0 : not valid YAML, here or nearby: unknown anchor: put a value that begins with * in quotes",
		"version: v1\nitems: [{secret: !hunter2 }]": "2 items[0].secret: got a value with a tag of its own, want a string: put it in quotes",
		"version: v1\n\xff":                         "2 : not valid UTF-8",
	} {
		got, problems := manifest.Parse([]byte(text), schema(), false)
		require.Nil(t, got, text)
		require.Len(t, problems, 1, text)
		require.Equal(t, want, fmt.Sprintf("%d %s: %s", problems[0].Line, problems[0].Path, problems[0].Reason), text)
	}
	_, problems := manifest.Parse([]byte(strings.Repeat(" ", manifest.MaxText+1)), schema(), false)
	require.Len(t, problems, 1)
}

func TestParseLax(t *testing.T) {
	t.Parallel()
	got, problems := manifest.Parse([]byte("version: v1\nxyz: [1.0]\n"), schema(), true)
	require.Empty(t, problems)
	require.Equal(t, `{"version":"v1","xyz":[1.0]}`, string(got))
}
