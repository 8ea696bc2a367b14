package rest

import "net/http"

// The reasons that this package uses, in the spelling of Kubernetes.
const (
	reasonUnknown       = ""
	reasonNotFound      = "NotFound"
	reasonConflict      = "Conflict"
	reasonAlreadyExists = "AlreadyExists"
	reasonInternalError = "InternalError"
)

// reasonFor returns the Kubernetes reason for a status code and, where it is
// finer than that, Google's canonical code.
func reasonFor(status int, google string) string {
	switch status {
	case http.StatusBadRequest:
		return "BadRequest"
	case http.StatusUnauthorized:
		return "Unauthorized"
	case http.StatusForbidden:
		return "Forbidden"
	case http.StatusNotFound:
		return reasonNotFound
	case http.StatusConflict:
		if google == "ALREADY_EXISTS" {
			return reasonAlreadyExists
		}
		return reasonConflict
	case http.StatusUnprocessableEntity:
		return "Invalid"
	case http.StatusTooManyRequests:
		return "TooManyRequests"
	case http.StatusServiceUnavailable:
		return "ServiceUnavailable"
	case http.StatusGatewayTimeout:
		return "Timeout"
	case http.StatusInternalServerError:
		return reasonInternalError
	}
	return reasonUnknown
}

// knownReason reports whether Kubernetes defines a reason. Where it does not,
// its own predicates decide by the status code.
func knownReason(reason string) bool {
	switch reason {
	case reasonNotFound, reasonConflict, reasonAlreadyExists, "Unauthorized", "Forbidden", "Gone", "Invalid",
		"ServerTimeout", "StorageReadError", "Timeout", "TooManyRequests", "BadRequest", "MethodNotAllowed", "NotAcceptable",
		"RequestEntityTooLarge", "UnsupportedMediaType", reasonInternalError, "Expired", "ServiceUnavailable":
		return true
	}
	return false
}
