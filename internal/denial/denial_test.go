package denial_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/denial"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

func answered(a rest.Answer) error { return fmt.Errorf("call: %w", &rest.Error{Answer: &a}) }

func info(reason string, metadata map[string]any) []any {
	return []any{map[string]any{"@type": "type.googleapis.com/google.rpc.Help"},
		map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata}}
}

func TestPermission(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want string // empty: no permission is missing
	}{
		"in the message":                {answered(rest.Answer{StatusCode: 403, Message: "Permission 'run.services.setIamPolicy' denied on resource"}), "run.services.setIamPolicy"},
		"in the message, bare":          {answered(rest.Answer{StatusCode: 403, Message: "missing permission run.services.get."}), "run.services.get"},
		"after another word":            {answered(rest.Answer{StatusCode: 403, Message: "permission denied: permission 'iam.serviceAccounts.actAs' is needed"}), "iam.serviceAccounts.actAs"},
		"in the details":                {answered(rest.Answer{StatusCode: 403, Details: info("IAM_PERMISSION_DENIED", map[string]any{"permission": "run.services.create"})}), "run.services.create"},
		"nowhere":                       {answered(rest.Answer{StatusCode: 403, Message: "The caller does not have permission"}), "needed.by.call"},
		"an escape in the name":         {answered(rest.Answer{StatusCode: 403, Details: info("IAM_PERMISSION_DENIED", map[string]any{"permission": "run.\x1b[31mservices"})}), "run. [31mservices"},
		"letters that change in length": {answered(rest.Answer{StatusCode: 403, Message: "İİİİ permission 'run.services.get'"}), "run.services.get"},
		"an API that is off":            {answered(rest.Answer{StatusCode: 403, Details: info("SERVICE_DISABLED", nil)}), ""},
		"another status":                {answered(rest.Answer{StatusCode: 401, Message: "Permission 'run.services.get' denied"}), ""},
		"not an API's answer":           {answered(rest.Answer{StatusCode: 403, NotAPI: true}), ""},
		"an error of no request":        {errors.New("Permission 'run.services.get' denied"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, missing := denial.Permission(tc.err, "needed.by.call")
			require.Equal(t, tc.want != "", missing)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestByOrganization(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer rest.Answer
		want   bool
	}{
		"domain restricted sharing": {rest.Answer{StatusCode: 400, Body: `{"error":{"message":"One or more users named in the policy do not belong to a permitted customer."}}`}, true},
		"a constraint":              {rest.Answer{StatusCode: 412, Body: `{"error":{"details":["constraints/iam.allowedPolicyMemberDomains"]}}`}, true},
		"another reason":            {rest.Answer{StatusCode: 400, Body: `{"error":{"message":"bad"}}`}, false},
		"another status":            {rest.Answer{StatusCode: 403, Body: "organization policy"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, denial.ByOrganization(answered(tc.answer)))
		})
	}
}

func TestUnknownMember(t *testing.T) {
	t.Parallel()
	require.True(t, denial.UnknownMember(answered(rest.Answer{StatusCode: 400, Message: "Service account x does not exist."})))
	require.False(t, denial.UnknownMember(answered(rest.Answer{StatusCode: 404, Message: "x does not exist."})))
	require.False(t, denial.UnknownMember(answered(rest.Answer{StatusCode: 400, Message: "bad member"})))
}
