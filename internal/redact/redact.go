// Package redact hides what may be secret in the JSON text of a Service: in
// changes, in values, and in the messages of servers that quote them.
//
// The values of environment variables and HTTP headers are hidden, the names of
// secrets, and everything that is secret by its name or by its form.
package redact

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/diff"
	"github.com/cloudrun-go/cloudrun/internal/rawjson"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// Hidden replaces a value that may be secret.
const Hidden = "(hidden)"

// minSecret is the length from which hidden texts are also removed from
// messages. A shorter text is no secret, and is part of many words.
const minSecret = 6

// Redactor hides what may be secret. The zero value hides by name and form
// alone: it knows no texts to remove from messages.
type Redactor struct {
	reveal  bool
	volumes map[string]bool // volumes that hold secrets; their names are derived from those of the secrets
	texts   []string        // hidden texts, longest first
	values  []string        // those that are not names of secrets
}

// Reveal returns a Redactor that hides nothing.
func Reveal() Redactor { return Redactor{reveal: true} }

// Change is a change with what may be secret replaced by [Hidden].
type Change struct {
	Path          string
	Kind          diff.Kind
	Before, After any  // nil if absent
	Hidden        bool // reports whether a value, or a part of one, was replaced
}

// New returns a Redactor for Services given as JSON text. An empty text is a
// Service that does not exist.
func New(docs ...[]byte) (Redactor, error) {
	var leaves []diff.Change
	for _, doc := range docs {
		found, err := diff.Diff(nil, doc)
		if err != nil {
			return Redactor{}, err
		}
		leaves = append(leaves, found...)
	}
	volumes := secretVolumes(leaves)
	r := Redactor{volumes: volumes}
	for _, leaf := range leaves {
		r.collect(leaf.Path, leaf.After, false)
	}
	r.texts, r.values = longestFirst(r.texts), longestFirst(r.values)
	return r, nil
}

func secretVolumes(leaves []diff.Change) map[string]bool {
	volumes := map[string]bool{}
	for _, leaf := range leaves {
		if i := secretVolumeIn(leaf.Path); i >= 0 {
			volumes[leaf.Path[i].Name] = true
		}
	}
	return volumes
}

// secretVolumeIn returns the index in p of the name of a volume that holds a
// secret, or -1 if p does not lead into one.
func secretVolumeIn(p diff.Path) int {
	for i := 1; i < len(p)-1; i++ {
		if p[i-1].Name == "volumes" && p[i].Item && p[i+1].Name == "secret" {
			return i
		}
	}
	return -1
}

// longestFirst sorts texts, because one may be the beginning of another.
func longestFirst(all []string) []string {
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return slices.Compact(all)
}

// collect adds the hidden texts in a value. The version of a secret, such as
// latest, and the name of a variable are none.
func (r *Redactor) collect(p diff.Path, v any, hidden bool) {
	hidden = hidden || r.hides(p, v)
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if name != "name" || !isVariable(p) {
				r.collect(p.Member(name), member, hidden)
			}
		}
	case []any:
		for _, element := range v {
			r.collect(p.Element(""), element, hidden)
		}
	case string:
		last := p[len(p)-1].Name
		if hidden && last != "key" && len(v) >= minSecret {
			r.texts = append(r.texts, forms(v)...)
			if last != "name" && last != "secretName" {
				r.values = append(r.values, forms(v)...)
			}
		}
		if inner := embedded(v); inner != nil {
			r.collect(p, inner, hidden)
		}
	}
}

// isVariable reports whether an element of a list is an environment variable or a header.
func isVariable(p diff.Path) bool {
	return len(p) > 1 && p[len(p)-1].Item && (strings.EqualFold(p[len(p)-2].Name, "env") || strings.EqualFold(p[len(p)-2].Name, "httpHeaders"))
}

// forms returns a text as it is, and as messages quote it.
func forms(text string) []string {
	quoted := strconv.Quote(text)
	encoded := rawjson.Encode(text)
	escaped, _ := json.Marshal(text) // a string always has an encoding
	all := []string{text, safetext.Message(text), quoted[1 : len(quoted)-1], string(encoded[1 : len(encoded)-1]), string(escaped[1 : len(escaped)-1])}
	return slices.DeleteFunc(all, func(form string) bool { return len(form) < minSecret }) // without its blanks, it may be shorter
}

// hides reports whether a value is hidden as a whole.
func (r Redactor) hides(p diff.Path, v any) bool {
	if slices.ContainsFunc(p, func(s diff.Step) bool { return !s.Item && Name(s.Name) }) {
		return true
	}
	if len(p) == 0 {
		return false
	}
	last := p[len(p)-1].Name
	switch v := v.(type) {
	case string:
		return Form(v) && embedded(v) == nil || broken(v) || r.volumes[v] && last == "name"
	case []any:
		return (last == "args" || last == "command") && slices.ContainsFunc(v, secretArgument)
	}
	return false
}

// Change returns a change with what may be secret hidden.
func (r Redactor) Change(c diff.Change) Change {
	before, hidBefore := r.Value(c.Path, c.Before)
	after, hidAfter := r.Value(c.Path, c.After)
	return Change{Path: r.path(c.Path), Kind: c.Kind, Before: before, After: after, Hidden: hidBefore || hidAfter}
}

// path returns a path without the names of volumes that hold secrets.
func (r Redactor) path(p diff.Path) string {
	shown := slices.Clone(p)
	for i := 1; i < len(p); i++ {
		if p[i].Item && p[i-1].Name == "volumes" && r.volumes[p[i].Name] {
			shown[i].Name = Hidden
		}
	}
	return shown.String()
}

// Value returns the value at a path with what may be secret hidden, and reports
// whether anything was.
func (r Redactor) Value(p diff.Path, v any) (shown any, hidden bool) {
	if v == nil || r.reveal {
		return v, false
	}
	if r.hides(p, v) {
		return Hidden, true
	}
	switch v := v.(type) {
	case map[string]any:
		all := make(map[string]any, len(v))
		for name, member := range v {
			is, hid := r.Value(p.Member(name), member)
			all[name], hidden = is, hidden || hid
		}
		return all, hidden
	case []any:
		all := make([]any, len(v))
		for i, element := range v {
			is, hid := r.Value(p.Element(""), element)
			all[i], hidden = is, hidden || hid
		}
		return all, hidden
	case string:
		return r.text(p, v)
	}
	return v, false
}

// Text returns a message with the hidden texts of the Redactor's documents replaced.
func (r Redactor) Text(text string) string {
	return hide(text, r.texts)
}

// Error returns an error like err whose message is [Redactor.Text] of its own:
// servers quote what they refuse. It wraps err.
func (r Redactor) Error(err error) error {
	if err == nil {
		return nil
	}
	original := err.Error()
	if text := r.Text(original); text != original {
		return &redactedError{err: err, text: text}
	}
	return err
}

// redactedError is an error with another message.
type redactedError struct {
	err  error
	text string
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }
