package cloudrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/api/googleapi"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"

	"github.com/cloudrun-go/cloudrun/internal/joined"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// ErrBeingDeleted is matched by the error of a write to a Service that is being deleted.
var ErrBeingDeleted = errors.New("the service is being deleted")

// ErrNotOnCluster is matched by the error of a call that only Cloud Run
// supports, such as one about IAM, if the Client is for a cluster.
var ErrNotOnCluster = errors.New("only Cloud Run has this, a cluster does not")

// ErrOnlyOnCluster is matched by the error of a call that Cloud Run does not
// support, and a cluster does.
var ErrOnlyOnCluster = errors.New("only a cluster has this, Cloud Run does not")

// errNoService is the error of a ServiceGetter that returns nothing, or of a
// ServiceWatcher that reports another Service.
var errNoService = errors.New("the ServiceGetter did not return the Service")

// OptionError is returned when an option, or a combination of options, is
// invalid. All problems of a call are reported at once, joined.
type OptionError struct {
	// Option is the option at fault as the program wrote it, such as `WithCPU("many")`.
	Option string
	// Conflict is the option that it contradicts; empty if it is invalid on its own.
	Conflict string
	// Reason is what is wrong and how to correct it.
	Reason string
}

// Error names the option or options and the reason.
func (e *OptionError) Error() string {
	if e.Conflict != "" {
		return fmt.Sprintf("%s contradicts %s: %s", e.Option, e.Conflict, e.Reason)
	}
	return fmt.Sprintf("%s: %s", e.Option, e.Reason)
}

// WriteOutcome reports whether a call changed anything on the server.
type WriteOutcome int

const (
	// NotWritten means that nothing was changed.
	NotWritten WriteOutcome = iota
	// Written means that the change was made.
	Written
	// WriteUnknown means that a response was lost, or refused a write that a proxy
	// may have delivered twice, and the call could not determine in time whether
	// the change was made.
	WriteUnknown
)

// String returns "not written", "written" or "unknown".
func (w WriteOutcome) String() string {
	switch w {
	case Written:
		return "written"
	case WriteUnknown:
		return "unknown"
	}
	return "not written"
}

// sentence returns the outcome for an error message.
func (w WriteOutcome) sentence() string {
	switch w {
	case Written:
		return "the change was written"
	case WriteUnknown:
		return "it is unknown whether the change was written"
	}
	return "nothing was written"
}

// Stage is a part of a deployment.
type Stage string

// The stages of a deployment. Publish runs beside CreateRevision and RouteTraffic.
const (
	StageOptions        Stage = "options"         // checking the options
	StagePreflight      Stage = "preflight"       // asking for permissions, with WithPreflight
	StageRead           Stage = "read"            // reading the current Service
	StageWrite          Stage = "write"           // writing the Service
	StageCreateRevision Stage = "create revision" // condition ConfigurationsReady
	StageRouteTraffic   Stage = "route traffic"   // condition RoutesReady
	StageWait           Stage = "wait"            // the wait as a whole, condition Ready
	StagePublish        Stage = "publish"         // the IAM policy
	StageDelete         Stage = "delete"          // waiting until the Service is gone
	StageCheck          Stage = "check"           // the pause and the check of a step of a rollout
	StageRestore        Stage = "restore"         // returning to the split before the rollout
)

// DeployError is returned by the calls of a [Deployer], and by writes such as
// [Client.UpdateService] and [MakePublic]. It describes what failed, and reports
// whether anything was changed.
type DeployError struct {
	// Op is the call: "deploy service", "delete service", "add IAM member to service", ….
	Op string
	// Service is the name of the Service.
	Service string
	// Stage is the stage that failed.
	Stage Stage
	// Outcome reports whether the Service was changed, or the IAM policy if the call is about that.
	Outcome WriteOutcome
	// Err is the cause.
	Err error
}

// Error returns the call, the Service, the cause, the stage and the outcome, on a
// line of its own for each of several causes.
func (e *DeployError) Error() string {
	causes := joined.All(e.Err)
	lines := make([]string, len(causes))
	for i, cause := range causes {
		lines[i] = fmt.Sprintf("%s %q: %v", e.Op, e.Service, cause)
		if e.Stage != StageOptions {
			lines[i] += fmt.Sprintf(" (failed while %s; %v)", e.Stage.activity(), e.Outcome.sentence())
		}
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the cause.
func (e *DeployError) Unwrap() error { return e.Err }

// activity returns what a call does in a stage.
func (s Stage) activity() string {
	activities := map[Stage]string{
		StagePreflight: "checking the permissions", StageRead: "reading", StageWrite: "writing", StageWait: "waiting", StagePublish: "updating the IAM policy",
		StageDelete: "deleting", StageCheck: "checking the candidate", StageRestore: "restoring the traffic",
	}
	return cmp.Or(activities[s], string(s))
}

// Condition is one condition of a Service or Revision.
type Condition = apis.Condition

const maxMessage = safetext.MaxMessage

// printable returns server text in a form that is safe for terminals and logs:
// one line, no control characters, bounded in length.
func printable(s string, limit int) string { return safetext.Line(s, limit) }

// asType returns the first error of type T in err's tree.
func asType[T error](err error) (T, bool) {
	var t T
	ok := errors.As(err, &t)
	return t, ok
}

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
	// RequestID identifies the request for the support of Google or for the audit log
	// of a cluster: the header X-Request-Id, Audit-Id or X-Cloud-Trace-Context of the
	// response. It is empty if there was none.
	RequestID string

	err *googleapi.Error // wraps a *rest.Error; nil in an APIError that did not come from a request
}

// FieldViolation is a field of a request that the server rejected.
type FieldViolation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

// apiError returns the public form of an error of internal/rest: an [*APIError]
// if there was an error response, err itself otherwise. Neither it nor an error
// that it wraps quotes a value that the call knows.
func apiError(known *redact.Memory, err error) error {
	failure, ok := asType[*rest.Error](err)
	switch {
	case !ok || failure.Answer == nil && err != error(failure): //nolint:errorlint // whether err is wrapped is the question
		return known.Error(err)
	case failure.Answer == nil:
		return failure.Hidden(known)
	}
	failure = failure.Hidden(known)
	a := failure.Answer
	e := &APIError{
		Op: failure.Op, Resource: failure.Resource, Reason: metav1.StatusReason(a.Reason),
		GoogleStatus: a.GoogleStatus, RetryAfter: a.RetryAfter, RequestID: a.RequestID,
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
	return body, c.apiError(err)
}

// read sends a request that changes nothing, and retries it.
func (c *Client) read(ctx context.Context, r rest.Request) ([]byte, error) {
	body, err := c.rest.Read(ctx, r)
	return body, c.apiError(err)
}

// write sends a request that changes something. It retries a request only if that had no effect.
func (c *Client) write(ctx context.Context, r rest.Request) ([]byte, error) {
	body, err := c.rest.Write(ctx, r)
	return body, c.apiError(err)
}

// apiError is the public form of an error of a request.
func (c *Client) apiError(err error) error { return c.errorHiding(c.known, err) }

// observed returns the same Client with a function that is called before each retry.
func (c *Client) observed(onRetry func(error, time.Duration)) *Client {
	if c == nil {
		return nil
	}
	d := *c
	d.onRetry = onRetry
	d.rest.OnRetry = nil
	if onRetry != nil {
		d.rest.OnRetry = func(err error, delay time.Duration) { onRetry(d.apiError(err), delay) }
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

// OperationError is returned when an operation of a Service failed.
type OperationError struct {
	// Operation is the ID of the operation.
	Operation string
	// Message is the cause as the server states it.
	Message string
}

// Error names the operation and the cause.
func (e *OperationError) Error() string {
	return fmt.Sprintf("operation %q failed: %s", printable(e.Operation, 200), printable(e.Message, maxMessage))
}
