package apierror_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

func TestBodies(t *testing.T) {
	t.Parallel()
	named := apierror.Unprocessable("bad %s", "name")
	named.Kind, named.Name, named.Causes = "services", "x", []tree.Object{{"field": "metadata.name"}}
	tests := map[string]struct {
		err                *apierror.Error
		google, kubernetes string
	}{
		"invalid": {apierror.Invalid("bad %d", 7),
			`{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"bad 7"}}`,
			`{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","code":400,"reason":"BadRequest","message":"bad 7"}`},
		"precondition": {apierror.Precondition("not now"),
			`{"error":{"code":400,"status":"FAILED_PRECONDITION","message":"not now"}}`,
			`{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","code":400,"reason":"BadRequest","message":"not now"}`},
		"conflict": {apierror.Conflict("stale"),
			`{"error":{"code":409,"status":"ABORTED","message":"stale"}}`,
			`{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","code":409,"reason":"Conflict","message":"stale"}`},
		"exists": {apierror.Exists("there"),
			`{"error":{"code":409,"status":"ALREADY_EXISTS","message":"there"}}`,
			`{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","code":409,"reason":"AlreadyExists","message":"there"}`},
		"forbidden": {apierror.Forbidden("run.services.get", "r"),
			`{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Permission 'run.services.get' denied on resource 'r' (or resource may not exist)."}}`,
			`{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","code":403,"reason":"Forbidden","message":"Permission 'run.services.get' denied on resource 'r' (or resource may not exist)."}`},
		"violations": {apierror.Violations(apierror.Violation{Field: "a", Description: "b"}),
			`{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"a: b","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"a","description":"b"}]}]}}`,
			`{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","code":400,"reason":"BadRequest","message":"a: b"}`},
		"details": {named,
			`{"error":{"code":422,"status":"INVALID_ARGUMENT","message":"bad name"}}`,
			`{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","code":422,"reason":"Invalid","message":"bad name",
			  "details":{"name":"x","group":"serving.knative.dev","kind":"services","causes":[{"field":"metadata.name"}]}}`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kubernetes, want := range map[bool]string{false: tc.google, true: tc.kubernetes} {
				got, err := json.Marshal(tc.err.Body(kubernetes))
				require.NoError(t, err)
				require.JSONEq(t, want, string(got))
			}
			require.Contains(t, tc.err.Error(), tc.err.Message)
		})
	}
}

func TestSeveralViolationsHaveOneMessage(t *testing.T) {
	t.Parallel()
	e := apierror.Violations(apierror.Violation{Field: "a", Description: "b"}, apierror.Violation{Field: "c", Description: "d"})
	require.Equal(t, "The request has errors", e.Message)
}

func TestForStatus(t *testing.T) {
	t.Parallel()
	for code, status := range map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ABORTED",
		429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED", 418: "UNKNOWN",
	} {
		e := apierror.ForStatus(code)
		require.Equal(t, code, e.Code)
		require.Equal(t, status, e.Status)
		require.NotEmpty(t, e.Message)
	}
	require.Equal(t, http.StatusText(http.StatusTeapot), apierror.ForStatus(http.StatusTeapot).Message)
}
