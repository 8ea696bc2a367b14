package cloudrun

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/diff"
)

// minSecret is how long a text must be to be looked for in messages: shorter
// ones are no secrets, and part of many words.
const minSecret = 6

// hiddenText stands for a value that may be secret.
const hiddenText = "(hidden)"

// secretWords are what the names of secrets have in them.
const secretWords = `(?i)secret|pass(?:word|wd|phrase)|pwd|token|credential|bearer|(?:api|access|private)[-_.]?key`

var (
	// secretNameRE matches the names of fields, annotations and labels whose values are hidden.
	secretNameRE = regexp.MustCompile(secretWords + `|^env$|^envFrom$|^httpHeaders$`)
	// secretArgumentRE matches arguments of a command that may be, or announce, a secret.
	secretArgumentRE = regexp.MustCompile(secretWords)
	// secretTextRE matches texts that are secret by themselves: a URL with a password, a key.
	secretTextRE = regexp.MustCompile(`://[^/\s:@]*:[^/\s@]+@|PRIVATE KEY-----`)
)

// redactor hides what may be secret in two Services, unless it is to be
// revealed. A nil one, as there is before anything was read, leaves errors alone.
type redactor struct {
	reveal  bool
	volumes map[string]bool // volumes that hold secrets: their names are made of those of the secrets
	values  []string        // what is hidden, the longest first
}

func newRedactor(reveal bool, docs ...[]byte) (*redactor, error) {
	r := &redactor{reveal: reveal, volumes: map[string]bool{}}
	if reveal {
		return r, nil
	}
	var all []diff.Change
	for _, doc := range docs {
		leaves, err := diff.Diff(nil, doc)
		if err != nil {
			return nil, err
		}
		all = append(all, leaves...)
	}
	for _, leaf := range all {
		if i := secretVolumeIn(leaf.Path); i >= 0 {
			r.volumes[leaf.Path[i].Name] = true
		}
	}
	for _, leaf := range all {
		r.note(leaf.Path, leaf.After, false)
	}
	slices.SortFunc(r.values, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	r.values = slices.Compact(r.values)
	return r, nil
}

// secretVolumeIn is where a path has the name of the volume whose secret it leads to; -1 if it does not.
func secretVolumeIn(p diff.Path) int {
	for i := 1; i < len(p)-1; i++ {
		if p[i-1].Name == "volumes" && p[i].Item && p[i+1].Name == "secret" {
			return i
		}
	}
	return -1
}

// note keeps the texts that are hidden, to find them in messages; not the
// versions of secrets, such as latest.
func (r *redactor) note(p diff.Path, v any, hidden bool) {
	hidden = hidden || r.hides(p, v)
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			r.note(p.Member(name), member, hidden)
		}
	case []any:
		for _, element := range v {
			r.note(p.Element(""), element, hidden)
		}
	case string:
		version := p[len(p)-1].Name == "key"
		if hidden && !version && len(v) >= minSecret {
			r.values = append(r.values, v, printable(v, maxMessage))
		}
	}
}

// hides reports whether a value is hidden as a whole.
func (r *redactor) hides(p diff.Path, v any) bool {
	secret := func(s diff.Step) bool { return !s.Item && secretNameRE.MatchString(s.Name) }
	if slices.ContainsFunc(p, secret) {
		return true
	}
	switch v := v.(type) {
	case string:
		return secretTextRE.MatchString(v) || r.volumes[v] && p[len(p)-1].Name == "name"
	case []any:
		last := p[len(p)-1].Name
		return (last == "args" || last == "command") && slices.ContainsFunc(v, isSecretArgument)
	}
	return false
}

func isSecretArgument(v any) bool {
	text, ok := v.(string)
	return ok && secretArgumentRE.MatchString(text)
}

// change is a change with what may be secret hidden.
func (r *redactor) change(c diff.Change) Change {
	shown := Change{Kind: ChangeKind(c.Kind), Before: c.Before, After: c.After}
	if !r.reveal {
		before, hidBefore := r.value(c.Path, c.Before)
		after, hidAfter := r.value(c.Path, c.After)
		shown.Before, shown.After, shown.Hidden = before, after, hidBefore || hidAfter
	}
	shown.Path = r.path(c.Path)
	return shown
}

// path is a path without the names of volumes that hold secrets.
func (r *redactor) path(p diff.Path) string {
	shown := slices.Clone(p)
	for i := 1; i < len(p); i++ {
		if p[i].Item && p[i-1].Name == "volumes" && r.volumes[p[i].Name] {
			shown[i].Name = hiddenText
		}
	}
	return shown.String()
}

// value gives a value as it is shown, and whether anything in it is hidden.
func (r *redactor) value(p diff.Path, v any) (shown any, hidden bool) {
	if v == nil {
		return nil, false
	}
	if r.hides(p, v) {
		return hiddenText, true
	}
	switch v := v.(type) {
	case map[string]any:
		all := make(map[string]any, len(v))
		for name, member := range v {
			is, hid := r.value(p.Member(name), member)
			all[name], hidden = is, hidden || hid
		}
		return all, hidden
	case []any:
		all := make([]any, len(v))
		for i, element := range v {
			is, hid := r.value(p.Element(""), element)
			all[i], hidden = is, hidden || hid
		}
		return all, hidden
	}
	return v, false
}

// error is an error whose message has nothing hidden in it, as servers quote what they refuse.
func (r *redactor) error(err error) error {
	if r == nil || err == nil {
		return err
	}
	was := err.Error()
	text := was
	for _, v := range r.values {
		text = strings.ReplaceAll(text, v, hiddenText)
	}
	if text == was {
		return err
	}
	return &redactedError{err: err, text: text}
}

// failure is a failed call with nothing hidden in its message.
func (r *redactor) failure(err error) error {
	if call, ok := asType[*DeployError](err); ok {
		is := *call
		is.Err = r.error(call.Err)
		return &is
	}
	return r.error(err)
}

// redactedError is an error with another message.
type redactedError struct {
	err  error
	text string
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }
