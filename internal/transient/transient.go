// Package transient reports whether a failed poll may succeed later. It knows the
// errors of a Kubernetes clientset as well as those of package rest.
package transient

import (
	"errors"
	"io"
	"net"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// Polls returns a function that reports whether a failed poll of one wait may
// succeed later, and how long the server asked to wait. A server that has just
// started may deny a poll for a moment.
func Polls() func(error) (bool, time.Duration) {
	var outage rest.Outage
	return func(err error) (bool, time.Duration) {
		passes, unknown := Poll(err), apierrors.ReasonForError(err) == metav1.StatusReasonUnknown
		switch {
		case passes && unknown:
			outage.Began()
		case rest.Answered(err) || !unknown: // not an error that the caller's side made
			denied := apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err)
			passes = outage.Excuses(denied) || passes
		}
		return passes, rest.Delay(err)
	}
}

// Poll reports whether a failed poll may succeed later.
func Poll(err error) bool {
	if rest.Transient(err) {
		return true
	}
	if rest.Answered(err) {
		return false
	}
	if apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err) {
		return true
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}
