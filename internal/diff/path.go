package diff

import (
	"slices"
	"strings"
)

// Step is one step of a path: the name of a member, or an element of a list by
// the key that it has there.
type Step struct {
	Name string
	Item bool
}

// Path leads from a document to a value in it.
type Path []Step

// String gives a path as spec.template.spec.containers[app].image. The names
// that are not plain words, as those of annotations, are in brackets too.
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.Item || strings.ContainsAny(s.Name, "./[] ") || s.Name == "":
			b.WriteString("[" + s.Name + "]")
		case b.Len() > 0:
			b.WriteString("." + s.Name)
		default:
			b.WriteString(s.Name)
		}
	}
	return b.String()
}

// Member gives the path of a member of what p leads to, and Element that of an element.
func (p Path) Member(name string) Path { return append(slices.Clip(p), Step{Name: name}) }

// Element gives the path of an element of the list that p leads to.
func (p Path) Element(key string) Path { return append(slices.Clip(p), Step{Name: key, Item: true}) }

// is reports whether the path is exactly these names.
func (p Path) is(names ...string) bool {
	return slices.EqualFunc(p, names, func(s Step, name string) bool { return s.Name == name && !s.Item })
}

// last is the name that the path ends in; "" for an element of a list.
func (p Path) last() string {
	if len(p) == 0 || p[len(p)-1].Item {
		return ""
	}
	return p[len(p)-1].Name
}
