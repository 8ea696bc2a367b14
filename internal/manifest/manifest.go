// Package manifest reads the text of a Kubernetes object, YAML or JSON, as
// strictly as a person who wrote it by hand would want: what a reader might
// take otherwise than it was meant is a problem, with the line and the field.
//
// The result is JSON in which numbers, quantities and unknown fields are
// spelled as they were. The package knows no object by itself: the Go type that
// decodes the object says, by reflection, which fields there are.
package manifest

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Parse reads the one object in a text and gives it as JSON, or all that is
// wrong with it. Unknown fields are let through if lax.
func Parse(text []byte, schema Schema, lax bool) ([]byte, []Problem) {
	root, err := load(text)
	if err != nil {
		return nil, []Problem{*err}
	}
	c := &converter{schema: schema, lax: lax}
	if wrong := wrongConstants(schema, root); len(wrong) > 0 {
		return nil, wrong // the rest is that of some other object
	}
	c.value(root, place{}, schema.Type)
	c.enter(root, place{}) // which checks the size
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return c.out, nil
}

// wrongConstants returns the problems of fields at the top that do not have their only valid value.
func wrongConstants(schema Schema, root *yaml.Node) (wrong []Problem) {
	if root.Kind != yaml.MappingNode {
		return nil // which is said elsewhere
	}
	for _, c := range schema.Constants {
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
