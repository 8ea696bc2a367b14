package layout_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/layout"
)

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "",
		"because":                   "         Why: because\n",
		strings.Repeat("word ", 20): "         Why: " + strings.TrimSpace(strings.Repeat("word ", 13)) + "\n              " + strings.TrimSpace(strings.Repeat("word ", 7)) + "\n",
		strings.Repeat("x", 100):    "         Why: " + strings.Repeat("x", 100) + "\n",
	} {
		var b strings.Builder
		layout.Text(&b, "Why", text)
		require.Equal(t, want, b.String())
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	const indent = "              "
	for name, tc := range map[string]struct {
		lines []string
		want  string
	}{
		"none":         {nil, ""},
		"several":      {[]string{"Traceback", "  File x", "", "Error"}, "  Last lines: Traceback\n" + indent + "  File x\n" + indent + "Error\n"},
		"long":         {[]string{strings.Repeat("é", 70)}, "  Last lines: " + strings.Repeat("é", 65) + "\n" + indent + "ééééé\n"},
		"words":        {[]string{strings.Repeat("word ", 12) + "between"}, "  Last lines: " + strings.Repeat("word ", 11) + "word\n" + indent + "between\n"},
		"a long word":  {[]string{"at " + strings.Repeat("x", 65)}, "  Last lines: at " + strings.Repeat("x", 62) + "\n" + indent + "xxx\n"},
		"escapes":      {[]string{"a\x1b[2Jb\rc"}, "  Last lines: a [2Jb c\n"},
		"far to right": {[]string{strings.Repeat(" ", 300) + "x"}, "  Last lines: " + strings.Repeat(" ", 20) + "x\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			layout.Lines(&b, "Last lines", tc.lines)
			require.Equal(t, tc.want, b.String())
		})
	}
	var b strings.Builder
	layout.Lines(&b, "Last lines", []string{strings.Repeat("x", 1<<20)})
	require.Less(t, b.Len(), 600)
}

func TestWords(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		room int
		want []string
	}{
		"none":             {"", 10, nil},
		"blank":            {" ", 10, nil},
		"one row":          {"one two", 7, []string{"one two"}},
		"two rows":         {"one  two three", 8, []string{"one two", "three"}},
		"a longer word":    {"a longest b", 3, []string{"a", "longest", "b"}},
		"no room to break": {"one two", 0, []string{"one two"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, layout.Words(tc.text, tc.room))
		})
	}
}
