package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var inBackquotes = regexp.MustCompile("`([^`]+)`")

// TestMap checks that the map in CONTRIBUTING.md names every package and every
// file of the root, and no file that does not exist.
func TestMap(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	require.NoError(t, err)
	_, chart, ok := strings.Cut(string(text), "## Where things are\n")
	require.True(t, ok)
	chart, _, ok = strings.Cut(chart, "\n## ")
	require.True(t, ok)
	named := map[string]bool{}
	for _, m := range inBackquotes.FindAllStringSubmatch(chart, -1) {
		named[m[1]] = true
		if strings.HasSuffix(m[1], ".go") {
			require.FileExists(t, filepath.Join("../..", m[1]))
		}
	}
	packages, err := loadModule()
	require.NoError(t, err)
	for _, p := range packages {
		require.True(t, p.Path == module || named[short(p)], "the map has no package %s", p.Path)
	}
	files, err := filepath.Glob("../../*.go")
	require.NoError(t, err)
	for _, f := range files {
		name := filepath.Base(f)
		require.True(t, named[name] || strings.HasSuffix(name, "_test.go"), "the map has no file %s", name)
	}
}
