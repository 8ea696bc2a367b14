// Package manifest reads the text of a Kubernetes object, YAML or JSON, as
// strictly as a person who wrote it by hand would want: what a reader might
// take otherwise than it was meant is a problem, with the line and the field.
//
// The result is JSON in which numbers, quantities and unknown fields are
// spelled as they were. The package knows no object by itself: the Go type that
// decodes the object says, by reflection, which fields there are.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	// MaxText bounds what is read, MaxObject what it may come to when aliases are expanded, both in bytes.
	MaxText   = 4 << 20
	MaxObject = 1 << 20

	maxDepth    = 100     // a Service nests some fifteen levels
	maxValues   = 1 << 18 // visited, which aliases can multiply without making the object larger
	maxProblems = 100
)

// Schema says what an object may have in it. In its keys, a path is that of a
// Problem with [] for the place in a list: "spec.containers[].name".
type Schema struct {
	// Type decodes the object.
	Type reflect.Type
	// Constants are the fields that tell what the object is, with their only right values.
	Constants []Constant
	// Added are fields that Type lacks, by path.
	Added map[string]reflect.Type
	// Hints say of fields that are often written, and unknown, what to write instead.
	Hints map[string]string
	// Text are the paths of strings that may be written as whole numbers without quotes.
	Text []string
	// Hidden ends the paths of strings that may be secrets, so that messages do not show them.
	Hidden string
	// Dropped are the paths of fields that are left out, whatever they hold.
	Dropped []string
}

// Constant is a field at the top that has but one right value.
type Constant struct{ Field, Value string }

// Problem is one thing that is wrong in a text.
type Problem struct {
	// Path is the field, such as "spec.containers[0].name"; empty for the text as a whole.
	Path string
	// Line counts from 1; 0 if it is not known.
	Line   int
	Reason string
}

// Parse reads the one object in a text and gives it as JSON, or all that is
// wrong with it. Unknown fields are let through if lax.
func Parse(text []byte, schema Schema, lax bool) ([]byte, []Problem) {
	root, err := load(text)
	if err != nil {
		return nil, []Problem{*err}
	}
	r := &reader{schema: schema, lax: lax}
	if wrong := r.constants(root); len(wrong) > 0 {
		return nil, wrong // the rest is that of some other object
	}
	r.value(root, place{}, schema.Type)
	r.enter(root, place{}) // which checks the size
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return r.out, nil
}

// load makes a tree of the one document in a text. JSON goes its own way,
// because its escapes are not all YAML's.
func load(text []byte) (*yaml.Node, *Problem) {
	switch {
	case len(text) > MaxText:
		return nil, &Problem{Reason: fmt.Sprintf("it is larger than %d bytes", MaxText)}
	case !utf8.Valid(text):
		return nil, &Problem{Line: lineOfInvalid(text), Reason: "it is not valid UTF-8"}
	}
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); bytes.HasPrefix(trimmed, []byte("{")) {
		if root, err := readJSON(text); err == nil {
			return root, nil
		}
	}
	return loadYAML(text)
}

func lineOfInvalid(text []byte) int {
	valid := len(text) - len(bytes.TrimLeftFunc(text, func(r rune) bool { return r != utf8.RuneError }))
	return 1 + bytes.Count(text[:valid], []byte("\n"))
}

func loadYAML(text []byte) (*yaml.Node, *Problem) {
	var root *yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document yaml.Node
		err := d.Decode(&document)
		switch {
		case errors.Is(err, io.EOF) && root == nil:
			return nil, &Problem{Reason: "it is empty"}
		case errors.Is(err, io.EOF):
			return root, nil
		case err != nil:
			return nil, syntaxProblem(err)
		}
		content := document.Content[0]
		switch {
		case isNull(content):
			// nothing but comments, or a separator at the end
		case root != nil:
			return nil, &Problem{Line: content.Line, Reason: "a second document begins here, and only one is read: split the file"}
		default:
			root = content
		}
	}
}

// syntaxProblem takes the line out of a message of the YAML parser.
func syntaxProblem(err error) *Problem {
	p := &Problem{Reason: err.Error()}
	p.Reason = strings.TrimPrefix(p.Reason, "yaml: ")
	if n, _ := fmt.Sscanf(p.Reason, "line %d:", &p.Line); n == 1 {
		_, p.Reason, _ = strings.Cut(p.Reason, ": ")
	}
	p.Reason = "it is not valid YAML, here or close by: " + p.Reason // the parser's lines are off by one at times
	return p
}
