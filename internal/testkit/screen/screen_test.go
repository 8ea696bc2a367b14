package screen_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/testkit/screen"
)

func TestScreen(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"":                                "\n",
		"a\r\nb":                          "a\nb\n",
		"a\nb":                            "a\nb\n",
		"12345678":                        "12345678\n",
		"123456789":                       "12345678\n9\n",
		"12345678\n9":                     "12345678\n9\n",
		"1234567漢":                        "1234567\n漢\n",
		"e\u0301a":                        "e\u0301a\n",
		"a\nb\x1b[1Ac":                    "ac\nb\n",
		"a\nb\n\x1b[2A\r\x1b[Jc":          "c\n",
		"abc\r\x1b[2Kd":                   "d\n",
		"abc\rx":                          "xbc\n",
		"1\n2\n3\n4\n\x1b[9Ax\x1b[J":      "1\n2\nx\n",
		"\x1b[32mok\x1b[0m \x1b[31mx":     "<32>ok<> <31>x<>\n",
		"\x1b[1mA\x1b[0mb\x1b[1mC\x1b[0m": "<1>A<>b<1>C<>\n",
		"\x1b[n":                          "\"\\x1b[n\"\n",
	} {
		s := screen.New(8, 3)
		s.Colors = true
		for i := range len(written) { // one byte at a time
			_, _ = s.Write([]byte(written[i : i+1]))
		}
		require.Equal(t, want, s.String(), "%q", written)
	}
}
