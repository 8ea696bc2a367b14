package redact

import (
	"encoding/json"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/diff"
	"github.com/cloudrun-go/cloudrun/internal/rawjson"
)

// embedded returns the object or list that a text encodes, such as the Service
// in the annotation kubectl.kubernetes.io/last-applied-configuration; nil if it
// encodes none.
func embedded(text string) (v any) {
	if !looksEncoded(text) {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil || d.More() {
		return nil
	}
	return v
}

func looksEncoded(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
}

// broken reports whether a text looks like an encoded object with secrets, but
// cannot be read.
func broken(text string) bool {
	return looksEncoded(text) && (hasSecretWord(text) || strings.Contains(text, `"env"`)) && embedded(text) == nil
}

// text hides what may be secret in an object that a text encodes.
func (r Redactor) text(p diff.Path, text string) (shown any, hidden bool) {
	if v := embedded(text); v != nil {
		if inner, hidden := r.Value(p, v); hidden {
			return string(rawjson.Encode(inner)), true
		}
	}
	return text, false
}
