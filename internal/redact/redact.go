// Package redact hides what may be secret in the JSON text of a Service: in
// changes, in values, and in the messages of servers that quote them.
//
// The values of environment variables and HTTP headers are hidden, the names of
// secrets, and everything that is secret by its name or by its form.
package redact

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/diff"
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
	return Redactor{volumes: volumes, texts: hiddenTexts(volumes, leaves)}, nil
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

// hiddenTexts returns the texts of hidden values, the longest first, because
// one may be the beginning of another.
func hiddenTexts(volumes map[string]bool, leaves []diff.Change) []string {
	r := Redactor{volumes: volumes}
	var all []string
	for _, leaf := range leaves {
		all = append(all, r.textsIn(leaf.Path, leaf.After, false)...)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return slices.Compact(all)
}

// textsIn returns the hidden texts in a value, each as it is and as messages
// quote it. The version of a secret, such as latest, is not one of them.
func (r Redactor) textsIn(p diff.Path, v any, hidden bool) (all []string) {
	hidden = hidden || r.hides(p, v)
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			all = append(all, r.textsIn(p.Member(name), member, hidden)...)
		}
	case []any:
		for _, element := range v {
			all = append(all, r.textsIn(p.Element(""), element, hidden)...)
		}
	case string:
		version := p[len(p)-1].Name == "key"
		if hidden && !version && len(v) >= minSecret {
			all = append(all, v, safetext.Message(v))
		}
		if inner := embedded(v); inner != nil {
			all = append(all, r.textsIn(p, inner, hidden)...)
		}
	}
	return all
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
	for _, hidden := range r.texts {
		text = strings.ReplaceAll(text, hidden, Hidden)
	}
	return text
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
