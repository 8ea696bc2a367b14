package cloudrun_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// notPolicies are responses with status 200 that are not the policy of a Service.
var notPolicies = map[string]string{
	"an empty object":           `{}`,
	"null":                      `null`,
	"a list":                    `[]`,
	"a text":                    `"policy"`,
	"a version alone":           `{"version": 1}`,
	"a Kubernetes Status":       `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403}`,
	"a Google error":            `{"error": {"code": 403, "message": "denied", "status": "PERMISSION_DENIED"}}`,
	"a wrapped policy":          `{"policy": ` + fullPolicy + `}`,
	"an empty etag":             `{"etag": "", "bindings": []}`,
	"names in another case":     `{"Etag": "e", "Bindings": []}`,
	"a Service":                 `{"kind": "Service", "metadata": {"name": "hello"}, "etag": "e"}`,
	"bindings of another type":  `{"etag": "e", "bindings": {"role": "r"}}`,
	"bindings that are no ones": `{"etag": "e", "bindings": [{}]}`,
}

// policyCalls are the calls that change a policy.
var policyCalls = map[string]func(context.Context, *cloudrun.Client) error{
	"public": makePublic, "private": makePrivate,
	"add": add(invoker, "user:new@example.com"), "remove": remove(invoker, "user:bob@example.com"),
	"update": updatePolicy(func(p *cloudrun.Policy) error { p.Add("roles/run.viewer", ann, nil); return nil }),
}

// A response to getIamPolicy that is not a policy is neither edited and written
// nor read as a policy without bindings.
func TestWhatIsNoPolicyIsNeverWritten(t *testing.T) {
	t.Parallel()
	for answer, body := range notPolicies {
		read := func() *iamFake {
			fake := newIAMFake(fullPolicy)
			fake.faults["getIamPolicy"] = []fault{{status: http.StatusOK, body: body}}
			return fake
		}
		for name, call := range policyCalls {
			fake := read()
			err := call(t.Context(), fake.client(t))
			var failed *cloudrun.DeployError
			require.ErrorAs(t, err, &failed, "%s: %s", name, answer)
			require.Equal(t, cloudrun.StageRead, failed.Stage, "%s: %s", name, answer)
			require.Equal(t, cloudrun.NotWritten, failed.Outcome, "%s: %s", name, answer)
			require.ErrorIs(t, err, cloudrun.ErrNotAPI)
			require.ErrorContains(t, err, "get IAM policy projects/demo/locations/us-central1/services/hello")
			require.ErrorContains(t, err, "not an IAM policy")
			require.ErrorContains(t, err, "check the endpoint")
			require.Len(t, fake.requests, 1, "%s: %s", name, answer)
		}
		_, err := cloudrun.IsPublic(t.Context(), read().client(t), "hello")
		require.ErrorIs(t, err, cloudrun.ErrNotAPI, answer)
		_, err = read().client(t).GetPolicy(t.Context(), "hello")
		require.ErrorIs(t, err, cloudrun.ErrNotAPI, answer)
	}
}

// A policy that lacks only its etag can be read, but a write of it could not be conditional.
func TestPolicyWithoutEtagIsReadButNotWritten(t *testing.T) {
	t.Parallel()
	const unguarded = `{"version": 1, "bindings": [{"role": "roles/run.invoker", "members": ["allUsers", "user:bob@example.com"]}]}`
	public, err := cloudrun.IsPublic(t.Context(), newIAMFake(unguarded).client(t), "hello")
	require.NoError(t, err)
	require.True(t, public)
	for name, call := range policyCalls {
		fake := newIAMFake(unguarded)
		err := call(t.Context(), fake.client(t))
		require.ErrorContains(t, err, "the IAM policy has no etag", name)
		require.ErrorContains(t, err, "nothing was written", name)
		require.Len(t, fake.requests, 1, name)
	}
}

// A Deploy reports a response that is not a policy, and keeps the policy.
func TestDeployKeepsAPolicyThatItCannotRead(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		s.Fault(cloudruntest.Fault{Path: ":getIamPolicy", Status: http.StatusOK, Body: `{}`})
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithPublicAccess())
		var failed *cloudrun.DeployError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, cloudrun.StagePublish, failed.Stage)
		require.ErrorContains(t, err, "not an IAM policy")
		require.JSONEq(t, `{"etag": "ACAB"}`, string(s.Policy("demo", "hello")))
	})
}

// An edit that replaces the whole policy does not lose the etag and what it cannot see.
func TestEditCannotDropTheEtag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newIAMFake(fullPolicy)
		require.NoError(t, fake.client(t).UpdatePolicy(t.Context(), "hello", func(p *cloudrun.Policy) error {
			*p = cloudrun.Policy{Bindings: append(p.Bindings, cloudrun.Binding{Role: "roles/run.viewer", Members: []string{ann}})}
			return nil
		}))
		require.Len(t, fake.sent, 1)
		sent, full := fields(t, fake.sent[0]), fields(t, fullPolicy)
		for _, key := range []string{"etag", "auditConfigs", "futureField"} {
			require.Equal(t, full[key], sent[key], key)
		}
	})
}

// A write counts only if the response is the policy that was written. After any
// other response the policy is read to find out, and one write takes effect.
func TestPolicyWriteIsNotBelievedUnread(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"the policy as it was":         fullPolicy,
		"the policy of another":        `{"etag": "BwOther=", "bindings": [{"role": "roles/run.invoker", "members": ["allUsers"]}]}`,
		"a policy without bindings":    `{"etag": "BwOther="}`,
		"a policy that lacks its etag": `{"version": 1, "bindings": [{"role": "roles/run.invoker", "members": ["allUsers", "user:new@example.com"]}]}`,
	}
	maps.Copy(answers, notPolicies)
	for answer, body := range answers {
		for name, call := range policyCalls {
			for _, effect := range []bool{true, false} {
				synctest.Test(t, func(t *testing.T) {
					before := fullPolicy
					if name == "private" {
						before = strings.Replace(before, `"user:bob@example.com"`, `"user:bob@example.com", "allUsers"`, 1)
					}
					undisturbed := newIAMFake(before)
					require.NoError(t, call(t.Context(), undisturbed.client(t)))
					fake := newIAMFake(before)
					fake.faults["setIamPolicy"] = []fault{{status: http.StatusOK, body: body, effect: effect}}
					require.NoError(t, call(t.Context(), fake.client(t)), "%s: %s", name, answer)
					require.Len(t, fake.sent, 1, "%s: %s", name, answer)
					require.ElementsMatch(t, undisturbed.bindings(), fake.bindings(), "%s: %s", name, answer)
				})
			}
		}
	}
}

// A proxy that echoes the request has written nothing.
func TestPolicyWriteThatIsEchoed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newIAMFake(`{"etag": "ACAB"}`)
		fake.faults["setIamPolicy"] = []fault{{status: http.StatusOK, body: `{"etag": "ACAB", "version": 3, "bindings": [{"role": "roles/run.invoker", "members": ["allUsers"]}]}`}}
		require.NoError(t, makePublic(t.Context(), fake.client(t)))
		require.Len(t, fake.sent, 1)
	})
}

// If no response ever shows the policy that was written, the outcome is unknown.
func TestPolicyWriteThatIsNeverConfirmed(t *testing.T) {
	t.Parallel()
	for answer, body := range notPolicies {
		synctest.Test(t, func(t *testing.T) {
			fake := newIAMFake(fullPolicy)
			for range 200 {
				fake.faults["setIamPolicy"] = append(fake.faults["setIamPolicy"], fault{status: http.StatusOK, body: body})
			}
			err := makePublic(t.Context(), fake.client(t))
			var failed *cloudrun.DeployError
			require.ErrorAs(t, err, &failed, answer)
			require.Equal(t, cloudrun.WriteUnknown, failed.Outcome, answer)
			require.ErrorContains(t, err, "set IAM policy projects/demo/locations/us-central1/services/hello: ")
			require.ErrorContains(t, err, "not an IAM policy")
		})
	}
}

// A response that does not list permissions does not mean that the account has none.
func TestPermissionsThatAreNone(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`{}`:                     {}, // what IAM answers if the account has none
		`{"permissions": []}`:    {},
		`{"permissions": ["b"]}`: {"b"},
		`null`:                   nil, `[]`: nil, `"a"`: nil, `{"permissions": null}`: nil, `{"permissions": {}}`: nil, `{"permissions": [1]}`: nil,
		`{"permissions": ["c"]}`: nil, `{"permissions": ["b", ""]}`: nil, `{"Permissions": ["b"]}`: nil, `{"etag": "ACAB"}`: nil,
		`{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403}`: nil, `{"error": {"code": 403}, "permissions": ["b"]}`: nil,
	} {
		fake := newIAMFake(fullPolicy)
		fake.faults["testIamPermissions"] = []fault{{status: http.StatusOK, body: body}}
		got, err := fake.client(t).TestPermissions(t.Context(), "hello", "a", "b")
		if want == nil {
			require.ErrorIs(t, err, cloudrun.ErrNotAPI, body)
			require.ErrorContains(t, err, "test IAM permissions on service projects/demo/locations/us-central1/services/hello: ")
			require.Nil(t, got)
			continue
		}
		require.NoError(t, err, body)
		require.ElementsMatch(t, want, got, body)
	}
}
