package policy

import (
	"fmt"
	"strings"
	"unicode"
)

// CheckRole checks the syntax of a role's name.
func CheckRole(role string) error {
	if !isRole(role) {
		return fmt.Errorf("role %.100q is not valid: use roles/NAME, projects/PROJECT/roles/NAME or organizations/ID/roles/NAME", role)
	}
	return nil
}

// isRole reports whether a text is roles/NAME, on its own or in a project or an organization.
func isRole(s string) bool {
	parts := strings.Split(s, "/")
	if len(parts) == 4 && (parts[0] == "projects" || parts[0] == "organizations") && parts[1] != "" && !strings.ContainsAny(parts[1], " \t\n\f\r") {
		parts = parts[2:]
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return len(parts) == 2 && parts[0] == "roles" && parts[1] != "" &&
		strings.Trim(parts[1], letters+"0123456789_.") == ""
}

// CheckMember checks the syntax of a member of a binding.
func CheckMember(member string) error {
	if member == "allUsers" || member == "allAuthenticatedUsers" {
		return nil
	}
	kind, id, typed := strings.Cut(strings.TrimPrefix(member, "deleted:"), ":")
	if !typed || id == "" || !isKind(kind) || strings.ContainsFunc(member, isBlank) {
		return fmt.Errorf("member %.100q is not valid: use allUsers, allAuthenticatedUsers, user:EMAIL, serviceAccount:EMAIL, group:EMAIL, domain:DOMAIN, principal://… or principalSet://…", member)
	}
	if strings.HasPrefix(kind, "principal") && !strings.HasPrefix(id, "//") {
		return fmt.Errorf("member %.100q is not valid: %s must be followed by ://", member, kind)
	}
	return nil
}

func isKind(s string) bool {
	switch s {
	case "user", "serviceAccount", "group", "domain", "principal", "principalSet",
		"projectOwner", "projectEditor", "projectViewer":
		return true
	}
	return false
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// Fold returns a form of a member that is the same for equal members. IAM lowers
// the case of mail addresses and domains, so a member may be returned in another
// case than it was sent.
func Fold(member string) string {
	kind, id, typed := strings.Cut(member, ":")
	switch {
	case typed && kind == "deleted":
		return kind + ":" + Fold(id)
	case kind == "user", kind == "serviceAccount", kind == "group", kind == "domain":
		return kind + ":" + strings.ToLower(id)
	}
	return member
}
