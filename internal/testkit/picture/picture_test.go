package picture_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/testkit/picture"
	"github.com/cloudrun-go/cloudrun/internal/testkit/screen"
)

func TestSVG(t *testing.T) {
	t.Parallel()
	s := screen.New(20, 5)
	fmt.Fprint(s, "\x1b[32mok\x1b[0m\n   a < b\n\n\x1b[1mend\x1b[0m")
	for _, theme := range picture.Themes() {
		got := picture.SVG("A & B", s.Lines(), 20, theme)
		require.Contains(t, got, `viewBox="0 0 200 108"`)
		require.Contains(t, got, "<title>A &amp; B</title>")
		require.Regexp(t, `<text x="16.0" y="30" textLength="16.8" [^>]* fill="#\w+">ok</text>`, got)
		require.Regexp(t, `<text x="41.2" y="49" textLength="42.0" [^>]*>a &lt; b</text>`, got)
		require.Regexp(t, `<text x="16.0" y="87" [^>]* font-weight="bold">end</text>`, got)
		for decoder := xml.NewDecoder(strings.NewReader(got)); ; {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
		}
	}
}
