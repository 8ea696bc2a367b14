package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// Error is the failure of one request.
type Error struct {
	Op, Resource string  // those of the request
	Permission   string  // that the request needs
	Answer       *Answer // the server's error response; nil if Cause is the failure
	Cause        error   // nil if Answer is the failure
	Interrupted  error   // the error of the context, if its end is what kept the request from being retried

	effect   effect
	arrived  bool // an earlier attempt of the request reached the server
	held     bool // the request was not sent, because the server asked the call to wait
	starting bool // the server denied the request, but it has just started
}

// effect is what the failed request may have done.
type effect int

const (
	refused effect = iota // nothing, and it would fail again
	unsent                // nothing, because it cannot have reached the server
	lost                  // unknown, because the response is missing or unreadable
)

// Error says what was attempted, on what, and what failed.
func (e *Error) Error() string {
	if e.Interrupted != nil {
		return fmt.Sprintf("%s %s: %s; %s", e.Op, e.Resource, e.cause(), ended(e.Interrupted))
	}
	return fmt.Sprintf("%s %s: %s", e.Op, e.Resource, e.cause())
}

func (e *Error) cause() string {
	text := "the request failed"
	switch {
	case e.Answer != nil:
		text = e.Answer.text()
	case e.Cause == context.DeadlineExceeded, e.Cause == context.Canceled: //nolint:errorlint // what wraps one has more to say
		return "no response: " + ended(e.Cause)
	case e.Cause != nil:
		text = e.Cause.Error()
	}
	return safetext.Line(text, maxText) // a certificate or a malformed response is the server's text, too
}

// ended describes the end of the caller's context.
func ended(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "the deadline of the caller's context has passed"
	}
	return "the caller's context was canceled"
}

// Unwrap returns the error of the context and the cause, as far as there are any.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Interrupted, e.Cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// Is reports whether target is [ErrNotAPI] and the response did not come from the API.
func (e *Error) Is(target error) bool {
	return target == ErrNotAPI && e.Answer != nil && e.Answer.NotAPI
}

func (r Request) fails(what effect, cause error) *Error {
	return &Error{Op: r.Op, Resource: r.Resource, Permission: r.Permission, Cause: cause, effect: what}
}

// refusedBy returns the error for an error response.
func (r Request) refusedBy(a *Answer) *Error {
	e := &Error{Op: r.Op, Resource: r.Resource, Permission: r.Permission, Answer: a}
	if (a.StatusCode >= 500 || a.StatusCode == http.StatusRequestTimeout) && !a.beforeStorage() {
		e.effect = lost
	}
	if r.Creates && a.GoogleStatus == "" && a.has(http.StatusConflict, reasonConflict) {
		a.Reason = reasonAlreadyExists
	}
	return e
}

// Unreadable returns the error for a successful response whose body does not
// make sense to the caller. It is unknown what the request did.
func Unreadable(op, resource string, cause error) *Error {
	return Request{Op: op, Resource: resource}.fails(lost, cause)
}
