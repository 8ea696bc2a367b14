package policy_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/policy"
)

func FuzzCheckRole(f *testing.F) {
	pattern := regexp.MustCompile(`^(?:(?:projects|organizations)/[^/\s]+/)?roles/[A-Za-z0-9_.]+$`)
	for _, role := range []string{
		"roles/run.invoker", "projects/p/roles/a_b", "organizations/1/roles/X", "roles/", "roles", "", "folders/1/roles/a", "projects//roles/a",
		"projects/a b/roles/a", "projects/a\v/roles/a", "projects/a/b/roles/a", "roles/a/b", "projects/p/roles/", "roles/a-b", "Roles/a", "roles/a\n",
	} {
		f.Add(role)
	}
	f.Fuzz(func(t *testing.T, role string) {
		require.Equal(t, pattern.MatchString(role), policy.CheckRole(role) == nil, "%q", role)
	})
}

func TestCheckMember(t *testing.T) {
	t.Parallel()
	for member, valid := range map[string]bool{
		"allUsers": true, "allAuthenticatedUsers": true, "user:ann@example.com": true, "serviceAccount:a@p.iam.gserviceaccount.com": true,
		"group:g@example.com": true, "domain:example.com": true, "deleted:user:ann@example.com?uid=1": true, "principalSet://iam.googleapis.com/x": true,
		"projectOwner:p": true, "": false, "ann@example.com": false, "user:": false, "robot:x": false, "user:a b": false, "user:a\x00": false,
		"principal:x": false, "allusers": false,
	} {
		require.Equal(t, valid, policy.CheckMember(member) == nil, member)
	}
}
