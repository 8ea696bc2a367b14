package rest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// Items are cut out of a page wherever the reads end.
func TestListCutsItems(t *testing.T) {
	t.Parallel()
	long := `"` + strings.Repeat(`\"}],`, 40_000) + `"`
	want := []string{`1`, `-1.5e3`, `true`, `null`, `""`, `"a\\"`, `"\"]"`, `{}`, `[]`, `{"a":"}","b":[{"c":"[\\\""}]}`, `[ [ ] , "," ]`, long, `{"é":"ü"}`}
	for name, separator := range map[string]string{"dense": ",", "spaced": " ,\r\n\t "} {
		page := `{"kind":"ThingList","extra":{"items":[7]},"items":[` + strings.Join(want, separator) + `],"x":1}`
		for reads, reader := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "halves": iotest.HalfReader, "with its end": iotest.DataErrReader,
		} {
			t.Run(name+", "+reads, func(t *testing.T) {
				t.Parallel()
				s := &script{steps: steps(func(req *http.Request) (*http.Response, error) {
					resp, err := answers(200, "")(req)
					resp.Body = io.NopCloser(reader(strings.NewReader(page)))
					return resp, err
				})}
				items, err := collect(context.Background(), s.client(), 99)
				require.NoError(t, err)
				require.Equal(t, want, items)
			})
		}
	}
}
