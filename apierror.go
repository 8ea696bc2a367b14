package cloudrun

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"google.golang.org/api/googleapi"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// APIError is the refusal or failure of one request by the server.
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
	// Violations names the fields at fault, if the server told them.
	Violations []FieldViolation
	// RetryAfter is how long the server asked to wait before the next try; 0 if it did not.
	RetryAfter time.Duration

	err    *googleapi.Error
	host   string // that answered
	notAPI bool
}

// FieldViolation is one field of a request that the server found wrong.
type FieldViolation struct {
	Field       string
	Description string
}

// Error tells what was attempted, on what, and what the server said.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", e.Op, e.Resource)
	if e.notAPI {
		b.WriteString(wrongAddress(e.host, e.err.Code).Error())
		return b.String()
	}
	fmt.Fprintf(&b, "HTTP %d", e.err.Code)
	if e.GoogleStatus != "" {
		fmt.Fprintf(&b, " %s", e.GoogleStatus)
	}
	if e.err.Message != "" {
		fmt.Fprintf(&b, ": %s", e.err.Message)
	}
	for _, v := range e.Violations {
		if !strings.Contains(e.err.Message, v.Description) { // servers tend to say it all twice
			fmt.Fprintf(&b, "; %s: %s", v.Field, v.Description)
		}
	}
	return b.String()
}

// wrongAddress is the error of an answer that is not the API's.
func wrongAddress(host string, status int) error {
	return fmt.Errorf("%w: HTTP %d from %s: check the endpoint and the region", ErrNotAPI, status, host)
}

// Unwrap gives the [googleapi.Error].
func (e *APIError) Unwrap() error { return e.err }

// Is reports whether target is [ErrNotAPI] and the answer did not come from the API.
func (e *APIError) Is(target error) bool { return target == ErrNotAPI && e.notAPI }

// StatusCode is the HTTP status code of the answer.
func (e *APIError) StatusCode() int { return e.err.Code }

// Status makes the predicates of k8s.io/apimachinery/pkg/api/errors work.
func (e *APIError) Status() metav1.Status {
	code := int32(e.err.Code)
	if e.notAPI {
		code = 0 // IsNotFound and the like go by the code too
	}
	return metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    code,
		Reason:  e.Reason,
		Message: e.err.Message,
	}
}

// errorBody is the union of a Google error and a Kubernetes Status.
type errorBody struct {
	Error *struct {
		Code    int               `json:"code"`
		Message string            `json:"message"`
		Status  string            `json:"status"`
		Details []json.RawMessage `json:"details"`
	} `json:"error"`
	Kind    string              `json:"kind"`
	Message string              `json:"message"`
	Reason  metav1.StatusReason `json:"reason"`
	Details struct {
		Causes []struct {
			Field   string `json:"field"`
			Message string `json:"message"`
		} `json:"causes"`
		RetryAfterSeconds int `json:"retryAfterSeconds"`
	} `json:"details"`
}

// newAPIError reads the answer to a failed request.
func newAPIError(op, resource string, status int, header http.Header, body []byte) *APIError {
	e := &APIError{
		Op: op, Resource: resource,
		RetryAfter: retryAfter(header),
		err:        &googleapi.Error{Code: status, Header: header, Body: string(body)},
	}
	var b errorBody
	decoded := json.Unmarshal(body, &b) == nil
	switch {
	case decoded && b.Error != nil && (b.Error.Code != 0 || b.Error.Status != ""):
		e.readGoogle(&b)
	case decoded && b.Kind == "Status":
		e.readKubernetes(&b)
	case isHTML(header, body) || status == http.StatusNotFound:
		e.notAPI = true
	default:
		e.err.Message = printable(string(body), 200)
	}
	if e.Reason == "" {
		e.Reason = reasonFor(status, e.GoogleStatus, e.notAPI)
	}
	return e
}

func (e *APIError) readGoogle(b *errorBody) {
	e.err.Message = printable(b.Error.Message, maxMessage)
	e.GoogleStatus = printable(b.Error.Status, 64)
	for _, raw := range b.Error.Details {
		var d struct {
			FieldViolations []FieldViolation `json:"fieldViolations"`
		}
		var detail any
		if json.Unmarshal(raw, &detail) == nil {
			e.err.Details = append(e.err.Details, detail)
		}
		if json.Unmarshal(raw, &d) == nil {
			e.addViolations(d.FieldViolations...)
		}
	}
}

func (e *APIError) readKubernetes(b *errorBody) {
	e.err.Message = printable(b.Message, maxMessage)
	e.Reason = metav1.StatusReason(printable(string(b.Reason), 64))
	for _, c := range b.Details.Causes {
		e.addViolations(FieldViolation{Field: c.Field, Description: c.Message})
	}
	if e.RetryAfter == 0 && b.Details.RetryAfterSeconds > 0 {
		e.RetryAfter = seconds(b.Details.RetryAfterSeconds)
	}
}

func (e *APIError) addViolations(vs ...FieldViolation) {
	for _, v := range vs {
		e.Violations = append(e.Violations, FieldViolation{
			Field: printable(v.Field, 200), Description: printable(v.Description, maxMessage),
		})
	}
}

// reasonFor translates a status code, and Google's finer code where it matters, to a Kubernetes reason.
func reasonFor(status int, google string, notAPI bool) metav1.StatusReason {
	switch status {
	case http.StatusBadRequest:
		return metav1.StatusReasonBadRequest
	case http.StatusUnauthorized:
		return metav1.StatusReasonUnauthorized
	case http.StatusForbidden:
		return metav1.StatusReasonForbidden
	case http.StatusNotFound:
		if notAPI { // a wrong address must not look like a Service that does not exist
			return metav1.StatusReasonUnknown
		}
		return metav1.StatusReasonNotFound
	case http.StatusConflict:
		if google == "ALREADY_EXISTS" {
			return metav1.StatusReasonAlreadyExists
		}
		return metav1.StatusReasonConflict
	case http.StatusUnprocessableEntity:
		return metav1.StatusReasonInvalid
	case http.StatusTooManyRequests:
		return metav1.StatusReasonTooManyRequests
	case http.StatusServiceUnavailable:
		return metav1.StatusReasonServiceUnavailable
	case http.StatusGatewayTimeout:
		return metav1.StatusReasonTimeout
	case http.StatusInternalServerError:
		return metav1.StatusReasonInternalError
	}
	return metav1.StatusReasonUnknown
}

func isHTML(header http.Header, body []byte) bool {
	t, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return t == "text/html" || strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "<")
}
