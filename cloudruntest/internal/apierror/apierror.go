// Package apierror has the errors of the API, and their JSON as Cloud Run and
// as a Kubernetes API server write it.
package apierror

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// Error is an error response of the API.
type Error struct {
	Code    int    // HTTP status
	Status  string // Google's canonical code
	Reason  string // Kubernetes' reason
	Message string
	Details []any         // of a Google error
	Causes  []tree.Object // of a Kubernetes Status
	Kind    string        // of the object, for a Kubernetes Status
	Name    string        // of the object, for a Kubernetes Status
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Code, e.Status, e.Message) }

// Body returns the error's JSON, as Kubernetes or as Google writes it.
func (e *Error) Body(kubernetes bool) tree.Object {
	if kubernetes {
		return e.kubernetes()
	}
	body := tree.Object{"code": e.Code, "message": e.Message, "status": e.Status}
	if len(e.Details) > 0 {
		body["details"] = e.Details
	}
	return tree.Object{"error": body}
}

func (e *Error) kubernetes() tree.Object {
	status := tree.Object{
		"apiVersion": "v1", "kind": "Status", "metadata": tree.Object{}, "status": "Failure",
		"message": e.Message, "code": e.Code,
	}
	if e.Reason != "" {
		status["reason"] = e.Reason
	}
	details := tree.Object{}
	if e.Name != "" {
		details = tree.Object{"name": e.Name, "group": "serving.knative.dev", "kind": e.Kind}
	}
	if len(e.Causes) > 0 {
		details["causes"] = e.Causes
	}
	if len(details) > 0 {
		status["details"] = details
	}
	return status
}

// Invalid is returned for a bad request.
func Invalid(format string, args ...any) *Error {
	return &Error{Code: 400, Status: "INVALID_ARGUMENT", Reason: "BadRequest", Message: fmt.Sprintf(format, args...)}
}

// Unprocessable is returned for an object that fails the API server's own checks.
func Unprocessable(format string, args ...any) *Error {
	e := Invalid(format, args...)
	e.Code, e.Reason = 422, "Invalid"
	return e
}

// Precondition is returned for a request that the current state does not allow.
func Precondition(format string, args ...any) *Error {
	return &Error{Code: 400, Status: "FAILED_PRECONDITION", Reason: "BadRequest", Message: fmt.Sprintf(format, args...)}
}

// Conflict is returned for a write that was based on an older state.
func Conflict(format string, args ...any) *Error {
	return &Error{Code: 409, Status: "ABORTED", Reason: "Conflict", Message: fmt.Sprintf(format, args...)}
}

// Exists is returned for an object that already exists.
func Exists(format string, args ...any) *Error {
	return &Error{Code: 409, Status: "ALREADY_EXISTS", Reason: "AlreadyExists", Message: fmt.Sprintf(format, args...)}
}

// Forbidden is returned when the caller lacks a permission.
func Forbidden(permission, resource string) *Error {
	return &Error{
		Code: 403, Status: "PERMISSION_DENIED", Reason: "Forbidden",
		Message: fmt.Sprintf("Permission '%s' denied on resource '%s' (or resource may not exist).", permission, resource),
	}
}

// Exhausted is returned when a quota is exceeded.
func Exhausted(message string) *Error {
	return &Error{Code: 429, Status: "RESOURCE_EXHAUSTED", Reason: "TooManyRequests", Message: message}
}

// NotFound is returned for an object that does not exist.
func NotFound(message string) *Error {
	return &Error{Code: 404, Status: "NOT_FOUND", Reason: "NotFound", Message: message}
}

// Violation is a problem in one field of a request.
type Violation struct{ Field, Description string }

// Violations is returned for a document with problems in its fields.
func Violations(list ...Violation) *Error {
	e := Invalid("The request has errors")
	if len(list) == 1 {
		e.Message = list[0].Field + ": " + list[0].Description
	}
	fields := make([]any, len(list))
	for i, v := range list {
		fields[i] = tree.Object{"field": v.Field, "description": v.Description}
	}
	e.Details = []any{tree.Object{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": slices.Clip(fields)}}
	return e
}

// ForStatus returns the error that Cloud Run sends with an HTTP status.
func ForStatus(code int) *Error {
	e := &Error{Code: code, Status: "UNKNOWN", Message: http.StatusText(code)}
	known := map[int][3]string{
		400: {"INVALID_ARGUMENT", "BadRequest", "The request has errors"},
		401: {"UNAUTHENTICATED", "Unauthorized", "Request had invalid authentication credentials."},
		403: {"PERMISSION_DENIED", "Forbidden", "The caller does not have permission"},
		404: {"NOT_FOUND", "NotFound", "Requested entity was not found."},
		409: {"ABORTED", "Conflict", "The operation was aborted."},
		429: {"RESOURCE_EXHAUSTED", "TooManyRequests", "Quota exceeded."},
		500: {"INTERNAL", "InternalError", "Internal error encountered."},
		503: {"UNAVAILABLE", "ServiceUnavailable", "The service is currently unavailable."},
		504: {"DEADLINE_EXCEEDED", "Timeout", "Deadline expired before operation could complete."},
	}
	if k, ok := known[code]; ok {
		e.Status, e.Reason, e.Message = k[0], k[1], k[2]
	}
	return e
}
