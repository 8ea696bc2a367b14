package pages_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/pages"
)

const (
	root      = "../.."
	module    = "github.com/cloudrun-go/cloudrun"
	reference = "https://pkg.go.dev/" + module
)

var readPages = sync.OnceValues(func() ([]pages.Page, error) { return pages.Read(root) })

func allPages(t *testing.T) map[string]pages.Page {
	all, err := readPages()
	require.NoError(t, err)
	byPath := map[string]pages.Page{}
	for _, p := range all {
		byPath[p.Path] = p
	}
	return byPath
}

// TestLinks checks every link to a file, to a heading and to the reference of this
// module. A test that the text or the title of a link names is in that file.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := allPages(t)
	exported := exportedNames(t)
	for _, p := range all {
		for _, link := range p.Links() {
			if problem := problemOf(all, exported, p, link); problem != "" {
				t.Errorf("%s: [%s](%s): %s", p.Path, link.Text, link.Target, problem)
			}
		}
	}
}

func problemOf(all map[string]pages.Page, exported map[string]map[string]bool, p pages.Page, link pages.Link) string {
	target, anchor, _ := strings.Cut(link.Target, "#")
	switch {
	case target == reference || strings.HasPrefix(target, reference+"/"):
		names, ok := exported[strings.TrimPrefix(strings.TrimPrefix(target, reference), "/")]
		if !ok || anchor != "" && !strings.HasPrefix(anchor, "hdr-") && !strings.HasPrefix(anchor, "pkg-") && !names[strings.TrimPrefix(anchor, "example-")] {
			return "the reference does not have it"
		}
		return ""
	case strings.Contains(target, "://"):
		return ""
	}
	file := p.Path
	if target != "" {
		file = path.Join(path.Dir(p.Path), target)
	}
	text, err := os.ReadFile(filepath.Join(root, file))
	if info, statErr := os.Stat(filepath.Join(root, file)); statErr == nil && info.IsDir() {
		err = nil
	}
	if err != nil {
		return "no such file"
	}
	if anchor != "" && !all[file].Anchors()[anchor] {
		return "no such heading"
	}
	for _, name := range testName.FindAllString(link.Text+" "+link.Title, -1) {
		if strings.HasSuffix(file, "_test.go") && !strings.Contains(string(text), "func "+name+"(") {
			return "no such test"
		}
	}
	return ""
}

var testName = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w*`)

// TestNamesOfTests checks that the tests that pages name exist.
func TestNamesOfTests(t *testing.T) {
	t.Parallel()
	sources := testSources(t)
	for _, p := range allPages(t) {
		if p.Path == "CHANGELOG.md" {
			continue
		}
		for _, span := range p.Spans() {
			name, _, _ := strings.Cut(span, "/")
			if testName.FindString(name) == name && name != "" && name != "TestMain" {
				require.Contains(t, sources, "func "+name+"(", p.Path)
			}
		}
	}
}

// testSources returns the text of all tests of the module.
func testSources(t *testing.T) string {
	var all strings.Builder
	walk(t, func(file string) {
		if strings.HasSuffix(file, "_test.go") {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			all.Write(text)
		}
	})
	return all.String()
}

func walk(t *testing.T, visit func(file string)) {
	require.NoError(t, filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case strings.HasSuffix(file, ".go"):
			visit(file)
		}
		return nil
	}))
}

// exportedNames returns the exported names of each package by its path below the
// module: functions, types, T.Method, T.Field, constants and variables.
func exportedNames(t *testing.T) map[string]map[string]bool {
	names, files := map[string]map[string]bool{}, token.NewFileSet()
	walk(t, func(file string) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		parsed, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		dir, err := filepath.Rel(root, filepath.Dir(file))
		require.NoError(t, err)
		if dir = filepath.ToSlash(dir); dir == "." {
			dir = ""
		}
		if names[dir] == nil {
			names[dir] = map[string]bool{}
		}
		for _, d := range parsed.Decls {
			addNames(names[dir], d)
		}
	})
	return names
}

func addNames(names map[string]bool, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			receiver := d.Recv.List[0].Type
			if pointer, ok := receiver.(*ast.StarExpr); ok {
				receiver = pointer.X
			}
			if of, ok := receiver.(*ast.Ident); ok {
				name = of.Name + "." + name
			}
		}
		names[name] = true
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names[spec.Name.Name] = true
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					names[name.Name] = true
				}
			}
		}
	}
}
