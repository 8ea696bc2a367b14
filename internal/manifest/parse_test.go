package manifest_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

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
	Words []string `json:"words"`
	Port  port     `json:"port"`
	Any   any      `json:"any"`
}

// port is a number or a text, as those of probes are.
type port struct{ value any }

func (p *port) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &p.value) }
func (p port) MarshalJSON() ([]byte, error)     { return json.Marshal(p.value) }

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
		"version: v1":                                            `{"version":"v1"}`,
		"version: v1\nmeta: {name: 007}":                         "",
		"version: v1\nmeta: {name: 7, labels: {a: b}}":           `{"version":"v1","meta":{"name":"7","labels":{"a":"b"}}}`,
		"version: v1\ntext: |\n  a\n  b\n":                       `{"version":"v1","text":"a\nb\n"}`,
		"version: v1\nitems: [{count: 1, enabled: True}]":        `{"version":"v1","items":[{"count":1,"enabled":true}]}`,
		"version: v1\nitems: [{count: \"80\"}, {count: '-1'}]":   `{"version":"v1","items":[{"count":80},{"count":-1}]}`,
		"version: v1\nport: \"8080\"":                            `{"version":"v1","port":8080}`,
		"version: v1\nport: \"08080\"":                           `{"version":"v1","port":"08080"}`,
		"version: v1\nport: http":                                `{"version":"v1","port":"http"}`,
		"version: v1\nany: \"80\"":                               `{"version":"v1","any":"80"}`,
		"version: v1\ntext: \"80\"":                              `{"version":"v1","text":"80"}`,
		"version: v1\nwords: --a=b":                              `{"version":"v1","words":["--a=b"]}`,
		"version: v1\nwords: \"80\"":                             `{"version":"v1","words":["80"]}`,
		"version: v1\nitems: {count: 1, extra: true}":            `{"version":"v1","items":[{"count":1,"extra":true}]}`,
		"\ufeff{\"version\":\"v1\",\"text\":\"\\ud83d\\ude00\"}": `{"version":"v1","text":"😀"}`,
		"version: v1\nitems:\n- extra: true\n  count:\n":         `{"version":"v1","items":[{"extra":true}]}`,
		"version: v1\nany: {a: [1.50, null, 2025-01-01]}":        `{"version":"v1","any":{"a":[1.50,null,"2025-01-01"]}}`,
		"version: v1\nstatus: [whatever\n  ]":                    `{"version":"v1"}`,
		"version: v1\nany: &x {b: 1}\nmeta: {labels: {}}\n":      `{"version":"v1","any":{"b":1},"meta":{"labels":{}}}`,
		"{\"version\":\"v1\",\n\t\"text\":\"\\u0000\"}":          `{"version":"v1","text":"\u0000"}`,
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
		"version: v1\nitems: [{count: 9999999999}]":     "2 items[0].count: the number 9999999999 is out of range",
		"version: v1\nitems: [{secret: 5}]":             "2 items[0].secret: got a number, want a string: put it in quotes",
		"version: v1\nitems: [{enabled: 1}]":            "2 items[0].enabled: got the number 1, want true or false",
		"version: v1\nitems: [{count: \"08\"}]":         `2 items[0].count: got the string "08", want a whole number`,
		"version: v1\nitems: [{count: \"0x10\"}]":       `2 items[0].count: got the string "0x10", want a whole number`,
		"version: v1\nitems: [{count: \"9999999999\"}]": `2 items[0].count: the number 9999999999 is out of range`,
		"version: v1\nitems: [{enabled: \"true\"}]":     `2 items[0].enabled: got the string "true", want true or false`,
		"version: v1\nitems: {xyz: 1}":                  "2 items: got an object, want a list",
		"version: v1\nitems: {count: 1, xyz: 1}":        "2 items[0].xyz: unknown field of items[0]",
		"version: v1\nwords: --a b":                     `2 words: got the string "--a b", want a list`,
		"version: v1\nwords: 1":                         "2 words: got the number 1, want a list",
		"version: v1\nwords: yes":                       `2 words: got the string "yes", want a list`,
		"version: v1\nmeta: []":                         "2 meta: got a list, want an object",
		"version: v1\ntext: off":                        "2 text: off is a boolean in some versions of YAML and a string in others: write true or false, or put it in quotes",
		"version: v1\ntext: a\ntext: b":                 "3 text: duplicate key, first in line 2",
		"version: v1\n---\nversion: v1":                 "3 : a second document begins here: put it in a file of its own",
		"version: v1\nitems: [{count: hunter2}]":        "2 items[0].count: got a string, want a whole number",
		"version: v1\nitems: hunter2":                   "2 items: got a string, want a list",
		"version: v1\nitems: [{secret: {a: [1]}}]":      "2 items[0].secret: got an object, want a string",
		"version: v1\nitems: [{A=hunter2: x}]":          "2 items[0].A=…: unknown field of items[0]",
		"version: v1\nitems: [{secret: *hunter2}]":      "0 : not valid YAML, here or nearby: unknown anchor: put a value that begins with * in quotes",
		"version: v1\nitems: [{secret: !hunter2 }]":     "2 items[0].secret: got a value with a tag of its own, want a string: put it in quotes",
		"version: v1\n\xff":                             "2 : not valid UTF-8: save the text as UTF-8",
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

func utf16Text(text string, order binary.AppendByteOrder) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

// TestParseUTF16 checks texts as PowerShell writes them.
func TestParseUTF16(t *testing.T) {
	t.Parallel()
	const text, mark = "version: v1\r\ntext: \"é😀\"\r\n", "\ufeff"
	for name, encoded := range map[string][]byte{
		"UTF-8": []byte(text), "UTF-8 with a mark": []byte(mark + text),
		"little endian": utf16Text(mark+text, binary.LittleEndian), "big endian": utf16Text(mark+text, binary.BigEndian),
		"little endian, no mark": utf16Text(text, binary.LittleEndian), "big endian, no mark": utf16Text(text, binary.BigEndian),
	} {
		got, problems := manifest.Parse(encoded, schema(), false)
		require.Empty(t, problems, name)
		require.Equal(t, `{"version":"v1","text":"é😀"}`, string(got), name)
	}
	little := utf16Text(mark+text, binary.LittleEndian)
	for want, encoded := range map[string][]byte{
		"not valid UTF-16: save the text as UTF-8":               little[:len(little)-1],
		"the text is UTF-32: save it as UTF-8":                   {0xff, 0xfe, 0, 0, 'v', 0, 0, 0},
		"not valid UTF-8: save the text as UTF-8":                []byte("version: \xe9"),
		"missing: write version: v1":                             utf16Text(mark+"a: b\nc: d", binary.BigEndian),
		"not valid UTF-16: save the text as UTF-8 ":              append(utf16Text(mark+"a: ", binary.LittleEndian), 0, 0xd8),
		"larger than " + fmt.Sprint(manifest.MaxText) + " bytes": make([]byte, manifest.MaxText+1),
	} {
		_, problems := manifest.Parse(encoded, schema(), false)
		require.Len(t, problems, 1, want)
		require.Equal(t, strings.TrimSpace(want), problems[0].Reason)
	}
}

// TestParseIndent checks the line of a wrong indent: the parser gives the one where the block begins.
func TestParseIndent(t *testing.T) {
	t.Parallel()
	const reason = "not valid YAML: this line does not continue the block above it: check its indent and its quotes"
	for text, line := range map[string]int{
		"a:\n  b: 1\n c: 2\nd: 3\n":                                   3,
		"a: 1\nb:\n  c:\n    - d: 1\n      e: 2\n     f: 3\n  g: 1\n": 6,
		"# one\na:\n- b: |\n    x\n     y\n c: \"\n\n \"\n":           6,
		"a:\n  b: 1\n\n  # c\n\n  d:\n  - e: 1\n   f: 2\n":            8,
		"a: \"x\" y\n": 1,
		"version: v1\nitems:\n" + strings.Repeat("- count: 1\n", 1000) + " - count: 2": 1003,
		"---\n---\na: 1\n- b\n": 4,
	} {
		_, problems := manifest.Parse([]byte(text), schema(), false)
		require.Equal(t, []manifest.Problem{{Line: line, Reason: reason}}, problems, text)
	}
}
