package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// converter writes a tree as JSON, guided by the type that will decode it.
type converter struct {
	schema   Schema
	lax      bool
	out      []byte
	problems []Problem
	visited  int
	stopped  bool // at a problem that ends the conversion
}

func (c *converter) problem(n *yaml.Node, at place, format string, args ...any) {
	switch {
	case c.stopped:
		return
	case len(c.problems) == maxProblems:
		c.problems = append(c.problems, Problem{Reason: "more problems are not shown"})
		c.stopped = true
		return
	}
	c.problems = append(c.problems, Problem{Path: at.path, Line: n.Line, Reason: fmt.Sprintf(format, args...)})
}

// enter follows an alias and counts the visited nodes. It reports false if a limit
// has been reached.
func (c *converter) enter(n *yaml.Node, at place) (*yaml.Node, bool) {
	n = target(n)
	c.visited++
	switch {
	case c.stopped:
	case at.depth > maxDepth:
		c.problem(n, at, "nested more than %d levels deep", maxDepth)
		c.stopped = true
	case c.visited > maxValues || len(c.out) > MaxObject:
		c.problem(n, at, "the object is too large: more than %d bytes or %d values with its aliases expanded", MaxObject, maxValues)
		c.stopped = true
	}
	return n, !c.stopped
}

// appendString appends a string as JSON, with <, > and & as they are.
func appendString(out []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always has an encoding
	return append(out, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
