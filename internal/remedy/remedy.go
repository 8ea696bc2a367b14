// Package remedy says what to do about credentials that give no token, and about
// waits that ended too early. Google's libraries have no types for what is wrong
// with credentials, so it goes by their texts.
package remedy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// General is what to do if the cause is not known.
const General = "check the credentials, and renew your own with \"" + login + "\""

const login = "gcloud auth application-default login"

// remedies are in the order in which they are tried: the first one counts of
// which the text has all signs of one of the alternatives.
func remedies() []struct {
	signs [][]string
	what  string
} {
	return []struct {
		signs [][]string
		what  string
	}{
		{[][]string{{"could not find default credentials"}},
			"no credentials: run \"" + login + "\", or set GOOGLE_APPLICATION_CREDENTIALS to the file of other ones"},
		{[][]string{{"getaccesstoken"}, {"impersonat", "status code 403"}, {"impersonat", "permission_denied"}},
			"grant the account in use the role roles/iam.serviceAccountTokenCreator on the service account that it impersonates"},
		{[][]string{{"impersonat", "status code 404"}, {"impersonat", "not_found"}},
			"check the name of the service account to impersonate"},
		{[][]string{{"invalid_rapt"}, {"reauth"}, {"expired or revoked"}},
			"they have expired: run \"" + login + "\""},
		{[][]string{{"short-lived token"}, {"reasonable timeframe"}},
			"check the clock of this machine"},
		{[][]string{{"invalid jwt signature"}},
			"the key was deleted, or is of another account: use a new one"},
		{[][]string{{"account not found"}, {"account", "disabled"}, {"account", "deleted"}},
			"the account was deleted or disabled: use another one"},
		{[][]string{{"metadata", "not defined"}, {"compute: received 404"}},
			"this machine has no service account: attach one, or set GOOGLE_APPLICATION_CREDENTIALS"},
		{[][]string{{"169.254.169.254"}, {"metadata.google.internal"}},
			"the metadata server cannot be reached: outside of Google Cloud, run \"" + login + "\" or set GOOGLE_APPLICATION_CREDENTIALS"},
		{[][]string{{"invalid_grant"}, {"invalid_client"}, {"unauthorized_client"}},
			"they are no longer valid: run \"" + login + "\", or use a new key if they are those of a service account"},
	}
}

// Of returns what to do about the failure of credentials with a text; "" if that is not known.
func Of(text string) string {
	text = strings.ToLower(text)
	for _, r := range remedies() {
		for _, signs := range r.signs {
			if hasAll(text, signs) {
				return r.what
			}
		}
	}
	return ""
}

func hasAll(text string, signs []string) bool {
	for _, sign := range signs {
		if !strings.Contains(text, sign) {
			return false
		}
	}
	return true
}

// Essence returns the text of an error with the message of a JSON response in
// place of the response at its end.
func Essence(text string) string {
	start := strings.IndexByte(text, '{')
	if start < 0 {
		return text
	}
	var response struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
	}
	if json.Unmarshal([]byte(text[start:]), &response) != nil {
		return text
	}
	before := strings.TrimRight(strings.TrimSuffix(strings.TrimSpace(text[:start]), "Response:"), " \n:")
	var code string
	if json.Unmarshal(response.Error, &code) == nil && code != "" {
		return join(before, code, response.Description)
	}
	var api struct{ Message string }
	if json.Unmarshal(response.Error, &api) == nil && api.Message != "" {
		return join(before, api.Message)
	}
	return text
}

func join(parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		if part == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(strings.TrimSuffix(part, "."))
	}
	return b.String()
}

// Explain returns the text of a failure of credentials, with what to do about it,
// or the given advice if that is not known.
func Explain(text, otherwise string) string {
	what := Of(text)
	if what == "" {
		what = otherwise
	}
	return fmt.Sprintf("%s: %s", Essence(text), what)
}
