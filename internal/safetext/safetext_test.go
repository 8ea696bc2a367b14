package safetext_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":                            "plain",
		" \n trimmed\t":                    "trimmed",
		"two\nlines\r\nthree":              "two lines  three",
		"\x1b[31mred\x07":                  " [31mred ",
		"right\u202eleft\u2028separated":   "right left separated",
		"not \xff UTF-8":                   "not \uFFFD UTF-8",
		"c1 \u009b2J control":              "c1  2J control",
		strings.Repeat("é", 30):            strings.Repeat("é", 15) + "…",
		"cut in the midst of a run" + "eé": "cut in the midst of a rune" + "é",
	} {
		got := safetext.Line(in, 31)
		require.Equal(t, want, got, "%q", in)
	}
}
