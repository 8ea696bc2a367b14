package pages_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/pages"
)

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "docs"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docs", "a.md"), []byte("# A `b_c`: d\n\n## E\n\nSee [f](g.md#h), [p](q \"TestR\") and `i`.\n\n## E\n\n"+
		"```go\nx := a[1](2)\n```\n\n| j | k |\n|---|---|\n| `l` | m, n |\n\n<img src=\"o.svg\">\n"), 0o644))
	all, err := pages.Read(dir)
	require.NoError(t, err)
	require.Len(t, all, 1)
	p := all[0]
	require.Equal(t, "docs/a.md", p.Path)
	require.Equal(t, []pages.Link{{Text: "f", Target: "g.md#h"}, {Text: "p", Target: "q", Title: "TestR"}, {Target: "o.svg"}}, p.Links())
	require.Equal(t, map[string]bool{"a-b_c-d": true, "e": true, "e-1": true}, p.Anchors())
	require.Equal(t, []string{"x := a[1](2)\n"}, p.Blocks("go"))
	require.Equal(t, []string{"b_c", "i", "l"}, p.Spans())
	require.Equal(t, [][]string{{"`l`", "m, n"}}, p.Rows())
}
