package denial_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/denial"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

func answered(a rest.Answer) error {
	return fmt.Errorf("call: %w", &rest.Error{Permission: "needed.by.call", Answer: &a})
}

func info(reason string, metadata map[string]any) []any {
	return []any{map[string]any{"@type": "type.googleapis.com/google.rpc.Help"},
		map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata}}
}

func TestOf(t *testing.T) {
	t.Parallel()
	google := func(message string) error {
		return answered(rest.Answer{StatusCode: 403, GoogleStatus: "PERMISSION_DENIED", Message: message})
	}
	kubernetes := func(message string) error {
		return answered(rest.Answer{StatusCode: 403, Reason: "Forbidden", Message: message})
	}
	permission := func(name string) *denial.Denial { return &denial.Denial{Permission: name} }
	for name, tc := range map[string]struct {
		err  error
		want *denial.Denial // nil: no permission is missing
	}{
		"in the message":                {google("Permission 'run.services.setIamPolicy' denied on resource 'namespaces/p/services/s' (or resource may not exist)."), permission("run.services.setIamPolicy")},
		"in the message, bare":          {google("missing permission run.services.get."), permission("run.services.get")},
		"after another word":            {google("permission denied: permission 'iam.serviceAccounts.actAs' is needed"), permission("iam.serviceAccounts.actAs")},
		"in the details":                {answered(rest.Answer{StatusCode: 403, Details: info("IAM_PERMISSION_DENIED", map[string]any{"permission": "run.services.create"})}), permission("run.services.create")},
		"nowhere":                       {google("The caller does not have permission"), permission("needed.by.call")},
		"nowhere but in the status":     {google("no"), permission("needed.by.call")},
		"an escape in the name":         {answered(rest.Answer{StatusCode: 403, Details: info("IAM_PERMISSION_DENIED", map[string]any{"permission": "run.\x1b[31mservices"})}), permission("run. [31mservices")},
		"letters that change in length": {google("İİİİ permission 'run.services.get'"), permission("run.services.get")},
		"a service account": {google("Permission 'iam.serviceaccounts.actAs' denied on service account 1-compute@developer.gserviceaccount.com (or it may not exist)."),
			&denial.Denial{Permission: "iam.serviceAccounts.actAs", Resource: "projects/-/serviceAccounts/1-compute@developer.gserviceaccount.com"}},
		"the agent": {google("Google Cloud Run Service Agent does not have permission to get access tokens for the service account run@p.iam.gserviceaccount.com. " +
			"Please give service-1@serverless-robot-prod.iam.gserviceaccount.com permission iam.serviceAccounts.getAccessToken on the service account."),
			&denial.Denial{Permission: "iam.serviceAccounts.getAccessToken", Resource: "projects/-/serviceAccounts/run@p.iam.gserviceaccount.com",
				Principal: "serviceAccount:service-1@serverless-robot-prod.iam.gserviceaccount.com"}},
		"an image": {google("User must have permission to read the image, us-docker.pkg.dev/q/r/a:latest. Ensure that the provided container image URL is correct."),
			&denial.Denial{Permission: "artifactregistry.repositories.downloadArtifacts", Resource: "projects/q/locations/us/repositories/r"}},
		"an image, with what the registry says": {google(`User must have permission to read the image, us-docker.pkg.dev/q/r/a:latest. Cause: 403 Forbidden GET https://us-docker.pkg.dev/v2/q/r/a/manifests/latest ` +
			`{"errors":[{"code":"DENIED","message":"Permission \"artifactregistry.repositories.downloadArtifacts\" denied on resource \"projects/q/locations/us/repositories/other\" (or it may not exist)"}]}`),
			&denial.Denial{Permission: "artifactregistry.repositories.downloadArtifacts", Resource: "projects/q/locations/us/repositories/other"}},
		"an image, for the agent": {google("Google Cloud Run Service Agent service-1@serverless-robot-prod.iam.gserviceaccount.com must have permission to read the image, docker.io/library/x."),
			&denial.Denial{Permission: "artifactregistry.repositories.downloadArtifacts", Resource: "docker.io/library/x", Principal: "serviceAccount:service-1@serverless-robot-prod.iam.gserviceaccount.com"}},
		"the quota project": {answered(rest.Answer{StatusCode: 403, Message: "Caller does not have required permission to use project q.",
			Details: info("USER_PROJECT_DENIED", map[string]any{"consumer": "projects/q", "service": "run.googleapis.com"})}),
			&denial.Denial{Permission: "serviceusage.services.use", Resource: "projects/q"}},
		"RBAC": {kubernetes(`services.serving.knative.dev "hello" is forbidden: User "system:serviceaccount:ci:bot" cannot get resource "services" in API group "serving.knative.dev" in the namespace "default"`),
			&denial.Denial{Permission: "get services.serving.knative.dev", Principal: "system:serviceaccount:ci:bot"}},
		"RBAC, a list": {kubernetes(`services.serving.knative.dev is forbidden: User "ann" cannot list resource "services" in API group "serving.knative.dev" in the namespace "default"`),
			&denial.Denial{Permission: "list services.serving.knative.dev", Principal: "ann"}},
		"a quota of Kubernetes":   {kubernetes(`services.serving.knative.dev "hello" is forbidden: exceeded quota: q, requested: services=1`), nil},
		"a proxy":                 {answered(rest.Answer{StatusCode: 403, Message: "blocked by the proxy"}), nil},
		"a perimeter":             {answered(rest.Answer{StatusCode: 403, GoogleStatus: "PERMISSION_DENIED", Message: "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x"}), nil},
		"an API that is off":      {answered(rest.Answer{StatusCode: 403, Details: info("SERVICE_DISABLED", nil)}), nil},
		"scopes":                  {answered(rest.Answer{StatusCode: 403, GoogleStatus: "PERMISSION_DENIED", Details: info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", nil)}), nil},
		"another status":          {answered(rest.Answer{StatusCode: 401, Message: "Permission 'run.services.get' denied"}), nil},
		"not an API's answer":     {answered(rest.Answer{StatusCode: 403, Message: "permission", NotAPI: true}), nil},
		"an error of no request":  {errors.New("Permission 'run.services.get' denied"), nil},
		"a name that is too long": {google("denied on service account " + strings.Repeat("a", 1000)), permission("needed.by.call")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, missing := denial.Of(tc.err)
			require.Equal(t, tc.want != nil, missing)
			if missing {
				require.Equal(t, *tc.want, got)
			}
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
