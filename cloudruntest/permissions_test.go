package cloudruntest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// A permission that is taken is missing in every test of permissions.
func TestPermissionsOfOtherAPIs(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer(cloudruntest.WithoutPermission("iam.serviceAccounts.actAs", "secretmanager.secrets.getIamPolicy"))
	t.Cleanup(s.Close)
	both := object{"permissions": []any{"iam.serviceAccounts.actAs", "run.services.create"}}
	for _, resource := range []string{"projects/demo", "projects/-/serviceAccounts/run@demo.iam.gserviceaccount.com", "projects/demo/secrets/db"} {
		code, answer := do(t, s, "POST", "/v1/"+resource+":testIamPermissions", both)
		require.Equal(t, 200, code, resource)
		require.Equal(t, []any{"run.services.create"}, answer["permissions"], resource)
	}
	code, answer := do(t, s, "GET", "/v1/projects/demo/secrets/db:getIamPolicy", nil)
	require.Equal(t, 403, code)
	require.Equal(t, "Permission 'secretmanager.secrets.getIamPolicy' denied on resource 'projects/demo/secrets/db' (or resource may not exist).", dig(answer, "error", "message"))
	require.Equal(t, "IAM_PERMISSION_DENIED", dig(answer, "error", "details").([]any)[0].(object)["reason"])
	s.GrantPermission("secretmanager.secrets.getIamPolicy")
	for _, granted := range []bool{true, false} {
		code, answer = do(t, s, "GET", "/v1/projects/demo/secrets/db:getIamPolicy", nil)
		require.Equal(t, 200, code)
		require.Equal(t, granted, answer["bindings"] != nil)
		s.DenyPermission("secretmanager.versions.access")
	}
	code, answer = do(t, s, "POST", "/v1/projects/demo:getIamPolicy", object{})
	require.Equal(t, 200, code)
	require.NotEmpty(t, answer["etag"])
	for _, nowhere := range []string{"/v1/projects/demo:undelete", "/v1/projects/-/serviceAccounts/x:disable", "/v1/projects/demo/secrets/db:destroy"} {
		resp, err := s.Client().Post(s.URL+nowhere, "application/json", strings.NewReader("{}"))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 404, resp.StatusCode, nowhere)
	}
}

// The caller must be allowed to read the images of a Service.
func TestImagesMustBeReadable(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer(cloudruntest.WithoutPermission("artifactregistry.repositories.downloadArtifacts"))
	t.Cleanup(s.Close)
	code, answer := do(t, s, "POST", demo+"/services", minimal("hello"))
	require.Equal(t, 403, code)
	require.True(t, strings.HasPrefix(dig(answer, "error", "message").(string), "User must have permission to read the image, "), answer)
}
