package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

func find(err error) (e *Error, ok bool) {
	ok = errors.As(err, &e)
	return e, ok
}

// Final returns an error as one that is not transient. What the request may have
// done stays the same.
func Final(err error) error { return &final{err} }

type final struct{ error }

func (e *final) Unwrap() error { return e.error }

// Transient reports whether the same request may succeed later.
func Transient(err error) bool {
	if last := (*final)(nil); errors.As(err, &last) {
		return false
	}
	e, ok := find(err)
	switch {
	case !ok:
		return false
	case e.Answer != nil:
		return e.starting || e.Answer.transient()
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errTooLarge):
		return false
	}
	return e.effect != refused
}

func (a *Answer) transient() bool {
	switch a.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// beforeStorage reports whether a Kubernetes API server failed before it stored
// anything: it calls the admission webhooks first.
func (a *Answer) beforeStorage() bool {
	return a.Reason == reasonInternalError && a.GoogleStatus == "" && strings.Contains(a.Message, "failed calling webhook")
}

// Unsent reports whether a failed request cannot have reached the server.
func Unsent(err error) bool {
	e, ok := find(err)
	return ok && e.effect == unsent
}

// MayHaveApplied reports whether a failed write may have taken effect.
func MayHaveApplied(err error) bool {
	e, ok := find(err)
	return ok && e.effect == lost
}

// Delay returns how long to wait before the next try because the server asked
// for it: a little longer than its Retry-After, see [pause.Spread].
func Delay(err error) time.Duration {
	e, ok := find(err)
	if !ok || e.Answer == nil {
		return 0
	}
	return pause.Spread(e.Answer.RetryAfter)
}

// IsNotFound reports whether the API responded that there is no such object.
func IsNotFound(err error) bool { return answered(err, http.StatusNotFound, reasonNotFound) }

// IsConflict reports whether the object was changed since it was read.
func IsConflict(err error) bool { return answered(err, http.StatusConflict, reasonConflict) }

// IsAlreadyExists reports whether there is such an object already.
func IsAlreadyExists(err error) bool {
	e, ok := find(err)
	return ok && e.Answer != nil && e.Answer.Reason == reasonAlreadyExists
}

func answered(err error, status int, reason string) bool {
	e, ok := find(err)
	return ok && e.Answer != nil && e.Answer.has(status, reason)
}

// Answered reports whether the server answered a failed request with an error.
func Answered(err error) bool {
	e, ok := find(err)
	return ok && e.Answer != nil && !e.held
}

// Arrived reports whether a failed request, or an earlier attempt of it, reached the server.
func Arrived(err error) bool {
	e, ok := find(err)
	return ok && (e.Answer != nil && !e.held || e.effect == lost || e.arrived)
}

// IsPreconditionFailed reports whether the object is not in the state that the request requires.
func IsPreconditionFailed(err error) bool {
	e, ok := find(err)
	return ok && e.Answer != nil && e.Answer.StatusCode == http.StatusPreconditionFailed
}
