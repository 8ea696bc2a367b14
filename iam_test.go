package cloudrun_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

const (
	invoker = "roles/run.invoker"
	ann     = "user:ann@example.com"
)

var untilThen = cloudrun.BindingCondition{Title: "t", Description: "d", Expression: `request.time < timestamp("2030-01-01T00:00:00Z")`}

func TestIAMWrites(t *testing.T) {
	t.Parallel()
	replaced := func(old, by string) string { return strings.Replace(fullPolicy, old, by, 1) }
	cases := map[string]struct {
		before string
		call   func(context.Context, *cloudrun.Client) error
		want   string // the policy sent, without version and etag; empty if none may be sent
	}{
		"make public extends the unconditional binding only": {fullPolicy, makePublic,
			replaced(`["user:bob@example.com"]`, `["user:bob@example.com", "allUsers"]`)},
		"make public makes a binding when there is only a conditional one": {
			`{"etag": "e", "bindings": [{"role": "roles/run.invoker", "members": ["user:a@x.org"], "condition": {"title": "t", "expression": "false"}}]}`,
			makePublic,
			`{"etag": "e", "bindings": [{"role": "roles/run.invoker", "members": ["user:a@x.org"], "condition": {"title": "t", "expression": "false"}},
				{"role": "roles/run.invoker", "members": ["allUsers"]}]}`},
		"make public of a policy without bindings": {`{"etag": "ACAB"}`, makePublic,
			`{"etag": "ACAB", "bindings": [{"role": "roles/run.invoker", "members": ["allUsers"]}]}`},
		"make public of what is public": {replaced("user:bob@example.com", "allUsers"), makePublic, ""},
		"make private drops the binding that is empty then": {
			`{"etag": "e", "bindings": [{"role": "roles/run.invoker", "members": ["allUsers"]}]}`, makePrivate, `{"etag": "e"}`},
		"make private takes allUsers out of every unconditional binding": {
			`{"etag": "e", "bindings": [{"role": "roles/run.invoker", "members": ["allUsers", "user:a@x.org"]}, {"role": "roles/run.invoker", "members": ["allUsers"]}]}`,
			makePrivate, `{"etag": "e", "bindings": [{"role": "roles/run.invoker", "members": ["user:a@x.org"]}]}`},
		"make private leaves a conditional grant": {replaced("user:ann@example.com", "allUsers"), makePrivate, ""},
		"make private of what is private":         {fullPolicy, makePrivate, ""},
		"add a member": {fullPolicy, add("roles/run.admin", ann),
			replaced(`["group:ops@example.com"]`, `["group:ops@example.com", "user:ann@example.com"]`)},
		"add a member in another case": {fullPolicy, add(invoker, "user:Bob@Example.com"), ""},
		"add a member of a new role": {`{"etag": "e"}`, add("organizations/1/roles/my.role", "principalSet://iam.googleapis.com/x/y"),
			`{"etag": "e", "bindings": [{"role": "organizations/1/roles/my.role", "members": ["principalSet://iam.googleapis.com/x/y"]}]}`},
		"add a member under the same condition": {fullPolicy, add(invoker, "user:new@example.com", cloudrun.WithCondition(untilThen)),
			replaced(`["user:ann@example.com"], "bindingId": "b1"`, `["user:ann@example.com", "user:new@example.com"], "bindingId": "b1"`)},
		"add a member under another condition": {`{"etag": "e", "bindings": [{"role": "roles/run.invoker", "members": ["user:a@x.org"], "condition": {"title": "t", "expression": "false"}}]}`,
			add(invoker, "user:a@x.org", cloudrun.WithCondition(cloudrun.BindingCondition{Title: "t", Expression: "true"})),
			`{"etag": "e", "bindings": [{"role": "roles/run.invoker", "members": ["user:a@x.org"], "condition": {"title": "t", "expression": "false"}},
				{"role": "roles/run.invoker", "members": ["user:a@x.org"], "condition": {"title": "t", "expression": "true"}}]}`},
		"remove a member": {fullPolicy, remove(invoker, "user:BOB@example.com"),
			replaced(`,
		{"role": "roles/run.invoker", "members": ["user:bob@example.com"], "bindingId": "b3"}`, "")},
		"remove a member under a condition": {
			`{"etag": "e", "bindings": [{"role": "r", "members": ["user:a@x.org", "user:b@x.org"], "condition": {"title": "t", "expression": "false"}}, {"role": "roles/run.invoker", "members": ["user:a@x.org"], "condition": {"title": "t", "expression": "false"}}]}`,
			remove(invoker, "user:a@x.org", cloudrun.WithCondition(cloudrun.BindingCondition{Title: "t", Expression: "false"})),
			`{"etag": "e", "bindings": [{"role": "r", "members": ["user:a@x.org", "user:b@x.org"], "condition": {"title": "t", "expression": "false"}}]}`},
		"an edit in another order changes nothing": {fullPolicy, updatePolicy(func(p *cloudrun.Policy) error {
			p.Bindings[0], p.Bindings[2] = p.Bindings[2], p.Bindings[0]
			p.Bindings = append(p.Bindings, cloudrun.Binding{Role: "roles/run.viewer"}, cloudrun.Binding{Role: invoker, Members: []string{"user:Bob@Example.com"}})
			return nil
		}), ""},
		"an edit that builds its bindings anew keeps unknown fields": {fullPolicy, updatePolicy(func(p *cloudrun.Policy) error {
			var bindings []cloudrun.Binding
			for _, b := range p.Bindings {
				bindings = append(bindings, cloudrun.Binding{Role: b.Role, Members: append([]string{"allUsers"}, b.Members...), Condition: b.Condition})
			}
			p.Bindings = bindings
			return nil
		}), strings.ReplaceAll(fullPolicy, `"members": [`, `"members": ["allUsers", `)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newIAMFake(tc.before)
			require.NoError(t, tc.call(t.Context(), fake.client(t)))
			if tc.want == "" {
				require.Empty(t, fake.sent)
				return
			}
			require.Len(t, fake.sent, 1)
			want, got := fields(t, tc.want), fields(t, fake.sent[0])
			want["version"] = json.Number("3")
			require.Equal(t, want, got)
		})
	}
}

func TestRemoveMemberWithoutBinding(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]cloudrun.MemberOption{
		"that only has the role under a condition": nil,
		"that has it under another condition":      {cloudrun.WithCondition(cloudrun.BindingCondition{Title: "t", Expression: "false"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newIAMFake(fullPolicy)
			err := cloudrun.RemoveMember(t.Context(), fake.client(t), "hello", invoker, ann, opts...)
			require.ErrorIs(t, err, cloudrun.ErrNoBinding)
			require.ErrorContains(t, err, "remove user:ann@example.com of roles/run.invoker from projects/demo/locations/us-central1/services/hello")
			require.Empty(t, fake.sent)
		})
	}
}

func TestPolicyRequests(t *testing.T) {
	t.Parallel()
	fake := newIAMFake(fullPolicy)
	client, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithHTTPClient(&http.Client{Transport: fake}))
	require.NoError(t, err)

	require.NoError(t, cloudrun.MakePublic(t.Context(), client, "hello"))
	public, err := cloudrun.IsPublic(t.Context(), client, "hello")
	require.NoError(t, err)
	require.True(t, public)
	got, err := client.TestPermissions(t.Context(), "hello", "run.services.get", "run.services.delete")
	require.NoError(t, err)
	require.Equal(t, []string{"run.services.get"}, got)
	const resource = "https://run.googleapis.com/v1/projects/demo/locations/us-central1/services/hello"
	require.Equal(t, []string{
		"GET " + resource + ":getIamPolicy?options.requestedPolicyVersion=3",
		"POST " + resource + ":setIamPolicy",
		"GET " + resource + ":getIamPolicy?options.requestedPolicyVersion=3",
		"POST " + resource + ":testIamPermissions",
	}, fake.requests)
	_, err = client.TestPermissions(t.Context(), "hello")
	require.ErrorContains(t, err, "no permissions are given")
}

func TestIsPublic(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]bool{
		`{"etag": "e", "bindings": [{"role": "roles/run.invoker", "members": ["user:a@x.org", "allUsers"]}]}`:                                                     true,
		`{"etag": "e", "bindings": [{"role": "roles/run.invoker", "members": ["allUsers"], "condition": {"title": "t", "expression": "true"}}]}`:                  false,
		`{"etag": "e", "bindings": [{"role": "roles/run.invoker", "members": ["allAuthenticatedUsers"]}, {"role": "roles/run.viewer", "members": ["allUsers"]}]}`: false,
		`{"etag": "ACAB"}`: false,
	} {
		public, err := cloudrun.IsPublic(t.Context(), newIAMFake(policy).client(t), "hello")
		require.NoError(t, err)
		require.Equal(t, want, public, policy)
	}
}

func TestPolicyKeepsAllThatItWasReadWith(t *testing.T) {
	t.Parallel()
	p, err := newIAMFake(fullPolicy).client(t).GetPolicy(t.Context(), "hello")
	require.NoError(t, err)
	require.Equal(t, []cloudrun.Binding{
		{Role: invoker, Members: []string{ann}, Condition: &untilThen},
		{Role: "roles/run.admin", Members: []string{"group:ops@example.com"}},
		{Role: invoker, Members: []string{"user:bob@example.com"}},
	}, p.Bindings)
	encoded, err := json.Marshal(*p)
	require.NoError(t, err)
	require.Equal(t, fields(t, fullPolicy), fields(t, string(encoded)))
}

func TestIAMRefusesBeforeSending(t *testing.T) {
	t.Parallel()
	fake := newIAMFake(fullPolicy)
	client := fake.client(t)
	for _, name := range []string{"", "Hello", "a/b", "..", "a%2fb", "hello:setIamPolicy", "hello?x", strings.Repeat("a", 64)} {
		_, getErr := client.GetPolicy(t.Context(), name)
		_, testErr := client.TestPermissions(t.Context(), name, "run.services.get")
		_, publicErr := cloudrun.IsPublic(t.Context(), client, name)
		for _, err := range []error{getErr, testErr, publicErr, makePublicOf(t, client, name), cloudrun.MakePrivate(t.Context(), client, name),
			cloudrun.AddMember(t.Context(), client, name, invoker, ann), cloudrun.RemoveMember(t.Context(), client, name, invoker, ann)} {
			require.ErrorContains(t, err, "service name")
		}
	}
	for _, role := range []string{"", "run.invoker", "roles/", "roles/a b", "projects//roles/x", "folders/1/roles/x", "roles/x\n", "roles/x/y"} {
		require.ErrorContains(t, cloudrun.AddMember(t.Context(), client, "hello", role, ann), "role ", role)
		require.ErrorContains(t, cloudrun.RemoveMember(t.Context(), client, "hello", role, ann), "role ", role)
	}
	for _, member := range []string{"", "ann@example.com", "user:", "users:ann@example.com", "allusers", "principal:x", "user:ann@example.com ", "deleted:", "deleted:allUsers"} {
		require.ErrorContains(t, cloudrun.AddMember(t.Context(), client, "hello", invoker, member), "member ", member)
	}
	err := cloudrun.AddMember(t.Context(), client, "hello", "x", "y", cloudrun.WithCondition(cloudrun.BindingCondition{Title: "t"}))
	for _, problem := range []string{"role ", "member ", "WithCondition"} {
		require.ErrorContains(t, err, problem)
	}
	require.ErrorContains(t, cloudrun.AddMember(t.Context(), client, "hello", invoker, ann, cloudrun.WithCondition(untilThen),
		cloudrun.WithCondition(cloudrun.BindingCondition{Title: "u", Expression: "true"})), "contradicts")
	require.Empty(t, fake.requests)
}

func TestIAMAcceptsEveryKindOfMemberAndRole(t *testing.T) {
	t.Parallel()
	for _, member := range []string{
		"allUsers", "allAuthenticatedUsers", ann, "serviceAccount:a@p.iam.gserviceaccount.com", "serviceAccount:p.svc.id.goog[ns/sa]",
		"group:g@example.com", "domain:example.com", "principal://iam.googleapis.com/locations/global/workforcePools/p/subject/s",
		"principalSet://goog/cloudIdentityCustomerId/C0", "deleted:user:x@example.com?uid=123", "deleted:principal://iam.googleapis.com/x",
		"projectOwner:demo", "projectEditor:demo", "projectViewer:demo",
	} {
		fake := newIAMFake(`{"etag": "ACAB"}`)
		for _, role := range []string{"roles/run.invoker", "projects/demo/roles/my_Role.x", "organizations/123/roles/y"} {
			require.NoError(t, cloudrun.AddMember(t.Context(), fake.client(t), "hello", role, member), member)
		}
		require.Len(t, fake.sent, 3)
	}
}

func TestIAMOnACluster(t *testing.T) {
	t.Parallel()
	fake := newIAMFake(fullPolicy)
	client, err := cloudrun.NewClusterClient(t.Context(), "default",
		option.WithEndpoint("https://cluster.example.com"), option.WithHTTPClient(&http.Client{Transport: fake}))
	require.NoError(t, err)
	_, getErr := client.GetPolicy(t.Context(), "hello")
	_, testErr := client.TestPermissions(t.Context(), "hello", "run.services.get")
	_, publicErr := cloudrun.IsPublic(t.Context(), client, "hello")
	for _, err := range []error{getErr, testErr, publicErr, makePublicOf(t, client, "hello"), cloudrun.MakePrivate(t.Context(), client, "hello"),
		cloudrun.AddMember(t.Context(), client, "hello", invoker, ann), cloudrun.RemoveMember(t.Context(), client, "hello", invoker, ann)} {
		require.ErrorIs(t, err, cloudrun.ErrNotOnCluster)
	}
	require.Empty(t, fake.requests)
}

func makePublicOf(t *testing.T, client *cloudrun.Client, name string) error {
	t.Helper()
	return cloudrun.MakePublic(t.Context(), client, name)
}

func makePublic(ctx context.Context, c *cloudrun.Client) error {
	return cloudrun.MakePublic(ctx, c, "hello")
}

func makePrivate(ctx context.Context, c *cloudrun.Client) error {
	return cloudrun.MakePrivate(ctx, c, "hello")
}

func add(role, member string, opts ...cloudrun.MemberOption) func(context.Context, *cloudrun.Client) error {
	return func(ctx context.Context, c *cloudrun.Client) error {
		return cloudrun.AddMember(ctx, c, "hello", role, member, opts...)
	}
}

func remove(role, member string, opts ...cloudrun.MemberOption) func(context.Context, *cloudrun.Client) error {
	return func(ctx context.Context, c *cloudrun.Client) error {
		return cloudrun.RemoveMember(ctx, c, "hello", role, member, opts...)
	}
}

func updatePolicy(edit func(*cloudrun.Policy) error) func(context.Context, *cloudrun.Client) error {
	return func(ctx context.Context, c *cloudrun.Client) error { return c.UpdatePolicy(ctx, "hello", edit) }
}

// TestIAMOnTheEmbeddedControlPlane checks that the embedded control plane agrees with iamFake.
func TestIAMOnTheEmbeddedControlPlane(t *testing.T) {
	t.Parallel()
	server := cloudruntest.NewServer(cloudruntest.InProcess())
	t.Cleanup(server.Close)
	ctx := t.Context()
	client, err := cloudrun.NewClient(ctx, "demo", "us-central1", server.ClientOptions()...)
	require.NoError(t, err)
	require.True(t, apierrors.IsNotFound(makePublic(ctx, client)))
	service, err := cloudrun.NewService("hello", cloudrun.WithImage("gcr.io/cloudrun/hello"))
	require.NoError(t, err)
	_, err = client.CreateService(ctx, service)
	require.NoError(t, err)

	require.NoError(t, cloudrun.AddMember(ctx, client, "hello", invoker, ann, cloudrun.WithCondition(untilThen)))
	require.NoError(t, makePublic(ctx, client))
	require.NoError(t, makePrivate(ctx, client))
	require.NoError(t, cloudrun.AddMember(ctx, client, "hello", "roles/run.admin", ann))
	server.ForbidAllUsers(true)
	wantOrgPolicy(t, makePublic(ctx, client))
	server.DenyPermission("run.services.setIamPolicy")
	var missing *cloudrun.PermissionError
	require.ErrorAs(t, makePublic(ctx, client), &missing)
	require.Equal(t, "run.services.setIamPolicy", missing.Permission)
	held, err := client.TestPermissions(ctx, "hello", "run.services.setIamPolicy", "run.services.get")
	require.NoError(t, err)
	require.Equal(t, []string{"run.services.get"}, held)

	p, err := client.GetPolicy(ctx, "hello")
	require.NoError(t, err)
	require.Equal(t, []cloudrun.Binding{
		{Role: invoker, Members: []string{ann}, Condition: &untilThen},
		{Role: "roles/run.admin", Members: []string{ann}},
	}, p.Bindings)
}
