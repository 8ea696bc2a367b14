package cloudruntest

import (
	"fmt"
	"net/http"
)

// apiError is a refusal. How it is written depends on who is being played.
type apiError struct {
	code    int
	status  string // Google's canonical code
	reason  string // Kubernetes' reason
	message string
	details []any    // of a Google error
	causes  []object // of a Kubernetes Status
	kind    string   // of the thing it is about, for a Kubernetes Status
	name    string
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.code, e.status, e.message) }

// answer is the answer to one request of the API.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

func answerJSON(code int, v any) answer {
	return answer{code: code, header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}}, body: encode(v)}
}

func answerText(code int, contentType, body string) answer {
	return answer{code: code, header: http.Header{"Content-Type": {contentType}}, body: []byte(body)}
}

// answer writes the error as Cloud Run does, or as Kubernetes does.
func (e *apiError) answer(cluster bool) answer {
	if cluster {
		return answerJSON(e.code, e.kubernetes())
	}
	body := object{"code": e.code, "message": e.message, "status": e.status}
	if len(e.details) > 0 {
		body["details"] = e.details
	}
	return answerJSON(e.code, object{"error": body})
}

func (e *apiError) kubernetes() object {
	status := object{
		"apiVersion": "v1", "kind": "Status", "metadata": object{}, "status": "Failure",
		"message": e.message, "code": e.code,
	}
	if e.reason != "" {
		status["reason"] = e.reason
	}
	details := object{}
	if e.name != "" {
		details = object{"name": e.name, "group": "serving.knative.dev", "kind": e.kind}
	}
	if len(e.causes) > 0 {
		details["causes"] = e.causes
	}
	if len(details) > 0 {
		status["details"] = details
	}
	return status
}

func invalid(format string, args ...any) *apiError {
	return &apiError{code: 400, status: "INVALID_ARGUMENT", reason: "BadRequest", message: fmt.Sprintf(format, args...)}
}

func precondition(format string, args ...any) *apiError {
	return &apiError{code: 400, status: "FAILED_PRECONDITION", reason: "BadRequest", message: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) *apiError {
	return &apiError{code: 409, status: "ABORTED", reason: "Conflict", message: fmt.Sprintf(format, args...)}
}

func exists(format string, args ...any) *apiError {
	return &apiError{code: 409, status: "ALREADY_EXISTS", reason: "AlreadyExists", message: fmt.Sprintf(format, args...)}
}

func forbidden(permission, resource string) *apiError {
	return &apiError{
		code: 403, status: "PERMISSION_DENIED", reason: "Forbidden",
		message: fmt.Sprintf("Permission '%s' denied on resource '%s' (or resource may not exist).", permission, resource),
	}
}

func exhausted(message string) *apiError {
	return &apiError{code: 429, status: "RESOURCE_EXHAUSTED", reason: "TooManyRequests", message: message}
}

func notFound(message string) *apiError {
	return &apiError{code: 404, status: "NOT_FOUND", reason: "NotFound", message: message}
}

// notFoundPage is what Google's front end answers where no API is.
func notFoundPage(path string) answer {
	const page = `<!DOCTYPE html>
<html lang=en>
  <meta charset=utf-8>
  <meta name=viewport content="initial-scale=1, minimum-scale=1, width=device-width">
  <title>Error 404 (Not Found)!!1</title>
  <p><b>404.</b> <ins>That’s an error.</ins>
  <p>The requested URL <code>%s</code> was not found on this server.  <ins>That’s all we know.</ins>
`
	return answerText(http.StatusNotFound, "text/html; charset=UTF-8", fmt.Sprintf(page, escapeHTML(path)))
}
