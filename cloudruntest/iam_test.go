package cloudruntest_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

const policyURL = global + located + "/services/hello"

func setPolicy(t *testing.T, s *cloudruntest.Server, policy object) (int, object) {
	t.Helper()
	return do(t, s, "POST", policyURL+":setIamPolicy", object{"policy": policy})
}

func binding(role string, members ...any) object { return object{"role": role, "members": members} }

func TestPolicies(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	create(t, s, "hello")
	code, policy := do(t, s, "GET", policyURL+":getIamPolicy", nil)
	require.Equal(t, 200, code)
	require.Equal(t, object{"etag": "ACAB"}, policy)

	code, first := setPolicy(t, s, object{"etag": "ACAB", "bindings": []any{binding("roles/run.invoker", "allUsers")}, "auditConfigs": []any{object{"service": "x"}}, "new": true})
	require.Equal(t, 200, code)
	require.Equal(t, true, first["new"])
	require.NotNil(t, first["auditConfigs"])
	require.Equal(t, 1.0, first["version"])
	code, answer := setPolicy(t, s, object{"etag": "ACAB"})
	require.Equal(t, 409, code)
	require.Equal(t, "ABORTED", dig(answer, "error", "status"))
	code, second := setPolicy(t, s, object{"bindings": []any{}})
	require.Equal(t, 200, code, "without an etag the policy is overwritten")
	require.NotEqual(t, first["etag"], second["etag"])
	require.JSONEq(t, string(s.Policy("demo", "hello")), string(mustJSON(second)))

	code, _ = do(t, s, "GET", global+located+"/services/nobody:getIamPolicy", nil)
	require.Equal(t, 404, code)
	require.Nil(t, s.Policy("demo", "nobody"))
	var kinds []string
	for _, w := range s.History() {
		kinds = append(kinds, w.Kind)
	}
	require.Equal(t, []string{"create", "setIamPolicy", "setIamPolicy"}, kinds)
}

func mustJSON(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

func TestConditionalPolicies(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	create(t, s, "hello")
	conditional := binding("roles/run.invoker", "user:a@example.com")
	conditional["condition"] = object{"title": "t", "expression": "true"}
	code, _ := setPolicy(t, s, object{"bindings": []any{conditional}})
	require.Equal(t, 400, code, "conditions need version 3")
	code, policy := setPolicy(t, s, object{"version": 3, "bindings": []any{conditional}})
	require.Equal(t, 200, code)
	require.Equal(t, 3.0, policy["version"])

	_, full := do(t, s, "GET", policyURL+":getIamPolicy?options.requestedPolicyVersion=3", nil)
	require.Equal(t, "true", dig(full, "bindings", 0, "condition", "expression"))
	_, full = do(t, s, "POST", policyURL+":getIamPolicy", object{"options": object{"requestedPolicyVersion": 3}})
	require.Equal(t, "true", dig(full, "bindings", 0, "condition", "expression"))
	_, old := do(t, s, "GET", policyURL+":getIamPolicy", nil)
	require.Nil(t, dig(old, "bindings", 0, "condition"))
	require.Regexp(t, `^roles/run.invoker_withcond_`, dig(old, "bindings", 0, "role"))
	code, _ = setPolicy(t, s, object{"etag": full["etag"], "version": 1})
	require.Equal(t, 400, code, "a writer who does not know of the conditions must not drop them")
	code, _ = do(t, s, "GET", policyURL+":getIamPolicy?options.requestedPolicyVersion=2", nil)
	require.Equal(t, 400, code)
}

func TestPolicyChecks(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	create(t, s, "hello")
	tests := map[string]struct {
		policy object
		want   int
	}{
		"members": {object{"bindings": []any{binding("roles/run.invoker", "user:a@b.c", "serviceAccount:a@b.c", "group:a@b.c", "domain:b.c", "allUsers", "allAuthenticatedUsers",
			"principal://iam.googleapis.com/x", "principalSet://iam.googleapis.com/x", "deleted:user:a@b.c?uid=1", "projectOwner:demo")}}, 200},
		"custom role":     {object{"bindings": []any{binding("projects/demo/roles/mine", "allUsers")}}, 200},
		"bad member":      {object{"bindings": []any{binding("roles/run.invoker", "nobody")}}, 400},
		"no address":      {object{"bindings": []any{binding("roles/run.invoker", "user:nobody")}}, 400},
		"bad role":        {object{"bindings": []any{binding("invoker", "allUsers")}}, 400},
		"no role":         {object{"bindings": []any{binding("", "allUsers")}}, 400},
		"bad version":     {object{"version": 2}, 400},
		"etag not base64": {object{"etag": "%%%"}, 400},
	}
	for name, test := range tests {
		code, answer := setPolicy(t, s, test.policy)
		require.Equal(t, test.want, code, "%s: %v", name, answer)
	}
	code, _ := do(t, s, "POST", policyURL+":setIamPolicy", object{})
	require.Equal(t, 400, code)
	code, _, _ = send(t, s, "POST", policyURL+":frobnicate", nil)
	require.Equal(t, 404, code)
}

func TestEtagInEitherSpelling(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	create(t, s, "hello")
	require.NoError(t, s.SetPolicy("demo", "hello", json.RawMessage(`{"etag":"+/+/"}`)))
	code, _ := setPolicy(t, s, object{"etag": "-_-_"})
	require.Equal(t, 200, code, "gcloud sends base64 for URLs")
}

func TestForbidAllUsers(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	create(t, s, "hello")
	s.ForbidAllUsers(true)
	code, answer := setPolicy(t, s, object{"bindings": []any{binding("roles/run.invoker", "allUsers")}})
	require.Equal(t, 400, code)
	require.Equal(t, "FAILED_PRECONDITION", dig(answer, "error", "status"))
	require.Equal(t, "One or more users named in the policy do not belong to a permitted customer,  perhaps due to an organization policy.", dig(answer, "error", "message"))
	require.Equal(t, "constraints/iam.allowedPolicyMemberDomains", dig(answer, "error", "details", 0, "violations", 0, "type"))
	s.ForbidAllUsers(false)
	code, _ = setPolicy(t, s, object{"bindings": []any{binding("roles/run.invoker", "allUsers")}})
	require.Equal(t, 200, code)
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	sv := create(t, s, "hello")
	rev := dig(sv, "status", "latestReadyRevisionName").(string)
	calls := map[string][2]string{
		"run.services.get":          {"GET", demo + "/services/hello"},
		"run.services.list":         {"GET", demo + "/services"},
		"run.services.create":       {"POST", demo + "/services"},
		"run.services.update":       {"PUT", demo + "/services/hello"},
		"run.services.delete":       {"DELETE", demo + "/services/hello"},
		"run.revisions.get":         {"GET", demo + "/revisions/" + rev},
		"run.revisions.list":        {"GET", demo + "/revisions"},
		"run.revisions.delete":      {"DELETE", demo + "/revisions/" + rev},
		"run.services.getIamPolicy": {"GET", policyURL + ":getIamPolicy"},
		"run.services.setIamPolicy": {"POST", policyURL + ":setIamPolicy"},
		"run.operations.get":        {"GET", located + "/operations/x"},
	}
	for permission, call := range calls {
		s.DenyPermission(permission)
		code, answer := do(t, s, call[0], call[1], minimal("hello"))
		require.Equal(t, 403, code, permission)
		require.Equal(t, "PERMISSION_DENIED", dig(answer, "error", "status"))
		require.Contains(t, dig(answer, "error", "message"), "Permission '"+permission+"' denied on resource '")
		_, held := do(t, s, "POST", policyURL+":testIamPermissions", object{"permissions": []any{permission, "run.routes.get"}})
		require.Equal(t, []any{"run.routes.get"}, held["permissions"])
		s.GrantPermission(permission)
	}
	_, held := do(t, s, "POST", policyURL+":testIamPermissions", object{"permissions": []any{"run.services.setIamPolicy"}})
	require.Equal(t, []any{"run.services.setIamPolicy"}, held["permissions"])
}

func TestServiceAccountMustBeUsable(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.DenyPermission("iam.serviceaccounts.actAs")
	code, answer := do(t, s, "POST", demo+"/services", minimal("hello"))
	require.Equal(t, 403, code)
	require.Equal(t, "Permission 'iam.serviceaccounts.actAs' denied on service account 123456789012-compute@developer.gserviceaccount.com (or it may not exist).",
		dig(answer, "error", "message"))
}
