package cloudrun_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/googleapi"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

func TestConcurrentPolicyWritersAllSurvive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newIAMFake(fullPolicy)
		fake.latency = 50 * time.Millisecond // so that all read before the first one writes
		client := fake.client(t)
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if err := cloudrun.AddMember(t.Context(), client, "hello", invoker, fmt.Sprintf("user:u%d@example.com", i)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			if err := cloudrun.RemoveMember(t.Context(), client, "hello", "roles/run.admin", "group:ops@example.com"); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		p, err := client.GetPolicy(t.Context(), "hello")
		require.NoError(t, err)
		require.Len(t, p.Bindings, 2)
		require.Equal(t, []string{ann}, p.Bindings[0].Members)
		require.Len(t, p.Bindings[1].Members, 11)
		require.Len(t, fake.sent, 11, "each writer wrote once")
		require.GreaterOrEqual(t, fake.conflicts, 10)
	})
}

// TestPolicyWriteUnderFaults runs one call against a fault of its first
// setIamPolicy request. The call succeeds, and exactly one write takes effect.
func TestPolicyWriteUnderFaults(t *testing.T) {
	other := func(f *iamFake) { f.edit(`{"role": "roles/run.viewer", "members": ["user:other@example.com"]}`) }
	faults := map[string]struct {
		fault   fault
		another bool // whether the policy must contain the binding of another writer
	}{
		"another writer came first":            {fault{before: other}, true},
		"reset before the effect":              {fault: fault{reset: true}},
		"reset after the effect":               {fault: fault{effect: true, reset: true}},
		"reset before, then another writer":    {fault{reset: true, after: other}, true},
		"reset after, then another writer":     {fault{effect: true, reset: true, after: other}, true},
		"503 before the effect":                {fault: fault{status: 503}},
		"503 after the effect":                 {fault: fault{effect: true, status: 503}},
		"429 with Retry-After":                 {fault: fault{status: 429, header: http.Header{"Retry-After": {"7"}}}},
		"half an answer":                       {fault: fault{effect: true, status: 200, body: `{"bindings": [`}},
		"a proxy's page with 200, no effect":   {fault: fault{status: 200, body: "<html>hello</html>", header: http.Header{"Content-Type": {"text/html"}}}},
		"a proxy's page with 502 after effect": {fault: fault{effect: true, status: 502, body: "<html>bad</html>", header: http.Header{"Content-Type": {"text/html"}}}},
	}
	calls := map[string]func(context.Context, *cloudrun.Client) error{
		"add": add(invoker, "user:new@example.com"), "remove": remove(invoker, "user:bob@example.com"), "private": makePrivate, "public": makePublic,
	}
	for faultName, tc := range faults {
		for callName, call := range calls {
			t.Run(callName+"/"+faultName, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					before := fullPolicy
					if callName == "private" {
						before = strings.Replace(before, "user:bob@example.com", "allUsers", 1)
					}
					undisturbed := newIAMFake(before)
					require.NoError(t, call(t.Context(), undisturbed.client(t)))
					fake := newIAMFake(before)
					fake.faults = map[string][]fault{"setIamPolicy": {tc.fault}}
					require.NoError(t, call(t.Context(), fake.client(t)))

					want := undisturbed.bindings()
					if tc.another {
						want = append(want, map[string]any{"role": "roles/run.viewer", "members": []any{"user:other@example.com"}})
					}
					require.ElementsMatch(t, want, fake.bindings())
					require.Len(t, fake.sent, 1, "one write took effect")
				})
			})
		}
	}
}

func TestPolicyErrors(t *testing.T) {
	denied := `{"error": {"code": 403, "message": "Permission 'run.services.%s' denied on resource 'projects/demo/locations/us-central1/services/hello' (or resource may not exist).", "status": "PERMISSION_DENIED"}}`
	orgPolicy := `{"error": {"code": 400, "message": "One or more users named in the policy do not belong to a permitted customer,  perhaps due to an organization policy.", "status": "FAILED_PRECONDITION"%s}}`
	cases := map[string]struct {
		get, set fault
		check    func(*testing.T, error)
	}{
		"may not read": {get: fault{status: 403, body: fmt.Sprintf(denied, "getIamPolicy")}, check: wantPermission("run.services.getIamPolicy")},
		"may not set":  {set: fault{status: 403, body: fmt.Sprintf(denied, "setIamPolicy")}, check: wantPermission("run.services.setIamPolicy")},
		"may not set, says no more": {set: fault{status: 403, body: `{"error": {"code": 403, "message": "denied", "status": "PERMISSION_DENIED"}}`},
			check: wantPermission("run.services.setIamPolicy")},
		"may not set for want of another permission": {set: fault{status: 403, body: `{"error": {"code": 403, "message": "denied", "status": "PERMISSION_DENIED", "details": [
				{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "IAM_PERMISSION_DENIED", "domain": "iam.googleapis.com", "metadata": {"permission": "iam.x.y"}}]}}`},
			check: wantPermission("iam.x.y")},
		"the API is not enabled": {get: fault{status: 403, body: `{"error": {"code": 403, "message": "Cloud Run Admin API has not been used in project demo before or it is disabled.", "status": "PERMISSION_DENIED", "details": [
				{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED", "domain": "googleapis.com", "metadata": {"service": "run.googleapis.com"}}]}}`},
			check: func(t *testing.T, err error) {
				var missing *cloudrun.PermissionError
				require.NotErrorAs(t, err, &missing)
				require.True(t, apierrors.IsForbidden(err))
			}},
		"an organisation policy": {set: fault{status: 400, body: fmt.Sprintf(orgPolicy, "")}, check: wantOrgPolicy},
		"an organization policy in the details": {set: fault{status: 400, body: fmt.Sprintf(strings.NewReplacer("permitted customer", "…", "organization", "…").Replace(orgPolicy), `, "details": [
				{"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": [{"type": "constraints/iam.allowedPolicyMemberDomains", "description": "User allUsers is not in permitted organization."}]}]`)}, check: wantOrgPolicy},
		"a managed constraint": {set: fault{status: 400, body: `{"error": {"code": 400, "message": "Operation denied by org policy on resource 'x'.", "status": "FAILED_PRECONDITION", "details": [
				{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "CUSTOM_ORG_POLICY_VIOLATION", "domain": "googleapis.com", "metadata": {"customConstraints": "constraints/iam.managed.allowedPolicyMembers"}}]}}`}, check: wantOrgPolicy},
		"another 400": {set: fault{status: 400, body: `{"error": {"code": 400, "message": "Role roles/run.invoker is not supported for this resource.", "status": "INVALID_ARGUMENT"}}`},
			check: func(t *testing.T, err error) {
				var forbidden *cloudrun.OrgPolicyError
				require.NotErrorAs(t, err, &forbidden)
				require.True(t, apierrors.IsBadRequest(err))
			}},
		"no such service": {get: fault{status: 404, body: `{"error": {"code": 404, "message": "Resource 'hello' of kind 'SERVICE' in region 'us-central1' in project 'demo' does not exist.", "status": "NOT_FOUND"}}`},
			check: func(t *testing.T, err error) {
				require.True(t, apierrors.IsNotFound(err))
				require.NotErrorIs(t, err, cloudrun.ErrNotAPI)
			}},
		"a 404 page": {get: fault{status: 404, body: "<html>404</html>", header: http.Header{"Content-Type": {"text/html"}}},
			check: func(t *testing.T, err error) {
				require.ErrorIs(t, err, cloudrun.ErrNotAPI)
				require.False(t, apierrors.IsNotFound(err))
			}},
		"a 403 page": {set: fault{status: 403, body: "<html>403</html>", header: http.Header{"Content-Type": {"text/html"}}},
			check: func(t *testing.T, err error) {
				var missing *cloudrun.PermissionError
				require.ErrorIs(t, err, cloudrun.ErrNotAPI)
				require.NotErrorAs(t, err, &missing)
			}},
		"a policy that is none": {get: fault{status: 200, body: `["bindings"]`}, check: func(t *testing.T, err error) {
			require.ErrorContains(t, err, "get IAM policy projects/demo/locations/us-central1/services/hello: read the response")
		}},
		"bindings of the wrong type": {get: fault{status: 200, body: `{"bindings": {"role": 1}}`}, check: func(t *testing.T, err error) {
			require.ErrorContains(t, err, "read the response")
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := newIAMFake(fullPolicy)
				fake.faults = map[string][]fault{}
				if tc.get.status != 0 {
					fake.faults["getIamPolicy"] = []fault{tc.get}
				}
				if tc.set.status != 0 {
					fake.faults["setIamPolicy"] = []fault{tc.set}
				}
				err := cloudrun.MakePublic(t.Context(), fake.client(t), "hello")
				require.Error(t, err)
				tc.check(t, err)
				require.Empty(t, fake.sent)
			})
		})
	}
}

func wantPermission(permission string) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		var missing *cloudrun.PermissionError
		require.ErrorAs(t, err, &missing)
		require.Equal(t, permission, missing.Permission)
		require.Equal(t, "projects/demo/locations/us-central1/services/hello", missing.Resource)
		require.True(t, apierrors.IsForbidden(err))
		var api *googleapi.Error
		require.ErrorAs(t, err, &api)
	}
}

func wantOrgPolicy(t *testing.T, err error) {
	var forbidden *cloudrun.OrgPolicyError
	require.ErrorAs(t, err, &forbidden)
	require.Equal(t, []string{"allUsers"}, forbidden.Members)
	require.Equal(t, "projects/demo/locations/us-central1/services/hello", forbidden.Resource)
}

func TestPolicyConflictsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newIAMFake(fullPolicy)
		for range 1000 {
			fake.faults["setIamPolicy"] = append(fake.faults["setIamPolicy"], fault{before: (*iamFake).touch})
		}
		start := time.Now()
		err := cloudrun.MakePublic(t.Context(), fake.client(t), "hello")
		require.True(t, apierrors.IsConflict(err), err)
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
		require.Empty(t, fake.sent)
		require.Less(t, fake.conflicts, 200, "with growing pauses")
		require.Less(t, time.Since(start), 5*time.Minute)
	})
}

func TestPolicyEditErrors(t *testing.T) {
	t.Parallel()
	fake := newIAMFake(fullPolicy)
	client := fake.client(t)
	mine := errors.New("mine")
	err := client.UpdatePolicy(t.Context(), "hello", func(p *cloudrun.Policy) error { p.Bindings = nil; return mine })
	require.ErrorIs(t, err, mine)
	require.ErrorContains(t, client.UpdatePolicy(t.Context(), "hello", nil), "the edit is nil")
	require.Empty(t, fake.sent)
}

func TestPolicyCancellation(t *testing.T) {
	later := http.Header{"Retry-After": {"60"}}
	for name, tc := range map[string]struct {
		faults map[string][]fault
		want   cloudrun.WriteOutcome
	}{
		"while reading":           {map[string][]fault{"getIamPolicy": {{hang: true}}}, cloudrun.NotWritten},
		"while writing":           {map[string][]fault{"setIamPolicy": {{hang: true}}}, cloudrun.WriteUnknown},
		"between two reads":       {map[string][]fault{"getIamPolicy": {{status: 503, header: later}}}, cloudrun.NotWritten},
		"between two writes":      {map[string][]fault{"setIamPolicy": {{status: 429, header: later}}}, cloudrun.WriteUnknown}, // it may have been delivered twice,
		"after a lost answer":     {map[string][]fault{"setIamPolicy": {{status: 503, header: later}}}, cloudrun.WriteUnknown},
		"while reading back":      {map[string][]fault{"setIamPolicy": {{reset: true}}, "getIamPolicy": {{effect: true}, {hang: true}}}, cloudrun.WriteUnknown},
		"while fighting a writer": {map[string][]fault{"setIamPolicy": {{before: (*iamFake).touch}, {hang: true}}}, cloudrun.WriteUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := newIAMFake(fullPolicy)
				fake.faults = tc.faults
				err := cancelled(t, func(ctx context.Context) error { return makePublic(ctx, fake.client(t)) })
				var failed *cloudrun.DeployError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, tc.want, failed.Outcome, err)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		fake := newIAMFake(fullPolicy)
		fake.faults["testIamPermissions"] = []fault{{hang: true}}
		_ = cancelled(t, func(ctx context.Context) error {
			_, err := fake.client(t).TestPermissions(ctx, "hello", "run.services.get")
			return err
		})
	})
}

// cancelled cancels a call and checks that it returns at once.
func cancelled(t *testing.T, call func(context.Context) error) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(10*time.Second, cancel).Stop()
	start := time.Now()
	err := call(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 10*time.Second, time.Since(start))
	return err
}

// TestPolicyRefusedAfterALostAnswer checks that a lost write may have taken effect even if a later one was refused.
func TestPolicyRefusedAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newIAMFake(fullPolicy)
		denied := fault{status: 403, body: `{"error": {"code": 403, "message": "denied", "status": "PERMISSION_DENIED"}}`}
		fake.faults["setIamPolicy"] = append([]fault{{reset: true}}, slices.Repeat([]fault{denied}, 50)...) // longer than a server takes to start
		err := makePublic(t.Context(), fake.client(t))
		wantPermission("run.services.setIamPolicy")(t, err)
		require.ErrorContains(t, err, "after the response to an earlier write was lost: set IAM policy")
		var failed *cloudrun.DeployError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, cloudrun.WriteUnknown, failed.Outcome)
	})
}

// The service agent of Identity-Aware Proxy is created on first use. IAM refuses
// it until then.
func TestDeployWaitsForTheAccountOfIAP(t *testing.T) {
	const refusal = `{"error": {"code": 400, "status": "INVALID_ARGUMENT",
		"message": "Service account service-123456789012@gcp-sa-iap.iam.gserviceaccount.com does not exist."}}`
	for name, tc := range map[string]struct {
		times int
		iap   bool
		fails bool
	}{
		"until it is there":   {4, true, false},
		"but not for ever":    {-1, true, true},
		"for no other member": {1, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				s.Fault(cloudruntest.Fault{Path: ":setIamPolicy", Status: 400, Body: refusal, Times: tc.times})
				opts := []cloudrun.DeployOption{cloudrun.WithImage(image), cloudrun.WithPublicAccess()}
				if tc.iap {
					opts = append(opts, cloudrun.WithIAP(true))
				}
				start := time.Now()
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", opts...)
				require.Less(t, time.Since(start), 4*time.Minute)
				if tc.fails {
					require.ErrorContains(t, err, "does not exist")
					return
				}
				require.NoError(t, err)
				require.Contains(t, string(s.Policy("demo", "hello")), "gcp-sa-iap.iam.gserviceaccount.com")
			})
		})
	}
}
