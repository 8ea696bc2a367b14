package resources

import (
	"cmp"
	"encoding/base64"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// CheckPolicy checks a policy that is about to replace the current one.
func CheckPolicy(current, policy tree.Object) *apierror.Error {
	etag := tree.Text(policy, "etag")
	sent, ok := decodeEtag(etag)
	if !ok {
		return apierror.Invalid("Invalid value at 'policy.etag' (TYPE_BYTES), Base64 decoding failed for \"%s\"", etag)
	}
	if stored, _ := decodeEtag(cmp.Or(tree.Text(current, "etag"), noPolicyEtag)); etag != "" && sent != stored {
		return apierror.Conflict("There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.")
	}
	if err := checkPolicyVersion(current, policy); err != nil {
		return err
	}
	for _, b := range tree.Objects(policy, "bindings") {
		if err := checkBinding(b); err != nil {
			return err
		}
	}
	return nil
}

func checkPolicyVersion(current, policy tree.Object) *apierror.Error {
	version, _ := tree.Number(policy["version"])
	switch {
	case version != 0 && version != 1 && version != 3:
		return apierror.Invalid("Policy version must be one of 0, 1 or 3.")
	case version != 3 && conditional(policy):
		return apierror.Invalid("The specified policy version (%d) cannot support conditions. Please set the policy version to 3.", version)
	case version != 3 && tree.Text(policy, "etag") != "" && conditional(current):
		return apierror.Invalid("The existing policy has conditions: set the policy version to 3, or leave out the etag to overwrite it.")
	}
	return nil
}

// decodeEtag reads base64 in any of its spellings. gcloud sends the one for URLs.
func decodeEtag(etag string) (string, bool) {
	etag = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(etag, "="))
	b, err := base64.RawStdEncoding.DecodeString(etag)
	return string(b), err == nil
}

func checkBinding(b tree.Object) *apierror.Error {
	role := tree.Text(b, "role")
	known := strings.HasPrefix(role, "roles/") ||
		strings.Contains(role, "/roles/") && (strings.HasPrefix(role, "projects/") || strings.HasPrefix(role, "organizations/"))
	if !known {
		return apierror.Invalid("Role %s is not supported for this resource.", cmp.Or(role, "(unset)"))
	}
	for _, m := range tree.Items(b, "members") {
		if m, _ := m.(string); !validMember(m) {
			return apierror.Invalid("Invalid member: \"%s\". Members must be of the form \"<type>:<value>\" or \"allUsers\" or \"allAuthenticatedUsers\".", m)
		}
	}
	return nil
}

func validMember(m string) bool {
	if m == "allUsers" || m == "allAuthenticatedUsers" {
		return true
	}
	kind, value, _ := strings.Cut(m, ":")
	switch strings.TrimPrefix(kind, "deleted:") {
	case "user", "serviceAccount", "group":
		return strings.Contains(value, "@")
	case "domain", "principal", "principalSet", "projectOwner", "projectEditor", "projectViewer", "deleted":
		return value != ""
	}
	return false
}
