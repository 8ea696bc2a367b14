// Package manifest parses the text of a Kubernetes object, YAML or JSON. It is
// strict, for objects written by hand: anything that a reader might interpret
// differently than its author is a problem, reported with the line and the field.
//
// The result is JSON that keeps the spelling of numbers, quantities and unknown
// fields. The package knows no kind of object: by reflection, it learns the fields
// from the Go type that decodes the object.
package manifest

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Parse returns the one object in a text as JSON, or all problems with it. If lax,
// it accepts unknown fields.
func Parse(text []byte, schema Schema, lax bool) ([]byte, []Problem) {
	root, err := load(text)
	if err != nil {
		return nil, []Problem{*err}
	}
	c := &converter{schema: schema, lax: lax}
	top := place{secrets: &schema}
	if wrong := wrongConstants(schema, root); len(wrong) > 0 {
		return nil, wrong // it is another kind of object
	}
	c.value(root, top, schema.Type)
	c.enter(root, top) // checks the size
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return c.out, nil
}

// wrongConstants returns the problems of fields at the top that do not have their only valid value.
func wrongConstants(schema Schema, root *yaml.Node) (wrong []Problem) {
	if root.Kind != yaml.MappingNode {
		return nil // reported elsewhere
	}
	if kind := member(root, "kind"); kind != nil && schema.Others[kind.Value] != "" {
		return []Problem{{Path: "kind", Line: kind.Line, Reason: schema.Others[kind.Value]}}
	}
	for _, c := range schema.Constants {
		n := member(root, c.Field)
		switch {
		case n == nil:
			wrong = append(wrong, Problem{Path: c.Field, Line: root.Line, Reason: fmt.Sprintf("missing: write %s: %s", c.Field, c.Value)})
		case n.Value != c.Value:
			wrong = append(wrong, Problem{Path: c.Field, Line: n.Line, Reason: fmt.Sprintf("got %s, want %s", place{secrets: &schema}.describe(n), c.Value)})
		}
	}
	return wrong
}
