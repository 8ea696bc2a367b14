package agent

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	other := &debug.Module{Path: "example.com/other", Version: "v9.9.9"}
	for name, tc := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"a dependency":   {debug.BuildInfo{Deps: []*debug.Module{other, {Path: module, Version: "v1.2.3"}}}, "v1.2.3"},
		"the program":    {debug.BuildInfo{Main: debug.Module{Path: module, Version: "v1.2.3"}}, "v1.2.3"},
		"not released":   {debug.BuildInfo{Main: debug.Module{Path: module, Version: "(devel)"}}, ""},
		"not even there": {debug.BuildInfo{Deps: []*debug.Module{other}}, ""},
	} {
		require.Equal(t, tc.want, versionIn(&tc.info), name)
	}
	require.Empty(t, Version(), "a test is not a release")
	require.Equal(t, "cloudrun-go", UserAgent(""))
	require.Equal(t, "cloudrun-go/v1.2.3", UserAgent("v1.2.3"))
}
