// Package denial reads from an error response which permission is missing, and
// whether an organization policy forbids the request.
package denial

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/principal"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// maxName bounds the length of a name in the server's words.
const maxName = 300

// Denial is a permission that a response says is missing.
type Denial struct {
	// Permission is such as "run.services.get", or of Kubernetes "get
	// services.serving.knative.dev"; empty if nothing says which it is.
	Permission string
	// Resource is what the permission is missing on; empty if it is that of the request.
	Resource string
	// Principal is the member that lacks the permission, or the user of Kubernetes;
	// empty if it is the caller, whom the response does not name.
	Principal string
}

// Of returns the permission that a response says is missing. If it names none, that
// is the one that the request needs. It reports false if the request failed for
// another reason, such as an API that is not enabled.
func Of(err error) (Denial, bool) {
	var failed *rest.Error
	if !errors.As(err, &failed) || failed.Answer == nil || failed.Answer.NotAPI || failed.Answer.StatusCode != http.StatusForbidden {
		return Denial{}, false
	}
	a := failed.Answer
	if d, ok := byKubernetes(a.Message); ok {
		return d, true
	}
	reason, metadata := errorInfo(a)
	if reason == "USER_PROJECT_DENIED" {
		consumer, _ := metadata["consumer"].(string)
		return Denial{Permission: grant.UseProject, Resource: safetext.Line(consumer, maxName)}, true
	}
	isOther := reason != "" && reason != "IAM_PERMISSION_DENIED" || strings.Contains(a.Message, "vpcServiceControls")
	if isOther || !strings.Contains(strings.ToLower(a.GoogleStatus+a.Message+reason), "permission") {
		return Denial{}, false
	}
	d := inMessage(a.Message)
	named, _ := metadata["permission"].(string)
	d.Permission = canonical(cmp.Or(d.Permission, safetext.Line(named, maxName), permissionIn(a.Message), failed.Permission))
	return d, true
}

// canonical returns a permission as IAM spells it. Cloud Run writes one otherwise.
func canonical(permission string) string {
	if strings.EqualFold(permission, grant.ActAs) {
		return grant.ActAs
	}
	return permission
}

// inMessage returns what the messages of Cloud Run say about accounts and images.
func inMessage(message string) Denial {
	const agent = "Google Cloud Run Service Agent"
	account, onAccount := wordAfter(message, "denied on service account ")
	target, noTokens := wordAfter(message, "get access tokens for the service account ")
	image, ofImage := wordAfter(message, "must have permission to read the image, ")
	switch {
	case onAccount:
		return Denial{Permission: permissionIn(message), Resource: accountName(account)}
	case noTokens:
		d := Denial{Permission: grant.GetAccessToken, Resource: accountName(target)}
		if giver, ok := wordAfter(message, "Please give "); ok {
			d.Principal = memberOf(giver)
		}
		return d
	case ofImage:
		d := Denial{Permission: cmp.Or(permissionIn(message), grant.ReadImage), Resource: cmp.Or(repositoryIn(message), grant.Repository(image), image)}
		if named, ok := wordAfter(message, agent+" "); ok {
			d.Principal = memberOf(named)
		}
		return d
	}
	return Denial{}
}

// repositoryIn returns the repository that a message of Artifact Registry names; empty if it names none.
func repositoryIn(message string) string {
	resource, _ := wordAfter(message, "denied on resource ")
	if resource = strings.TrimPrefix(strings.Trim(resource, `\"`), "//artifactregistry.googleapis.com/"); strings.Contains(resource, "/repositories/") {
		return resource
	}
	return ""
}

func accountName(email string) string { return "projects/-/serviceAccounts/" + email }

// memberOf returns the member of a service account; empty if it is not an email address.
func memberOf(email string) string {
	if !principal.IsEmail(email) {
		return ""
	}
	return "serviceAccount:" + email
}

// byKubernetes reads a refusal of RBAC, such as: services.serving.knative.dev "s" is
// forbidden: User "ann" cannot get resource "services" in API group
// "serving.knative.dev" in the namespace "default". Other plugins for admission
// answer with the same status.
func byKubernetes(message string) (Denial, bool) {
	_, refusal, forbidden := strings.Cut(message, "is forbidden: User ")
	user, rest, cannot := strings.Cut(refusal, " cannot ")
	verb, rest, named := strings.Cut(rest, " resource ")
	resource, rest, _ := strings.Cut(rest, " ")
	if !forbidden || !cannot || !named {
		return Denial{}, false
	}
	kind := strings.Trim(resource, `"`)
	if group, ok := wordAfter(rest, "in API group "); ok && group != "" {
		kind += "." + group
	}
	return Denial{Permission: safetext.Line(verb+" "+kind, maxName), Principal: safetext.Line(strings.Trim(user, `"`), maxName)}, true
}

// wordAfter returns the word after a part of a message, without its punctuation.
func wordAfter(message, before string) (word string, found bool) {
	_, after, found := strings.Cut(message, before)
	if word, _, _ = strings.Cut(after, " "); len(word) > maxName {
		return "", false
	}
	return strings.Trim(word, "'\".,:;()"), found
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
		name := strings.Trim(words[i+1], "'\".,:;\\")
		if word = word[strings.LastIndexAny(word, `"'`)+1:]; strings.EqualFold(word, "permission") && isPermission(name) {
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
