package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// reader writes a tree as JSON, guided by the type that is to decode it.
type reader struct {
	schema   Schema
	lax      bool
	out      []byte
	problems []Problem
	visited  int
	stopped  bool // at a problem after which nothing is worth reading
}

func (r *reader) problem(n *yaml.Node, at place, format string, args ...any) {
	switch {
	case r.stopped:
		return
	case len(r.problems) == maxProblems:
		r.problems = append(r.problems, Problem{Reason: "there are more problems, which are not shown"})
		r.stopped = true
		return
	}
	r.problems = append(r.problems, Problem{Path: at.path, Line: n.Line, Reason: fmt.Sprintf(format, args...)})
}

// enter follows aliases and counts what is visited. It reports false when
// there is nothing more to do, because a bound is reached.
func (r *reader) enter(n *yaml.Node, at place) (*yaml.Node, bool) {
	n = target(n)
	r.visited++
	switch {
	case r.stopped:
	case at.depth > maxDepth:
		r.problem(n, at, "it is nested more than %d levels deep", maxDepth)
		r.stopped = true
	case r.visited > maxValues || len(r.out) > MaxObject:
		r.problem(n, at, "the object is too large: more than %d bytes or %d values with its aliases expanded", MaxObject, maxValues)
		r.stopped = true
	}
	return n, !r.stopped
}

// constants finds fields at the top that do not have their only right value.
func (r *reader) constants(root *yaml.Node) (wrong []Problem) {
	if root.Kind != yaml.MappingNode {
		return nil // which is said elsewhere
	}
	for _, c := range r.schema.Constants {
		n := member(root, c.Field)
		switch {
		case n == nil:
			wrong = append(wrong, Problem{Path: c.Field, Line: root.Line, Reason: fmt.Sprintf("it is missing: write %s: %s", c.Field, c.Value)})
		case n.Value != c.Value:
			wrong = append(wrong, Problem{Path: c.Field, Line: n.Line, Reason: fmt.Sprintf("it is %s, and only %s is read", describe(n), c.Value)})
		}
	}
	return wrong
}

// member finds a value of an object; nil if there is none.
func member(object *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(object.Content); i += 2 {
		if object.Content[i].Value == key {
			return target(object.Content[i+1])
		}
	}
	return nil
}

// target is what an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// value writes a value of a type, which is nil for one that may be anything.
func (r *reader) value(n *yaml.Node, at place, t reflect.Type) {
	n, ok := r.enter(n, at)
	if !ok {
		return
	}
	if t != nil {
		t = element(t)
	}
	switch {
	case t == nil || t.Kind() == reflect.Interface:
		r.anything(n, at)
	case decodesItself(t):
		r.custom(n, at, t)
	case t.Kind() == reflect.Struct:
		r.object(n, at, t)
	case t.Kind() == reflect.Map:
		r.entries(n, at, t.Elem())
	case t.Kind() == reflect.Slice:
		r.list(n, at, t.Elem())
	default:
		r.scalar(n, at, t)
	}
}

// anything writes a value of which nothing is known.
func (r *reader) anything(n *yaml.Node, at place) {
	switch n.Kind {
	case yaml.MappingNode:
		r.entries(n, at, nil)
	case yaml.SequenceNode:
		r.list(n, at, nil)
	default:
		r.plain(n, at)
	}
}

// custom writes a value that its type reads in a way of its own.
func (r *reader) custom(n *yaml.Node, at place, t reflect.Type) {
	start, problems := len(r.out), len(r.problems)
	if r.anything(n, at); len(r.problems) > problems || r.stopped {
		return
	}
	if isNull(n) {
		r.problem(n, at, "it is empty")
		return
	}
	text, decoded := r.out[start:], reflect.New(t).Interface()
	if err := json.Unmarshal(text, decoded); err != nil {
		r.problem(n, at, "%s is not a valid %s: %s", describe(n), t.Name(), shown(err.Error()))
		return
	}
	if isNumber(n) && writesText(decoded) { // a quantity: as text it keeps its spelling everywhere
		r.out = appendString(r.out[:start], n.Value)
	}
}

// writesText reports whether a value is text to its type, however it was read.
func writesText(decoded any) bool {
	encoded, err := json.Marshal(decoded)
	return err == nil && bytes.HasPrefix(encoded, []byte(`"`))
}

// object writes an object whose fields are known.
func (r *reader) object(n *yaml.Node, at place, t reflect.Type) {
	if !r.is(n, at, yaml.MappingNode, tagMap, "an object") {
		return
	}
	r.out = append(r.out, '{')
	first := len(r.out)
	for _, p := range r.pairs(n, at) {
		in := at.field(p.key)
		field, known := r.schema.field(t, at, p.key)
		switch {
		case slices.Contains(r.schema.Dropped, in.pattern):
		case !known && !r.lax:
			r.problem(p.name, in, "%s", r.unknown(t, at, p.key))
		case known && isNull(target(p.value)): // a field without a value is one that is not there
		default:
			r.name(first, p.key)
			r.value(p.value, in, field)
		}
	}
	r.out = append(r.out, '}')
}

func (r *reader) unknown(t reflect.Type, in place, key string) string {
	if hint, ok := r.schema.Hints[in.field(key).pattern]; ok {
		return "it is not a field: " + hint
	}
	if similar := r.schema.similar(t, in, key); similar != "" {
		return fmt.Sprintf("it is not a field: is %s meant?", similar)
	}
	return "it is not a field of " + orRoot(in.path)
}

func orRoot(path string) string {
	if path == "" {
		return "the object"
	}
	return path
}

// name begins a member of the object whose members begin at first.
func (r *reader) name(first int, key string) {
	if len(r.out) > first {
		r.out = append(r.out, ',')
	}
	r.out = append(appendString(r.out, key), ':')
}

// entries writes an object with any keys.
func (r *reader) entries(n *yaml.Node, at place, t reflect.Type) {
	if !r.is(n, at, yaml.MappingNode, tagMap, "an object") {
		return
	}
	r.out = append(r.out, '{')
	first := len(r.out)
	for _, p := range r.pairs(n, at) {
		r.name(first, p.key)
		r.value(p.value, at.entry(p.key), t)
	}
	r.out = append(r.out, '}')
}

func (r *reader) list(n *yaml.Node, at place, t reflect.Type) {
	if !r.is(n, at, yaml.SequenceNode, tagList, "a list") {
		return
	}
	r.out = append(r.out, '[')
	for i, item := range n.Content {
		if i > 0 {
			r.out = append(r.out, ',')
		}
		r.value(item, at.item(i), t)
	}
	r.out = append(r.out, ']')
}

// is tells that a value is not what is wanted.
func (r *reader) is(n *yaml.Node, at place, kind yaml.Kind, tag, wanted string) bool {
	if n.Kind != kind || n.ShortTag() != tag {
		r.problem(n, at, "it is %s, and %s is wanted", describe(n), wanted)
		return false
	}
	return true
}

// appendString appends a string as JSON, as readable as it can be.
func appendString(out []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always has an encoding
	return append(out, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
