// Package principal reads from credentials whose they are. It returns no secret
// of them.
package principal

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// maxMember bounds the length of a member.
const maxMember = 300

// file is what the JSON of credentials says about their owner.
type file struct {
	Type             string `json:"type"`
	ClientEmail      string `json:"client_email"`
	Account          string `json:"account"`
	ImpersonationURL string `json:"service_account_impersonation_url"`
}

// Of returns the IAM member that the JSON of credentials is for, such as
// "serviceAccount:ci@p.iam.gserviceaccount.com"; empty if the JSON does not say so:
// that of a user, and of a workload that impersonates no service account, does not.
func Of(credentials []byte) string {
	var f file
	if json.Unmarshal(credentials, &f) != nil {
		return ""
	}
	switch f.Type {
	case "service_account":
		return member("serviceAccount:", f.ClientEmail)
	case "impersonated_service_account", "external_account":
		return member("serviceAccount:", impersonated(f.ImpersonationURL))
	case "authorized_user":
		return member("user:", f.Account)
	}
	return ""
}

// ServiceAccount returns the member of a service account; empty if the text is not its email address.
func ServiceAccount(email string) string { return member("serviceAccount:", email) }

// member returns the member of an email address; empty if it is not one.
func member(kind, email string) string {
	if !IsEmail(email) || len(email) > maxMember {
		return ""
	}
	return kind + safetext.Line(email, maxMember)
}

// impersonated returns the service account in the URL that makes its tokens, such as
// ".../serviceAccounts/EMAIL:generateAccessToken".
func impersonated(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	_, name, _ := strings.Cut(u.Path, "/serviceAccounts/")
	email, _, _ := strings.Cut(name, ":")
	return email
}

// IsEmail reports whether a text has the form of the email address of an account.
// Such a text is safe in a shell command.
func IsEmail(text string) bool {
	name, domain, ok := strings.Cut(text, "@")
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.+", r)
	}
	return ok && name != "" && name[0] != '-' && domain != "" && !strings.ContainsFunc(name+domain, other)
}
