package rest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/details"
)

// Hider hides what may be secret in texts and errors. It returns those that have
// nothing to hide as they are.
type Hider interface {
	Text(text string) string
	Error(err error) error
}

// Hidden returns the error with what may be secret hidden, in all that the
// server sent and in the cause.
func (e *Error) Hidden(h Hider) *Error {
	hidden := *e
	hidden.Cause = h.Error(e.Cause)
	if e.Answer != nil {
		hidden.Answer = e.Answer.hidden(h)
	}
	return &hidden
}

func (a *Answer) hidden(h Hider) *Answer {
	hidden := *a
	hidden.Message, hidden.RequestID = h.Text(a.Message), h.Text(a.RequestID)
	hidden.Body = hiddenBody(h, a.Body)
	hidden.Header = a.Header.Clone()
	for _, values := range hidden.Header {
		hideAll(h, values)
	}
	hidden.Details = slices.Clone(a.Details)
	for i, detail := range hidden.Details {
		hidden.Details[i], _ = hiddenTree(h, detail)
	}
	hidden.Violations = hiddenViolations(h, a.Violations)
	hidden.Conditions = hiddenViolations(h, a.Conditions)
	hidden.Links = slices.Clone(a.Links)
	for i, l := range hidden.Links {
		hidden.Links[i] = details.Link{Description: h.Text(l.Description), URL: h.Text(l.URL)}
	}
	return &hidden
}

func hiddenViolations(h Hider, all []Violation) []Violation {
	hidden := slices.Clone(all)
	for i, v := range hidden {
		hidden[i] = Violation{Field: h.Text(v.Field), Description: h.Text(v.Description)}
	}
	return hidden
}

func hideAll(h Hider, texts []string) {
	for i, text := range texts {
		texts[i] = h.Text(text)
	}
}

// hiddenBody hides in the strings of a JSON body, where values may be escaped,
// and in any other body as a whole.
func hiddenBody(h Hider, body string) string {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var tree any
	if d.Decode(&tree) == nil {
		if tree, changed := hiddenTree(h, tree); changed {
			if encoded, err := json.Marshal(tree); err == nil {
				return h.Text(string(encoded))
			}
		}
	}
	return h.Text(body)
}

// hiddenTree returns a copy of a JSON value with its strings hidden, and reports
// whether any was.
func hiddenTree(h Hider, v any) (shown any, changed bool) {
	switch v := v.(type) {
	case map[string]any:
		all := make(map[string]any, len(v))
		for key, member := range v {
			inner, hid := hiddenTree(h, member)
			name := h.Text(key)
			all[name], changed = inner, changed || hid || name != key
		}
		return all, changed
	case []any:
		all := make([]any, len(v))
		for i, element := range v {
			inner, hid := hiddenTree(h, element)
			all[i], changed = inner, changed || hid
		}
		return all, changed
	case string:
		text := h.Text(v)
		return text, text != v
	}
	return v, false
}
