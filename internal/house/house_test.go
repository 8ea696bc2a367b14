package house

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/cloudrun-go/cloudrun"

// loadModule loads this module once for all tests.
var loadModule = sync.OnceValues(func() ([]Package, error) {
	if err := watchFolders("../.."); err != nil {
		return nil, err
	}
	return Load("../..")
})

// watchFolders reads every folder, so that a new file invalidates the cached
// result of the test. The go command cannot know what go list reads.
func watchFolders(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != dir && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		return err
	})
}

// limits are the most that a package may have. 0 is no limit.
type limits struct{ files, depth, knot, fileLines, functionLines int }

// limitsOf returns the limits of a package. A new package gets the ordinary ones.
func limitsOf(p Package) limits {
	l := limits{files: 25, knot: 5, fileLines: 350, functionLines: 40}
	switch {
	case p.Path == module:
		l.files, l.depth = 30, 10
	case p.Command:
		l.knot = 6
	}
	return l
}

// The lengths of the functions of the whole module.
const (
	mostMedianLines = 8
	mostP90Lines    = 20
)

func TestStructure(t *testing.T) {
	t.Parallel()
	packages, err := loadModule()
	require.NoError(t, err)
	var table strings.Builder
	for _, p := range packages {
		fmt.Fprintln(&table, p)
		for _, problem := range violations(p) {
			t.Errorf("%s: %s", p.Path, problem)
		}
	}
	t.Log("\n" + table.String())
}

func TestLengthOfFunctions(t *testing.T) {
	t.Parallel()
	packages, err := loadModule()
	require.NoError(t, err)
	var lengths []int
	for _, p := range packages {
		for _, f := range p.Functions {
			lengths = append(lengths, f.Lines)
		}
	}
	slices.Sort(lengths)
	median, p90 := lengths[len(lengths)/2], lengths[len(lengths)*9/10]
	t.Logf("%d functions: median %d, p90 %d, most %d lines", len(lengths), median, p90, lengths[len(lengths)-1])
	require.LessOrEqual(t, median, mostMedianLines)
	require.LessOrEqual(t, p90, mostP90Lines)
}

// violations returns what is wrong with a package, by limit.
func violations(p Package) map[string]string {
	found, l := map[string]string{}, limitsOf(p)
	exceeds := func(limit string, n, most int, what string) {
		if most > 0 && n > most {
			found[limit] = fmt.Sprintf("%s: %d, and at most %d are allowed", what, n, most)
		}
	}
	knot := p.Uses.LargestKnot()
	exceeds("files", len(p.Files), l.files, "files")
	exceeds("depth", p.Uses.Depth(), l.depth, "depth")
	exceeds("knot", len(knot), l.knot, "files that use one another in a circle: "+strings.Join(knot, " "))
	for name, lines := range p.Files {
		exceeds("fileLines", lines, l.fileLines, "lines of "+name)
	}
	if n := len(p.Functions); n > 0 {
		longest := p.Functions[n-1]
		exceeds("functionLines", longest.Lines, l.functionLines, "lines of "+longest.Name+" in "+longest.File)
	}
	return found
}

// short returns the path of a package below the module.
func short(p Package) string {
	return strings.TrimPrefix(strings.TrimPrefix(p.Path, module), "/")
}

// A small package of which every measure is known.
func TestMeasure(t *testing.T) {
	t.Parallel()
	p := measureSources(t, map[string]string{
		"a.go": "package p\n\nfunc a() {\n\tb()\n}\n",
		"b.go": "package p\n\nfunc b() { c(); d[int]{}.m() }\n",
		"c.go": "package p\n\nfunc c() { b() }\n",
		"d.go": "package p\n\ntype d[T any] struct{ f T }\n\nfunc (d[T]) m() {}\n",
		"e.go": "package p\n\nvar e = d[string]{}.f\n",
	})
	require.Equal(t, Graph{"a.go": {"b.go": true}, "b.go": {"c.go": true, "d.go": true}, "c.go": {"b.go": true}, "d.go": {}, "e.go": {"d.go": true}}, p.Uses)
	require.Equal(t, 5, p.Uses.Arrows())
	require.Equal(t, 3, p.Uses.Depth())
	require.Equal(t, []string{"b.go", "c.go"}, p.Uses.LargestKnot())
	require.Len(t, p.Uses.Knots(), 4)
	require.Equal(t, map[string]int{"a.go": 5, "b.go": 3, "c.go": 3, "d.go": 5, "e.go": 3}, p.Files)
	require.Equal(t, Function{Name: "a", File: "a.go", Lines: 3}, p.Functions[3])
}
