package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cloudrun-go/cloudrun/internal/quantity"
)

// value writes a value of a type, or of any type if it is nil.
func (c *converter) value(n *yaml.Node, at place, t reflect.Type) {
	n, ok := c.enter(n, at)
	if !ok {
		return
	}
	if t != nil {
		t = element(t)
	}
	switch {
	case t == nil || t.Kind() == reflect.Interface:
		c.anything(n, at)
	case decodesItself(t):
		c.custom(n, at, t)
	case t.Kind() == reflect.Struct:
		c.object(n, at, t)
	case t.Kind() == reflect.Map:
		c.entries(n, at, t.Elem())
	case t.Kind() == reflect.Slice:
		c.list(n, at, t.Elem())
	default:
		c.scalar(n, at, t)
	}
}

// anything writes a value of any type.
func (c *converter) anything(n *yaml.Node, at place) {
	switch n.Kind {
	case yaml.MappingNode:
		c.entries(n, at, nil)
	case yaml.SequenceNode:
		c.list(n, at, nil)
	default:
		c.plain(n, at)
	}
}

// custom writes a value whose type decodes itself.
func (c *converter) custom(n *yaml.Node, at place, t reflect.Type) {
	if number := unquoted(n); number != n && mayBeNumber(number.Value, t) {
		n = number // the port of a probe
	}
	start, problems := len(c.out), len(c.problems)
	if c.anything(n, at); len(c.problems) > problems || c.stopped {
		return
	}
	if isNull(n) {
		c.problem(n, at, "empty")
		return
	}
	if isTooLong(n) {
		c.problem(n, at, "too long for a number or a quantity")
		return
	}
	text, decoded := c.out[start:], reflect.New(t).Interface()
	if err := json.Unmarshal(text, decoded); err != nil {
		reason := ""
		if !at.hides(n.Value) {
			reason = ": " + shown(err.Error())
		}
		c.problem(n, at, "%s is not a valid %s%s", at.describe(n), t.Name(), reason)
		return
	}
	if isNumber(n) && writesText(decoded) { // a quantity: a string keeps its spelling
		c.out = appendString(c.out[:start], n.Value)
	}
}

// mayBeNumber reports whether a type that decodes itself keeps a number as a number.
func mayBeNumber(digits string, t reflect.Type) bool {
	decoded := reflect.New(t).Interface()
	return json.Unmarshal([]byte(digits), decoded) == nil && !writesText(decoded)
}

// isTooLong reports whether a value would be a quantity that takes too long to decode.
func isTooLong(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value != "" && strings.ContainsRune("+-.0123456789", rune(n.Value[0])) && quantity.Check(n.Value) != nil
}

// writesText reports whether a type encodes a value as a string.
func writesText(decoded any) bool {
	encoded, err := json.Marshal(decoded)
	return err == nil && bytes.HasPrefix(encoded, []byte(`"`))
}

// object writes an object with known fields.
func (c *converter) object(n *yaml.Node, at place, t reflect.Type) {
	if !c.is(n, at, yaml.MappingNode, tagMap, "an object") {
		return
	}
	c.out = append(c.out, '{')
	first := len(c.out)
	for _, p := range c.pairs(n, at) {
		in := at.field(p.key)
		field, known := c.schema.field(t, at, p.key)
		switch {
		case slices.Contains(c.schema.Dropped, in.pattern):
		case !known && !c.lax:
			c.problem(p.name, in, "%s", c.unknown(t, at, p.key))
		case (known || field != nil) && isNull(target(p.value)): // a field without a value counts as absent
		default:
			c.name(first, p.key)
			c.value(p.value, in, field)
		}
	}
	c.out = append(c.out, '}')
}

func (c *converter) unknown(t reflect.Type, in place, key string) string {
	if hint, ok := c.schema.Hints[in.field(key).pattern]; ok {
		return "unknown field: " + hint
	}
	if _, ofType := structField(t, key); ofType {
		return "unknown field: " + c.schema.LacksHint
	}
	if similar := c.schema.similar(t, in, key); similar != "" {
		return fmt.Sprintf("unknown field: did you mean %s?", similar)
	}
	return "unknown field of " + orRoot(in.path)
}

func orRoot(path string) string {
	if path == "" {
		return "the object"
	}
	return path
}

// name starts a member of the object whose members begin at first.
func (c *converter) name(first int, key string) {
	if len(c.out) > first {
		c.out = append(c.out, ',')
	}
	c.out = append(appendString(c.out, key), ':')
}

// entries writes an object with arbitrary keys.
func (c *converter) entries(n *yaml.Node, at place, t reflect.Type) {
	if !c.is(n, at, yaml.MappingNode, tagMap, "an object") {
		return
	}
	c.out = append(c.out, '{')
	first := len(c.out)
	for _, p := range c.pairs(n, at) {
		c.name(first, p.key)
		c.value(p.value, at.entry(p.key), t)
	}
	c.out = append(c.out, '}')
}

// is reports whether a value is of a kind, and records a problem if not.
func (c *converter) is(n *yaml.Node, at place, kind yaml.Kind, tag, wanted string) bool {
	if n.Kind != kind || n.ShortTag() != tag {
		c.problem(n, at, "got %s, want %s", at.describe(n), wanted)
		return false
	}
	return true
}
