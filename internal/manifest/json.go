package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readJSON parses a JSON text into a tree like that of the YAML parser.
func readJSON(text []byte) (*yaml.Node, error) {
	j := &jsonReader{text: text, decoder: json.NewDecoder(bytes.NewReader(text)), line: 1}
	j.decoder.UseNumber()
	root, err := j.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := j.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the end of the object")
	}
	return root, nil
}

type jsonReader struct {
	text    []byte
	decoder *json.Decoder
	line    int // at offset
	offset  int
}

// token reads a token and returns the line on which it ends.
func (j *jsonReader) token() (json.Token, int, error) {
	t, err := j.decoder.Token()
	end := int(j.decoder.InputOffset())
	j.line += bytes.Count(j.text[j.offset:end], []byte("\n"))
	j.offset = end
	return t, j.line, err
}

func (j *jsonReader) value(depth int) (*yaml.Node, error) {
	token, line, err := j.token()
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: line}
	switch t := token.(type) {
	case json.Delim:
		n.Kind, n.Tag = yaml.MappingNode, tagMap
		if t == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, tagList
		}
		return n, j.content(n, depth)
	case string:
		n.Tag, n.Value, n.Style = tagString, t, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = tagInt, t.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = tagFloat
		}
	case bool:
		n.Tag, n.Value = tagBool, fmt.Sprint(t)
	default:
		n.Tag, n.Value = tagNull, "null"
	}
	return n, nil
}

// content reads the elements of a list, or the keys and values of an object, up to its end.
func (j *jsonReader) content(n *yaml.Node, depth int) error {
	if depth > maxDepth {
		return errors.New("nested too deeply")
	}
	for j.decoder.More() {
		element, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, element)
	}
	_, _, err := j.token()
	return err
}
