package cloudrun_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/lossless"
)

// requireManifestRoundTrips checks that both encodings of a manifest parse to the same manifest.
func requireManifestRoundTrips(t *testing.T, m *cloudrun.Manifest) {
	t.Helper()
	text, err := m.YAML()
	require.NoError(t, err)
	for _, form := range [][]byte{m.JSON(), text} {
		again, err := cloudrun.ParseManifest(form, cloudrun.AllowUnknownFields())
		require.NoError(t, err, "%s", form)
		require.True(t, lossless.Equal(m.JSON(), again.JSON()), "%s\nwritten as\n%s\nread as\n%s", m.JSON(), form, again.JSON())
	}
}

func FuzzParseManifest(f *testing.F) {
	for name, tc := range replaceCases(f) {
		if name == "full.existing" || strings.HasPrefix(name, "error.") {
			f.Add([]byte(tc.File))
		}
	}
	f.Add([]byte(`{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"a"},"x":["\ud83d\ude00",1e3,null]}`))
	f.Add([]byte("apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\nx: &a [b, 'c', \"d\\n\", |]\ny: *a\n<<: {z: 1}\n"))
	f.Add([]byte("---\n# c\na: !!str 1\n? b\n: >-\n  c\n...\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		strict, strictErr := cloudrun.ParseManifest(text)
		m, err := cloudrun.ParseManifest(text, cloudrun.AllowUnknownFields())
		if strictErr == nil {
			require.NoError(t, err)
			require.Equal(t, strict.JSON(), m.JSON())
			_, err = strict.Service()
			require.NoError(t, err)
		}
		if err == nil {
			requireManifestRoundTrips(t, m)
		}
	})
}
