package cloudrun

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cloudrun-go/cloudrun/internal/rawjson"
	"github.com/cloudrun-go/cloudrun/internal/redact"
)

// ChangeKind is how a field differs.
type ChangeKind string

// The kinds of changes.
const (
	ChangeAdded    ChangeKind = "added"
	ChangeModified ChangeKind = "changed"
	ChangeRemoved  ChangeKind = "removed"
)

// Change is one field of a Service that differs.
type Change struct {
	// Path is the field, such as "spec.template.spec.containers[app].image".
	// Elements of lists are in brackets, by name if they have one.
	Path string `json:"path"`
	// Kind reports whether the field is added, modified or removed.
	Kind ChangeKind `json:"kind"`
	// Before and After are the values, as package encoding/json decodes them, with
	// numbers as [json.Number]. Nil means that there is no value.
	Before any `json:"before,omitempty"`
	After  any `json:"after,omitempty"`
	// Hidden reports whether a value, or a part of one, may be secret and is
	// replaced by "(hidden)". Two hidden values of a modified field do differ.
	Hidden bool `json:"hidden,omitempty"`
}

// maxShownValue is how many bytes of a value are shown in a line.
const maxShownValue = 1000

// String returns the change on one line: `~ spec.template.spec.containers[app].image: "a" -> "b"`.
// An added field begins with +, a removed one with -.
func (c Change) String() string {
	path := printable(c.Path, maxShownValue)
	switch c.Kind {
	case ChangeAdded:
		return fmt.Sprintf("+ %s: %s", path, shownValue(c.After))
	case ChangeRemoved:
		return fmt.Sprintf("- %s: %s", path, shownValue(c.Before))
	}
	before, after := shownValue(c.Before), shownValue(c.After)
	if c.Hidden && before == after {
		return fmt.Sprintf("~ %s: %s, changed", path, after)
	}
	return fmt.Sprintf("~ %s: %s -> %s", path, before, after)
}

// shownValue returns a value as JSON that fits on a line of a terminal.
func shownValue(v any) string {
	if v == redact.Hidden {
		return redact.Hidden
	}
	return printable(string(rawjson.Encode(v)), maxShownValue)
}

// WriteText writes the plan for people, such as in the log of a CI job: the
// action, a line for each change, the warnings and the number of changes. The
// text has no control characters except line feeds. The error is that of w.
func (p *Plan) WriteText(w io.Writer) error {
	if w == nil {
		return errors.New("write plan: the writer is nil")
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, p.heading())
	for _, c := range p.Changes {
		fmt.Fprintf(&b, "  %s\n", c)
	}
	if p.PublicAccess != nil {
		fmt.Fprintf(&b, "  %s\n", p.PublicAccess)
	}
	for _, warning := range p.Warnings {
		fmt.Fprintf(&b, "  warning: %s\n", printable(warning, maxMessage))
	}
	fmt.Fprintf(&b, "%s\n%s\n", p.counts(), p.judgement())
	_, err := w.Write(b.Bytes())
	return err
}

// String returns the plan on one line.
func (p Plan) String() string { return p.heading() + ": " + p.counts() + "; " + p.judgement() }

func (p *Plan) heading() string {
	text := heading(p.Service, p.Project, p.Region) + ": "
	switch p.Action {
	case Created:
		text += "would be created"
	case Updated:
		text += "would be updated"
	default:
		text += "would not change"
		if p.PublicAccess.Changes() {
			text += ", except for public access"
		}
		return text
	}
	switch {
	case p.NewRevision && p.Revision != "":
		return text + ", with the new revision " + p.Revision
	case p.NewRevision:
		return text + ", with a new revision"
	}
	return text + ", without a new revision"
}

func (p *Plan) counts() string {
	count := map[ChangeKind]int{}
	for _, c := range p.Changes {
		count[c.Kind]++
	}
	text := "no changes"
	if len(p.Changes) > 0 {
		text = fmt.Sprintf("%d added, %d changed, %d removed", count[ChangeAdded], count[ChangeModified], count[ChangeRemoved])
	}
	switch {
	case !p.PublicAccess.Changes():
		return text
	case p.PublicAccess.Before == nil:
		return text + "; public access may change"
	case len(p.Changes) == 0:
		return "public access changes"
	}
	return text + "; public access changes"
}

// String returns the change of public access on one line, without a sign in front if nothing changes.
func (a *PublicAccess) String() string {
	if a == nil {
		return "public access: unchanged"
	}
	before, who := "unknown", "private (only members of the IAM policy are allowed to call the service)"
	if a.Before != nil {
		before = "private"
		if *a.Before {
			before = "public"
		}
	}
	if a.After {
		who = "public (everybody is allowed to call the service)"
	}
	if !a.Changes() {
		return "public access: already " + who
	}
	return "~ public access: " + before + " -> " + who
}

func (p *Plan) judgement() string {
	switch {
	case p.Verdict != nil:
		return "the server rejects it: " + printable(p.Verdict.Error(), maxMessage)
	case p.Checked:
		return "the server accepts it"
	}
	return "the server did not check it"
}

// MarshalJSON encodes the plan as an object with the fields service, project,
// region, action, newRevision, revision, changes, publicAccess, warnings, checked
// and verdict. The verdict is the server's message. publicAccess has the fields
// before and after; before is null if the policy could not be read.
func (p Plan) MarshalJSON() ([]byte, error) {
	shown := struct {
		Service      string        `json:"service"`
		Project      string        `json:"project"`
		Region       string        `json:"region,omitempty"`
		Action       Action        `json:"action"`
		NewRevision  bool          `json:"newRevision"`
		Revision     string        `json:"revision,omitempty"`
		Changes      []Change      `json:"changes"`
		PublicAccess *PublicAccess `json:"publicAccess,omitempty"`
		Warnings     []string      `json:"warnings,omitempty"`
		Checked      bool          `json:"checked"`
		Verdict      string        `json:"verdict,omitempty"`
	}{p.Service, p.Project, p.Region, p.Action, p.NewRevision, p.Revision, p.Changes, p.PublicAccess, p.Warnings, p.Checked, ""}
	if shown.Changes == nil {
		shown.Changes = []Change{}
	}
	if p.Verdict != nil {
		shown.Verdict = p.Verdict.Error()
	}
	return json.Marshal(shown)
}
