package policy

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

var roleRE = regexp.MustCompile(`^(?:(?:projects|organizations)/[^/\s]+/)?roles/[A-Za-z0-9_.]+$`)

// CheckRole checks the syntax of a role's name.
func CheckRole(role string) error {
	if !roleRE.MatchString(role) {
		return fmt.Errorf("role %.100q is not valid: use roles/NAME, projects/PROJECT/roles/NAME or organizations/ID/roles/NAME", role)
	}
	return nil
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

// Fold gives the form of a member in which equal ones are spelled alike: IAM
// lowers the case of mail addresses and domains, so one may come back
// in another case than it was sent.
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
