package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"go.yaml.in/yaml/v3"
)

// load parses the one document in a text. It reads JSON with a reader of its own,
// because YAML does not have all of its escapes.
func load(text []byte) (*yaml.Node, *Problem) {
	switch {
	case len(text) > MaxText:
		return nil, &Problem{Reason: fmt.Sprintf("larger than %d bytes", MaxText)}
	}
	text, problem := toUTF8(text)
	if problem != nil {
		return nil, problem
	}
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); bytes.HasPrefix(trimmed, []byte("{")) {
		if root, err := readJSON(text); err == nil {
			return root, nil
		}
	}
	return loadYAML(text)
}

func loadYAML(text []byte) (root *yaml.Node, problem *Problem) {
	for content, err := range documents(text) {
		switch {
		case err != nil:
			return nil, syntaxProblem(text, err)
		case isNull(content):
			// only comments, or a separator at the end
		case root != nil:
			return nil, &Problem{Line: content.Line, Reason: "a second document begins here: put it in a file of its own"}
		default:
			root = content
		}
	}
	if root == nil {
		return nil, &Problem{Reason: "empty"}
	}
	return root, nil
}

// documents yields the contents of the documents in a text, up to the first error.
func documents(text []byte) iter.Seq2[*yaml.Node, error] {
	return func(yield func(*yaml.Node, error) bool) {
		for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
			var document yaml.Node
			err := d.Decode(&document)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(document.Content[0], nil) {
				return
			}
		}
	}
}
