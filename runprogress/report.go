package runprogress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/joined"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// endOf returns the state of a call that ended with an error.
func endOf(err error) state {
	switch {
	case err == nil:
		return done
	case errors.Is(err, context.Canceled):
		return interrupted
	}
	return failed
}

// report writes text for people, which fits a terminal.
type report struct {
	style   style
	columns int
	text    strings.Builder
}

func newReport(w io.Writer) *report {
	columns, _ := sizeOf(w)()
	return &report{style: style{more: "…", color: isTerminal(w) && os.Getenv("NO_COLOR") == ""}, columns: columns}
}

// row adds a line with a label. It goes on below its beginning if it is long.
func (r *report) row(label, text string) {
	const labels = len("Revision") + 2
	shown := r.style.paint(faint, label) + strings.Repeat(" ", labels-len(label))
	r.text.WriteString(shown + strings.TrimLeft(r.style.paragraph(strings.Repeat(" ", labels)+text, strings.Repeat(" ", labels), r.columns), " "))
}

// say adds a paragraph.
func (r *report) say(text string) { r.text.WriteString(r.style.paragraph(text, "  ", r.columns)) }

// WriteResult writes to w for people what a call did: the Service and where it
// is, the Revision and its share of the traffic, and the URLs. Text for a terminal
// is colored unless the environment variable NO_COLOR is set, and fits its width.
// The warnings of the result are not repeated: they are events. How long the call
// took is part of what a [Renderer] shows. A nil result or writer writes nothing.
func WriteResult(w io.Writer, result *cloudrun.Result) {
	if w == nil || result == nil || result.Service == nil {
		return
	}
	r := newReport(w)
	place := "project " + result.Project
	if result.Region != "" {
		place = result.Region + ", " + place
	}
	r.row("Service", safetext.Message(fmt.Sprintf("%s (%s), %s", result.Service.Name, place, result.Action)))
	if result.Revision != "" {
		r.row("Revision", safetext.Message(result.Revision)+" "+share(result))
	}
	if result.URL != "" {
		r.row("URL", r.style.paint(bold, safetext.Message(result.URL)))
	}
	for _, tag := range slices.Sorted(maps.Keys(result.TagURLs)) {
		r.row("Tag URL", safetext.Message(result.TagURLs[tag]+" ("+tag+")"))
	}
	_, _ = io.WriteString(w, r.text.String())
}

// share says how much of the traffic the Revision gets, and whether it does so already.
func share(result *cloudrun.Result) string {
	switch {
	case result.Percent == 0 && result.Ready:
		return "gets no traffic"
	case result.Percent == 0:
		return "is not ready yet"
	case result.Ready:
		return fmt.Sprintf("serves %d%% of the traffic", result.Percent)
	}
	return fmt.Sprintf("gets %d%% of the traffic when it is ready", result.Percent)
}

// WriteError writes to w for people why a call failed: the cause first, in lines
// that fit a terminal, with what to do and where the log is if a Revision failed,
// and what became of the Service if the call was interrupted. Text for a terminal
// is colored unless the environment variable NO_COLOR is set. Each of several
// mistakes begins a line. A nil error or writer writes nothing.
func WriteError(w io.Writer, err error) {
	if w == nil || err == nil {
		return
	}
	r := newReport(w)
	label := r.style.paint(red, "ERROR:") + " "
	var failure *cloudrun.NotReadyError
	switch {
	case errors.Is(err, context.Canceled):
		r.say(r.style.paint(yellow, "Interrupted:") + " " + aftermath(err))
	case errors.As(err, &failure) && isAll(err, failure):
		r.text.WriteString(label + failure.Explain())
	case failure != nil:
		r.sayAll(label, err)
		r.text.WriteString("\n" + failure.Explain())
	default:
		r.sayAll(label, err)
	}
	_, _ = io.WriteString(w, r.text.String())
}

// sayAll says each of the errors that are joined in one.
func (r *report) sayAll(label string, err error) {
	for _, mistake := range mistakes(err) {
		r.say(label + safetext.Message(mistake.Error()))
	}
}

// mistakes returns the errors that are joined in one, such as those of several
// options, so that each begins a line.
func mistakes(err error) []error {
	if call, ok := err.(*cloudrun.DeployError); ok { //nolint:errorlint // what wraps it says more
		var all []error
		for _, mistake := range mistakes(call.Err) {
			one := *call
			one.Err = mistake
			all = append(all, &one)
		}
		return all
	}
	parts := joined.Parts(err)
	if parts == nil {
		return []error{err}
	}
	var all []error
	for _, part := range parts {
		all = append(all, mistakes(part)...)
	}
	return all
}

// isAll reports whether a failed call says nothing else than the failure of the Service.
func isAll(err error, failure *cloudrun.NotReadyError) bool {
	var call *cloudrun.DeployError
	if !errors.As(err, &call) || err != error(call) { //nolint:errorlint // what wraps the error of the call says more
		return false
	}
	parts := joined.Parts(call.Err)
	return call.Err == error(failure) || len(parts) == 1 && parts[0] == error(failure) //nolint:errorlint // only what is joined directly counts
}

// aftermath returns what became of the Service when a call was interrupted, such
// as by Ctrl-C, in one sentence that ends with a period.
func aftermath(err error) string {
	var call *cloudrun.DeployError
	if !errors.As(err, &call) {
		return safetext.Message(err.Error()) + "."
	}
	var late *cloudrun.TimeoutError
	name := safetext.Message(call.Service)
	switch {
	case call.Outcome == cloudrun.NotWritten:
		return fmt.Sprintf("nothing of service %s was changed.", name)
	case call.Outcome == cloudrun.WriteUnknown:
		return fmt.Sprintf("it is unknown whether service %s was changed: look at it before you try again.", name)
	case errors.As(err, &late) && call.Stage == cloudrun.StageWait:
		return fmt.Sprintf("service %s was changed, and becomes ready or fails without this command.", name)
	}
	return safetext.Message(cmp.Or(call.Err, err).Error()) + "."
}
