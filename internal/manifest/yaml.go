package manifest

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// YAML returns a JSON object as YAML. It keeps the order of keys and the spelling
// of numbers. Strings that some version of YAML could read as another type are in
// quotes.
func YAML(object []byte) ([]byte, error) {
	root, err := readJSON(object)
	if err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	style(root, false)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	e.CompactSeqIndent()
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return b.Bytes(), nil
}

// style sets the style of the strings in a tree.
func style(n *yaml.Node, key bool) {
	for i, c := range n.Content {
		style(c, n.Kind == yaml.MappingNode && i%2 == 0)
	}
	switch {
	case !is(n, tagString):
	case isOldBoolWord(n.Value) || n.Value == "=" || n.Value == "<<" || maybeNumber(n.Value):
		n.Style = yaml.DoubleQuotedStyle
	case !key && strings.Contains(n.Value, "\n") && isText(n.Value):
		n.Style = yaml.LiteralStyle
	case !strings.ContainsFunc(n.Value, unprintable) && strings.TrimSpace(n.Value) == n.Value:
		n.Style = 0 // quoted if necessary
	}
}

// maybeNumber reports whether a string could be a number, a time or a date, in some base.
func maybeNumber(s string) bool {
	return s != "" && strings.ContainsRune("-+.0123456789", rune(s[0])) && strings.Trim(s, "-+.:_0123456789abcdefABCDEFoxTZ ") == ""
}

// isText reports whether a string of several lines can be written as a block.
func isText(s string) bool {
	for line := range strings.SplitSeq(s, "\n") {
		if strings.TrimSpace(line) != line || strings.ContainsFunc(line, unprintable) {
			return false
		}
	}
	return !strings.HasPrefix(s, "\n")
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
