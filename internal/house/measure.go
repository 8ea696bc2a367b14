package house

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
)

// measure type-checks the files of a package and measures them.
func measure(fset *token.FileSet, imports types.Importer, path string, files []*ast.File) (Package, error) {
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	if _, err := (&types.Config{Importer: imports}).Check(path, fset, files, info); err != nil {
		return Package{}, err
	}
	p := Package{Path: path, Files: map[string]int{}, Uses: Graph{}}
	for _, file := range files {
		name := fileOf(fset, file)
		p.Files[name] = fset.File(file.FileStart).LineCount()
		p.Uses[name] = map[string]bool{}
		p.Functions = append(p.Functions, functions(fset, file)...)
	}
	slices.SortFunc(p.Functions, func(a, b Function) int { return cmp.Compare(a.Lines, b.Lines) })
	addUses(fset, info, p.Uses)
	return p, nil
}

func fileOf(fset *token.FileSet, n ast.Node) string {
	return filepath.Base(fset.Position(n.Pos()).Filename)
}

func functions(fset *token.FileSet, file *ast.File) (all []Function) {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			lines := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1
			all = append(all, Function{Name: f.Name.Name, File: fileOf(fset, file), Lines: lines})
		}
	}
	return all
}

// addUses adds an arrow from each file to each other file whose declarations it uses.
func addUses(fset *token.FileSet, info *types.Info, uses Graph) {
	home := map[types.Object]string{}
	for id, object := range info.Defs {
		if object != nil {
			home[object] = fileOf(fset, id)
		}
	}
	for id, object := range info.Uses {
		from := fileOf(fset, id)
		if to, ok := home[origin(object)]; ok && to != from {
			uses[from][to] = true
		}
	}
}

// origin returns the generic declaration of an instance.
func origin(object types.Object) types.Object {
	switch object := object.(type) {
	case *types.Func:
		return object.Origin()
	case *types.Var:
		return object.Origin()
	}
	return object
}

// String returns the measures on one line.
func (p Package) String() string {
	longest := 0
	for _, lines := range p.Files {
		longest = max(longest, lines)
	}
	return fmt.Sprintf("%s: %d files of at most %d lines, %d arrows, depth %d, largest knot %d; %d functions of %d, %d, %d lines (median, p90, most); %d foreign dependencies",
		p.Path, len(p.Files), longest, p.Uses.Arrows(), p.Uses.Depth(), len(p.Uses.LargestKnot()),
		len(p.Functions), p.functionLines(0.5), p.functionLines(0.9), p.functionLines(1), p.Foreign)
}

// functionLines returns the length that the given share of the functions does not exceed.
func (p Package) functionLines(share float64) int {
	n := len(p.Functions)
	if n == 0 {
		return 0
	}
	return p.Functions[min(int(share*float64(n)), n-1)].Lines
}
