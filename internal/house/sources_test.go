package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// measureSources measures a package that imports nothing.
func measureSources(t *testing.T, sources map[string]string) Package {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		file, err := parser.ParseFile(fset, name, sources[name], parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	p, err := measure(fset, nil, "p", files)
	require.NoError(t, err)
	return p
}
