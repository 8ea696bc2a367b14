package diff

import (
	"slices"
	"strings"
)

// Step is one step of a path: the name of a member, or the key of an element of a list.
type Step struct {
	Name string
	Item bool
}

// Path is the path from a document to a value in it.
type Path []Step

// String returns a path such as spec.template.spec.containers[app].image. Names
// that are not plain words, such as those of annotations, are also in brackets.
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

// Member returns the path of a member of the object at p.
func (p Path) Member(name string) Path { return append(slices.Clip(p), Step{Name: name}) }

// Element returns the path of an element of the list at p.
func (p Path) Element(key string) Path { return append(slices.Clip(p), Step{Name: key, Item: true}) }

// is reports whether the path consists of exactly these names.
func (p Path) is(names ...string) bool {
	return slices.EqualFunc(p, names, func(s Step, name string) bool { return s.Name == name && !s.Item })
}

// last returns the name at the end of the path; "" for an element of a list.
func (p Path) last() string {
	if len(p) == 0 || p[len(p)-1].Item {
		return ""
	}
	return p[len(p)-1].Name
}
