package manifest

import (
	"bytes"
	"strings"
)

// Value returns one value in YAML, such as that of an annotation, as JSON. It
// reports false if the text is not valid, or not the same in all versions of YAML.
func Value(text string) ([]byte, bool) {
	raw, problems := Parse([]byte(text), Schema{}, true)
	if len(problems) > 0 {
		raw, problems = Parse([]byte(spaced(text)), Schema{}, true)
	}
	forgotten := bytes.Contains(raw, []byte(":null")) // {a:b} is a key without a value, and rarely meant
	if len(problems) > 0 || forgotten {
		return nil, false
	}
	return raw, true
}

// spaced returns YAML in flow style with a blank after each colon that stands
// before a bracket, as in {app:[collector]}. Newer versions of YAML do without
// it, but not the parser.
func spaced(text string) string {
	var b strings.Builder
	var quote rune
	last := '{'
	for i, r := range text {
		b.WriteRune(r)
		switch {
		case quote != 0:
			if r == quote && last != '\\' {
				quote = 0
			}
		case (r == '"' || r == '\'') && strings.ContainsRune("{[,: ", last):
			quote = r
		case r == ':' && strings.HasPrefix(text[i+1:], "[") || r == ':' && strings.HasPrefix(text[i+1:], "{"):
			b.WriteByte(' ')
		}
		last = r
	}
	return b.String()
}
