package cloudrun

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"google.golang.org/api/googleapi"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// ErrNotAPI is matched (with errors.Is) by the error of a request whose response
// did not come from the Cloud Run API: an HTML page, or a 404 without an API
// error in it. The endpoint or the region is wrong, or a proxy is in the way.
var ErrNotAPI = rest.ErrNotAPI

// APIError is returned when the server rejects a request or fails to serve it.
//
// It unwraps to the [googleapi.Error] with the status code, the response
// headers and the body, and satisfies the predicates of
// k8s.io/apimachinery/pkg/api/errors, such as IsNotFound and IsConflict,
// whether the server sent a Google or a Kubernetes error body.
type APIError struct {
	// Op is what was attempted, such as "get service".
	Op string
	// Resource is what it was attempted on, such as "projects/p/locations/r/services/s".
	Resource string
	// Reason is the machine-readable cause in Kubernetes' terms.
	Reason metav1.StatusReason
	// GoogleStatus is the canonical code of a Google error body, such as
	// "FAILED_PRECONDITION"; empty if there was none.
	GoogleStatus string
	// Violations are the fields at fault, if the server named them.
	Violations []FieldViolation
	// RetryAfter is how long the server asked to wait before the next try; 0 if it did not.
	RetryAfter time.Duration

	err *googleapi.Error // wraps a *rest.Error; nil in an APIError that did not come from a request
}

// FieldViolation is a field of a request that the server rejected.
type FieldViolation struct {
	Field       string
	Description string
}

// apiError returns the public form of an error of internal/rest: an [*APIError]
// if there was an error response, err itself otherwise.
func apiError(err error) error {
	failure, ok := asType[*rest.Error](err)
	if !ok || failure.Answer == nil {
		return err
	}
	a := failure.Answer
	e := &APIError{
		Op: failure.Op, Resource: failure.Resource, Reason: metav1.StatusReason(a.Reason),
		GoogleStatus: a.GoogleStatus, RetryAfter: a.RetryAfter,
		err: &googleapi.Error{Code: a.StatusCode, Message: a.Message, Details: a.Details, Body: a.Body, Header: a.Header},
	}
	for _, v := range a.Violations {
		e.Violations = append(e.Violations, FieldViolation(v))
	}
	e.err.Wrap(failure)
	return e
}

// failure returns the error that e was made of, or nil.
func (e *APIError) failure() *rest.Error {
	if e.err == nil {
		return nil
	}
	failure, _ := asType[*rest.Error](e.err.Unwrap())
	return failure
}

// Error says what was attempted, on what, and what the server responded.
func (e *APIError) Error() string {
	if failure := e.failure(); failure != nil {
		return failure.Error()
	}
	return fmt.Sprintf("%s %s: %s", e.Op, e.Resource, cmp.Or(string(e.Reason), e.GoogleStatus, "the request failed"))
}

// Unwrap returns the [*googleapi.Error].
func (e *APIError) Unwrap() error {
	if e.err == nil {
		return nil
	}
	return e.err
}

// Is reports whether target is [ErrNotAPI] and the response did not come from the API.
func (e *APIError) Is(target error) bool { return target == ErrNotAPI && e.notAPI() }

func (e *APIError) notAPI() bool {
	failure := e.failure()
	return failure != nil && failure.Answer.NotAPI
}

// StatusCode returns the HTTP status code of the response.
func (e *APIError) StatusCode() int {
	if e.err == nil {
		return 0
	}
	return e.err.Code
}

// Status makes the predicates of k8s.io/apimachinery/pkg/api/errors work.
func (e *APIError) Status() metav1.Status {
	s := metav1.Status{Status: metav1.StatusFailure, Reason: e.Reason}
	if e.err != nil {
		s.Message = e.err.Message
	}
	if !e.notAPI() { // IsNotFound and the like go by the code too
		s.Code = int32(e.StatusCode())
	}
	return s
}

// send makes one attempt and returns the body of a successful response.
func (c *Client) send(ctx context.Context, r rest.Request) ([]byte, error) {
	body, err := c.rest.Send(ctx, r)
	return body, apiError(err)
}

// read sends a request that changes nothing, and retries it.
func (c *Client) read(ctx context.Context, r rest.Request) ([]byte, error) {
	body, err := c.rest.Read(ctx, r)
	return body, apiError(err)
}

// write sends a request that changes something. It retries a request only if that had no effect.
func (c *Client) write(ctx context.Context, r rest.Request) ([]byte, error) {
	body, err := c.rest.Write(ctx, r)
	return body, apiError(err)
}

// observed returns the same Client with a function that is called before each retry.
func (c *Client) observed(onRetry func(error, time.Duration)) *Client {
	if c == nil {
		return nil
	}
	d := *c
	d.onRetry = onRetry
	d.rest.OnRetry = nil
	if onRetry != nil {
		d.rest.OnRetry = func(err error, delay time.Duration) { onRetry(apiError(err), delay) }
	}
	return &d
}

// outcomeOf returns what a failed write request may have done.
func outcomeOf(err error) WriteOutcome {
	if rest.MayHaveApplied(err) {
		return WriteUnknown
	}
	return NotWritten
}
