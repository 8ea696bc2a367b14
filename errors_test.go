package cloudrun_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/googleapi"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun"
)

// errorsClient returns a Client whose requests all get the same response.
func errorsClient(t *testing.T, status int, header http.Header, body string) *cloudrun.Client {
	t.Helper()
	r := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
		a := endpointAnswer(req, status, "application/json", body)
		for k, v := range header {
			a.Header[k] = v
		}
		return a, nil
	}}
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
	require.NoError(t, err)
	return c
}

// The predicates of Kubernetes and the error type of Google's libraries work on
// the errors of both kinds of server.
func TestErrorsOfTheServer(t *testing.T) {
	t.Parallel()
	google := func(code, status string) string {
		return `{"error": {"code": ` + code + `, "message": "what Google says", "status": "` + status + `"}}`
	}
	kubernetes := func(code, reason string) string {
		return `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "what Kubernetes says", "reason": "` + reason + `", "code": ` + code + `}`
	}
	for name, tc := range map[string]struct {
		status int
		body   string
		is     func(error) bool
		says   string
	}{
		"google not found":        {404, google("404", "NOT_FOUND"), apierrors.IsNotFound, "HTTP 404 NOT_FOUND: what Google says"},
		"google conflict":         {409, google("409", "ABORTED"), apierrors.IsConflict, "HTTP 409 ABORTED"},
		"google exists":           {409, google("409", "ALREADY_EXISTS"), apierrors.IsAlreadyExists, "what Google says"},
		"google forbidden":        {403, google("403", "PERMISSION_DENIED"), apierrors.IsForbidden, "PERMISSION_DENIED"},
		"google unauthorized":     {401, google("401", "UNAUTHENTICATED"), apierrors.IsUnauthorized, "what Google says"},
		"google invalid":          {400, google("400", "INVALID_ARGUMENT"), apierrors.IsBadRequest, "what Google says"},
		"kubernetes not found":    {404, kubernetes("404", "NotFound"), apierrors.IsNotFound, "HTTP 404: what Kubernetes says"},
		"kubernetes conflict":     {409, kubernetes("409", "Conflict"), apierrors.IsConflict, "what Kubernetes says"},
		"kubernetes exists":       {409, kubernetes("409", "AlreadyExists"), apierrors.IsAlreadyExists, "what Kubernetes says"},
		"kubernetes forbidden":    {403, kubernetes("403", "Forbidden"), apierrors.IsForbidden, "what Kubernetes says"},
		"kubernetes unauthorized": {401, kubernetes("401", "Unauthorized"), apierrors.IsUnauthorized, "what Kubernetes says"},
		"kubernetes invalid":      {422, kubernetes("422", "Invalid"), apierrors.IsInvalid, "what Kubernetes says"},
		"kubernetes bad request":  {400, kubernetes("400", "BadRequest"), apierrors.IsBadRequest, "what Kubernetes says"},
		"no body":                 {403, ``, apierrors.IsForbidden, "HTTP 403"},
		"plain text":              {400, `bad gateway name`, apierrors.IsBadRequest, "HTTP 400: bad gateway name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := errorsClient(t, tc.status, nil, tc.body)
			_, err := c.GetService(t.Context(), "hello")
			require.True(t, tc.is(err), err)
			require.ErrorContains(t, err, "get service projects/demo/locations/us-central1/services/hello: ")
			require.ErrorContains(t, err, tc.says)
			var api *googleapi.Error
			require.ErrorAs(t, err, &api)
			require.Equal(t, tc.status, api.Code)
			require.Equal(t, tc.body, api.Body)
			var ours *cloudrun.APIError
			require.ErrorAs(t, err, &ours)
			require.Equal(t, tc.status, ours.StatusCode())
			require.NotErrorIs(t, err, cloudrun.ErrNotAPI)
		})
	}
}

// An APIError that a program builds itself, for a fake, works like a real one.
func TestAPIErrorsOfPrograms(t *testing.T) {
	t.Parallel()
	zero := &cloudrun.APIError{}
	require.NotEmpty(t, zero.Error())
	require.Zero(t, zero.StatusCode())
	require.NoError(t, zero.Unwrap())
	require.NotErrorIs(t, zero, cloudrun.ErrNotAPI)
	require.False(t, apierrors.IsNotFound(zero))
	require.NotErrorAs(t, error(zero), new(*googleapi.Error))

	missing := &cloudrun.APIError{Op: "get service", Resource: "services/hello", Reason: metav1.StatusReasonNotFound}
	require.EqualError(t, missing, "get service services/hello: NotFound")
	require.True(t, apierrors.IsNotFound(fmt.Errorf("wrapped: %w", missing)))
}

func TestErrorsNameTheFieldsAtFault(t *testing.T) {
	t.Parallel()
	want := []cloudrun.FieldViolation{{Field: "spec.template.spec.containers[0].image", Description: "image not found"}, {Field: "spec.x", Description: "no"}}
	for name, body := range map[string]string{
		"google": `{"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT", "details": [{"@type": "type.googleapis.com/google.rpc.Help"}, 7,
			{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [
			{"field": "spec.template.spec.containers[0].image", "description": "image not found"}, {"field": "spec.x", "description": "no"}]}]}}`,
		"kubernetes": `{"kind": "Status", "message": "bad", "reason": "Invalid", "details": {"causes": [
			{"field": "spec.template.spec.containers[0].image", "message": "image not found"}, {"field": "spec.x", "message": "no"}]}}`,
	} {
		_, err := errorsClient(t, 400, nil, body).GetService(t.Context(), "hello")
		var api *cloudrun.APIError
		require.ErrorAs(t, err, &api, name)
		require.Equal(t, want, api.Violations)
		require.ErrorContains(t, err, "spec.template.spec.containers[0].image: image not found")
	}
}

// Texts from a server end up on terminals and in logs.
func TestErrorsAreSafeToPrint(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"error": {"code": 400, "message": "a\u001b[31mred\u0000\u202e\u2028\nnext` + strings.Repeat("x", 10_000) + `", "status": "S\u001b"}}`,
		`{"kind": "Status", "message": "a\u001b[31mred\r\n", "reason": "R\u001b", "details": {"causes": [{"field": "f\u001b", "message": "m\u001b"}]}}`,
		"plain \x1b[31m \xff\xfe " + strings.Repeat("x", 10_000),
	} {
		_, err := errorsClient(t, 400, nil, body).GetService(t.Context(), "hello")
		require.Error(t, err)
		require.NotRegexp(t, `[\x00-\x1f\x7f\x{202e}\x{2028}]`, err.Error())
		require.Less(t, len(err.Error()), 6000)
		require.Equal(t, strings.ToValidUTF8(err.Error(), "!"), err.Error())
	}
}

func TestErrorsTellWhenToComeBack(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		const plain = `{"error": {"code": 403, "status": "PERMISSION_DENIED"}}` // is not retried
		for name, tc := range map[string]struct {
			header, body string
			want         time.Duration
		}{
			"seconds":    {"120", plain, 2 * time.Minute},
			"date":       {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), plain, time.Hour},
			"past":       {time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), plain, 0},
			"negative":   {"-5", plain, 0},
			"absurd":     {"99999999999", plain, 24 * time.Hour},
			"nonsense":   {"soon", plain, 0},
			"none":       {"", plain, 0},
			"kubernetes": {"", `{"kind": "Status", "details": {"retryAfterSeconds": 9}}`, 9 * time.Second},
		} {
			_, err := errorsClient(t, 403, http.Header{"Retry-After": {tc.header}}, tc.body).GetService(t.Context(), "hello")
			var api *cloudrun.APIError
			require.ErrorAs(t, err, &api)
			require.InDelta(t, tc.want.Seconds(), api.RetryAfter.Seconds(), 1, name)
		}
	})
}

// Each error says what was attempted, on what and why, and unwraps to its cause.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	last := &cloudrun.Condition{Type: "Ready", Status: corev1.ConditionUnknown, Reason: "Deploying", Message: "still at it"}
	cause := errors.New("cause")
	for want, err := range map[string]error{
		`service "hello" was not ready after 3s: last seen Ready=Unknown (Deploying: still at it): last poll failed: cause; it goes on: wait with WaitReady and WithGeneration(4)`: &cloudrun.TimeoutError{
			Service: "hello", Generation: 4, Waited: 3 * time.Second, Last: last, Err: context.DeadlineExceeded, LastErr: cause},
		`service "hello" was not gone after 3s; the wait was canceled; the deletion goes on: delete the service again to wait for it`: &cloudrun.TimeoutError{Service: "hello", Deletion: true, Waited: 3 * time.Second, Err: context.Canceled},
		`service "hello" is not ready: revision "r" failed: ConfigurationsReady RevisionFailed: no port (log: https://log)`:           &cloudrun.NotReadyError{Service: "hello", Revision: "r", Condition: "ConfigurationsReady", Reason: "RevisionFailed", Message: "no port", LogURL: "https://log"},
		`service "hello" was changed by ann while waiting: generation 5 replaced generation 4 before that became ready`:               &cloudrun.OvertakenError{Service: "hello", Generation: 4, Newer: 5, By: "ann"},
		`deploy service "hello": cause (failed while writing; it is unknown whether the change was written)`:                          &cloudrun.DeployError{Op: "deploy service", Service: "hello", Stage: cloudrun.StageWrite, Outcome: cloudrun.WriteUnknown, Err: cause},
		`service "hello" was not ready after 3s, but the traffic still goes to a=100 instead of b=100; it goes on: the traffic of the service shows when it has moved`: &cloudrun.TimeoutError{
			Service: "hello", Waited: 3 * time.Second, Traffic: "a=100", WantTraffic: "b=100", Err: context.DeadlineExceeded},
		"deploy service \"hello\": a (failed while waiting; the change was written)\ndeploy service \"hello\": b (failed while waiting; the change was written)": &cloudrun.DeployError{
			Op: "deploy service", Service: "hello", Stage: cloudrun.StageWait, Outcome: cloudrun.Written, Err: errors.Join(errors.New("a"), errors.New("b"))},
		`deploy service "hello": cause`: &cloudrun.DeployError{Op: "deploy service", Service: "hello", Stage: cloudrun.StageOptions, Err: cause},
		`permission p is missing on r for the account in use: grant it a role that has the permission: cause`: &cloudrun.PermissionError{Permission: "p", Resource: "r", Err: cause},
		`a permission is missing on r for user:a@b: grant it roles/x`:                                         &cloudrun.PermissionError{Resource: "r", Principal: "user:a@b", Role: "roles/x"},
		`permission p is missing on r for user:a@b: grant it roles/x with "gcloud x": cause`:                  &cloudrun.PermissionError{Permission: "p", Resource: "r", Principal: "user:a@b", Role: "roles/x", Command: "gcloud x", Err: cause},
		`WithA() contradicts WithB(): both`:                                                                   &cloudrun.OptionError{Option: "WithA()", Conflict: "WithB()", Reason: "both"},
	} {
		require.EqualError(t, err, want)
	}
	timeout := &cloudrun.TimeoutError{Err: context.Canceled, LastErr: cause}
	require.ErrorIs(t, timeout, context.Canceled)
	require.ErrorIs(t, timeout, cause)
	require.Equal(t, "not written", cloudrun.NotWritten.String())
	require.Equal(t, "written", cloudrun.Written.String())
}
