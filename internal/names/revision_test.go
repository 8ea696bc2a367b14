package names_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/names"
)

func TestRevisions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cluster    bool
		length     int // of the Service's name
		generation int64
		want       string // what follows the Service's name; "-" if nothing is possible
		cut        int
	}{
		"short":              {length: 5, generation: 2, want: "-00002-abc"},
		"short on a cluster": {cluster: true, length: 5, generation: 2, want: "-00002-abc"},
		"as long as fits":    {cluster: true, length: 53, generation: 2, want: "-00002-abc"},
		"cut on Cloud Run":   {length: 58, generation: 2, want: "-00002-abc", cut: 5},
		"less zeros":         {cluster: true, length: 54, generation: 2, want: "-2-abc"},
		"only the number":    {cluster: true, length: 58, generation: 1234, want: "-1234"},
		"no room":            {cluster: true, length: 59, generation: 1234, want: "-"},
		"no room at all":     {cluster: true, length: 63, generation: 1, want: "-"},
	} {
		service := strings.Repeat("s", tc.length)
		got, err := names.Revisions{Cluster: tc.cluster}.Generated(service, tc.generation, "abc")
		if tc.want == "-" {
			require.ErrorContains(t, err, "too long", name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, service[tc.cut:]+tc.want, got, name)
		require.NoError(t, names.Revision(got), name)
	}
	_, err := names.Revisions{Cluster: true}.WithSuffix(strings.Repeat("s", 60), "abc")
	require.ErrorContains(t, err, "at most 63")
}
