package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// load parses the one document in a text. It reads JSON with a reader of its own,
// because YAML does not have all of its escapes.
func load(text []byte) (*yaml.Node, *Problem) {
	switch {
	case len(text) > MaxText:
		return nil, &Problem{Reason: fmt.Sprintf("larger than %d bytes", MaxText)}
	case !utf8.Valid(text):
		return nil, &Problem{Line: lineOfInvalid(text), Reason: "not valid UTF-8"}
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
			return nil, &Problem{Reason: "empty"}
		case errors.Is(err, io.EOF):
			return root, nil
		case err != nil:
			return nil, syntaxProblem(err)
		}
		content := document.Content[0]
		switch {
		case isNull(content):
			// only comments, or a separator at the end
		case root != nil:
			return nil, &Problem{Line: content.Line, Reason: "a second document begins here: put it in a file of its own"}
		default:
			root = content
		}
	}
}

// syntaxProblem extracts the line from a message of the YAML parser.
func syntaxProblem(err error) *Problem {
	p := &Problem{Reason: err.Error()}
	p.Reason = strings.TrimPrefix(p.Reason, "yaml: ")
	if n, _ := fmt.Sscanf(p.Reason, "line %d:", &p.Line); n == 1 {
		_, p.Reason, _ = strings.Cut(p.Reason, ": ")
	}
	if strings.HasPrefix(p.Reason, "unknown anchor") {
		p.Reason = "unknown anchor: put a value that begins with * in quotes" // its name may be a secret
	}
	p.Reason = "not valid YAML, here or nearby: " + p.Reason // the parser's lines are sometimes off by one
	return p
}
