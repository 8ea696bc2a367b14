package remedy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/remedy"
)

const login = "gcloud auth application-default login"

func TestOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"vault: no such role": "",
		"google: could not find default credentials. See https://cloud.google.com/docs/authentication/external/set-up-adc for more information": "no credentials: run \"" + login,
		`oauth2: "invalid_grant" "reauth related error (invalid_rapt)" "https://support.google.com/a/answer/9368756"`:                           "they have expired: run \"" + login,
		`oauth2: "invalid_grant" "Token has been expired or revoked."`:                                                                          "they have expired: run \"" + login,
		`auth: "invalid_grant" "Bad Request"`: "no longer valid: run \"" + login,
		`oauth2: cannot fetch token: 400 Bad Request
Response: {"error":"invalid_grant","error_description":"Invalid JWT Signature."}`: "the key was deleted",
		`oauth2: cannot fetch token: 400 Bad Request
Response: {"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."}`: "the clock",
		`oauth2: "invalid_grant" "Invalid grant: account not found"`:                                                   "deleted or disabled",
		`impersonate: status code 403: {"error": {"code": 403, "status": "PERMISSION_DENIED"}}`:                        "roles/iam.serviceAccountTokenCreator",
		`oauth2/google: status code 403: Permission 'iam.serviceAccounts.getAccessToken' denied`:                       "roles/iam.serviceAccountTokenCreator",
		`impersonate: status code 404: {"error": {"code": 404, "status": "NOT_FOUND"}}`:                                "the name of the service account",
		`metadata: GCE metadata "instance/service-accounts/default/token" not defined`:                                 "has no service account",
		`Get "http://169.254.169.254/computeMetadata/v1/x": dial tcp 169.254.169.254:80: connect: network unreachable`: "the metadata server cannot be reached",
	} {
		got := remedy.Of(text)
		require.Contains(t, got, want, text)
		require.Equal(t, want == "", got == "", text)
	}
}

func TestEssence(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain": "plain",
		"oauth2: cannot fetch token: 400 Bad Request\nResponse: {\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT Signature.\"}": "oauth2: cannot fetch token: 400 Bad Request: invalid_grant: Invalid JWT Signature",
		"oauth2: cannot fetch token: \nResponse: {\"error\":\"invalid_grant\"}":                                                                 "oauth2: cannot fetch token: invalid_grant",
		"impersonate: status code 403: {\n \"error\": {\"code\": 403, \"message\": \"Permission denied.\"}\n}":                                  "impersonate: status code 403: Permission denied",
		`{"error": "invalid_grant"}`: "invalid_grant",
		"cut off: {\"error\": ":      "cut off: {\"error\": ",
		"other: {\"a\": 1}":          "other: {\"a\": 1}",
		"other: {\"error\": {}}":     "other: {\"error\": {}}",
	} {
		require.Equal(t, want, remedy.Essence(text), text)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	require.Equal(t, "vault: sealed: "+remedy.General, remedy.Explain("vault: sealed", remedy.General))
	require.Contains(t, remedy.Explain("compute: Received 404 ``", remedy.General), "compute: Received 404 ``: this machine has no service account")
}

func TestNext(t *testing.T) {
	t.Parallel()
	for want, wait := range map[string]remedy.Wait{
		"; it goes on: wait with WaitReady":                                                      {},
		"; it goes on: wait with WaitReady and WithGeneration(7)":                                {Generation: 7},
		"; the wait was canceled; it goes on: wait with WaitReady":                               {Canceled: true},
		"; it goes on: the traffic of the service shows when it has moved":                       {Moving: true, Generation: 7},
		"; the wait was canceled; the deletion goes on: delete the service again to wait for it": {Canceled: true, Deletion: true},
	} {
		require.Equal(t, want, wait.Next())
	}
}
