// Package denial reads from an error response which permission is missing, and
// whether an organization policy forbids the request.
package denial

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// maxPermission bounds the name of a permission in the server's words.
const maxPermission = 200

// Permission returns the permission that the server says is missing, or the one
// that the request is known to need. It reports false if the request failed for
// another reason, such as an API that is not enabled.
func Permission(err error, needed string) (permission string, missing bool) {
	a := answer(err)
	if a == nil || a.StatusCode != http.StatusForbidden {
		return "", false
	}
	reason, metadata := errorInfo(a)
	if reason != "" && reason != "IAM_PERMISSION_DENIED" {
		return "", false
	}
	if named, ok := metadata["permission"].(string); ok && named != "" {
		return safetext.Line(named, maxPermission), true
	}
	if named := permissionIn(a.Message); named != "" {
		return named, true
	}
	return needed, true
}

// ByOrganization reports whether a constraint of an organization policy refused
// a write. Some servers say so in the message alone, others in one of two kinds
// of details, so it looks through the whole body.
func ByOrganization(err error) bool {
	a := answer(err)
	if a == nil || a.StatusCode != http.StatusBadRequest && a.StatusCode != http.StatusPreconditionFailed {
		return false
	}
	text := strings.ToLower(a.Body)
	return slices.ContainsFunc([]string{"permitted customer", "organization policy", "org policy", "org_policy", "constraints/iam."},
		func(sign string) bool { return strings.Contains(text, sign) })
}

// UnknownMember reports whether a policy was refused because a member does not exist.
func UnknownMember(err error) bool {
	a := answer(err)
	return a != nil && a.StatusCode == http.StatusBadRequest && strings.Contains(a.Message, "does not exist")
}

// answer returns the error response of the API in an error; nil if there is none.
func answer(err error) *rest.Answer {
	var failed *rest.Error
	if !errors.As(err, &failed) || failed.Answer == nil || failed.Answer.NotAPI {
		return nil
	}
	return failed.Answer
}

// permissionIn returns the permission that a message names, as in "Permission
// 'run.services.get' denied"; empty if it names none.
func permissionIn(message string) string {
	words := strings.Fields(message)
	for i, word := range words[:max(len(words)-1, 0)] {
		name := strings.Trim(words[i+1], "'\".,:;")
		if strings.EqualFold(word, "permission") && isPermission(name) {
			return name
		}
	}
	return ""
}

// isPermission reports whether a word has the form of a permission, such as run.services.get.
func isPermission(word string) bool {
	isOther := func(r rune) bool { return r != '.' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }
	return strings.Count(word, ".") >= 2 && !strings.ContainsFunc(word, isOther)
}

// errorInfo returns the google.rpc.ErrorInfo of an error response; empty if it has none.
func errorInfo(a *rest.Answer) (reason string, metadata map[string]any) {
	for _, detail := range a.Details {
		fields, _ := detail.(map[string]any)
		if kind, _ := fields["@type"].(string); strings.HasSuffix(kind, "google.rpc.ErrorInfo") {
			reason, _ = fields["reason"].(string)
			metadata, _ = fields["metadata"].(map[string]any)
			return reason, metadata
		}
	}
	return "", nil
}
