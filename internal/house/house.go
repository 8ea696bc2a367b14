// Package house measures the structure of the packages of a module: which
// packages they depend on, which of their files use one another, and how long
// their files and functions are. Test files do not count. Only tests import it.
package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Package is a package of the module.
type Package struct {
	Path    string   // its import path
	Command bool     // whether it is a command
	Imports []string // the packages outside of the standard library that it imports
	Deps    []string // all packages that it depends on, directly or indirectly
	Foreign int      // how many of them are neither of the standard library nor of the module

	Files     map[string]int // the lines of each file
	Functions []Function     // sorted by length
	Uses      Graph          // which file uses the declarations of which other file
}

// Function is a function or method with a body.
type Function struct {
	Name  string
	File  string
	Lines int
}

// listed is what go list says about a package.
type listed struct {
	ImportPath, Name, Dir, Export string
	GoFiles, Imports, Deps        []string
	Standard                      bool
	Module                        *struct{ Main bool }
}

// Load type-checks the packages of the module in a directory and measures
// them. Dependencies come from the compiler's export data.
func Load(dir string) ([]Package, error) {
	all, err := list(dir)
	if err != nil {
		return nil, err
	}
	byPath := map[string]listed{}
	for _, l := range all {
		byPath[l.ImportPath] = l
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if byPath[path].Export == "" {
			return nil, fmt.Errorf("no export data for %s", path)
		}
		return os.Open(byPath[path].Export)
	})
	var packages []Package
	for _, l := range all {
		if !l.own() {
			continue
		}
		p, err := load(fset, imports, l, byPath)
		if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
	return packages, nil
}

func list(dir string) ([]listed, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Name,Dir,Export,GoFiles,Imports,Deps,Standard,Module", "./...")
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.Bytes())
	}
	var all []listed
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var l listed
		switch err := decoder.Decode(&l); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		all = append(all, l)
	}
}

func load(fset *token.FileSet, imports types.Importer, l listed, byPath map[string]listed) (Package, error) {
	var files []*ast.File
	for _, name := range l.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return Package{}, err
		}
		files = append(files, file)
	}
	p, err := measure(fset, imports, l.ImportPath, files)
	if err != nil {
		return Package{}, err
	}
	p.Command, p.Deps = l.Name == "main", l.Deps
	for _, path := range l.Imports {
		if !byPath[path].Standard {
			p.Imports = append(p.Imports, path)
		}
	}
	for _, path := range l.Deps {
		if dep := byPath[path]; !dep.Standard && !dep.own() {
			p.Foreign++
		}
	}
	return p, nil
}

// own reports whether the package is of the module itself.
func (l listed) own() bool { return l.Module != nil && l.Module.Main }
