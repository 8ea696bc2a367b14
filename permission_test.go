package cloudrun_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

const deployer = "serviceAccount:ci@demo.iam.gserviceaccount.com"

// Every call that is refused for want of a permission names it, the account, and what to do.
func TestPermissionErrors(t *testing.T) {
	t.Parallel()
	const service, accounts = "projects/demo/locations/us-central1/services/hello", "projects/-/serviceAccounts/"
	const onProject, onService = "gcloud projects add-iam-policy-binding demo", "gcloud run services add-iam-policy-binding hello --region=us-central1 --project=demo"
	for denied, tc := range map[string]struct {
		call                    func(context.Context, *cloudrun.Client) error
		resource, role, command string
	}{
		"run.services.get": {func(ctx context.Context, c *cloudrun.Client) error { _, err := c.GetService(ctx, "hello"); return err }, service, "roles/run.developer", onProject},
		"run.services.create": {func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "fresh", cloudrun.WithImage(image))
			return err
		}, "projects/demo/locations/us-central1/services/fresh", "roles/run.developer", onProject},
		"run.services.update": {func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image))
			return err
		}, service, "roles/run.developer", onService},
		"run.services.delete": {func(ctx context.Context, c *cloudrun.Client) error { return c.DeleteService(ctx, "hello") }, service, "roles/run.developer", onService},
		"run.services.list": {func(ctx context.Context, c *cloudrun.Client) error {
			for _, err := range c.ListServices(ctx) {
				return err
			}
			return nil
		}, "projects/demo/locations/us-central1", "roles/run.viewer", onProject},
		"run.operations.get": {func(ctx context.Context, c *cloudrun.Client) error { _, err := c.WaitOperation(ctx, "x"); return err },
			"projects/demo/locations/us-central1/operations/x", "roles/run.developer", onProject},
		"run.services.getIamPolicy": {func(ctx context.Context, c *cloudrun.Client) error { return cloudrun.MakePublic(ctx, c, "hello") }, service, "roles/run.admin", onService},
		"run.services.setIamPolicy": {func(ctx context.Context, c *cloudrun.Client) error { return cloudrun.MakePublic(ctx, c, "hello") }, service, "roles/run.admin", onService},
		"iam.serviceAccounts.actAs": {func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithServiceAccount("run@demo.iam.gserviceaccount.com"))
			return err
		}, accounts + "run@demo.iam.gserviceaccount.com", "roles/iam.serviceAccountUser", "gcloud iam service-accounts add-iam-policy-binding run@demo.iam.gserviceaccount.com"},
		"logging.logEntries.list": {func(ctx context.Context, c *cloudrun.Client) error {
			for _, err := range c.Logs(ctx, cloudrun.LogsOfService("hello")) {
				return err
			}
			return nil
		}, "projects/demo", "roles/logging.viewer", onProject},
	} {
		t.Run(denied, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, _ := newServer(t)
				ctx := t.Context()
				c, err := cloudrun.NewClient(ctx, "demo", "us-central1", append(s.ClientOptions(), cloudrun.WithPrincipal(deployer))...)
				require.NoError(t, err)
				_, err = cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				s.DenyPermission(denied)
				err = tc.call(ctx, c)
				var missing *cloudrun.PermissionError
				require.ErrorAs(t, err, &missing)
				require.Equal(t, denied, missing.Permission)
				require.Equal(t, tc.resource, missing.Resource)
				require.Equal(t, deployer, missing.Principal)
				require.Equal(t, tc.role, missing.Role)
				require.Equal(t, tc.command+" --member="+deployer+" --role="+tc.role, missing.Command)
				require.ErrorContains(t, err, "permission "+denied+" is missing on "+tc.resource+" for "+deployer+": grant it "+tc.role+" with \"gcloud ")
				require.True(t, apierrors.IsForbidden(err))
				var api *cloudrun.APIError
				require.ErrorAs(t, missing, &api)
			})
		})
	}
}

// On a cluster the error has the sentence of RBAC, and no command of gcloud.
func TestPermissionErrorOnACluster(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newCluster(t)
		s.DenyPermission("run.services.get")
		_, err := c.GetService(t.Context(), "hello")
		var missing *cloudrun.PermissionError
		require.ErrorAs(t, err, &missing)
		require.Equal(t, "get services.serving.knative.dev", missing.Permission)
		require.NotEmpty(t, missing.Principal)
		require.Empty(t, missing.Role+missing.Command)
		require.ErrorContains(t, err, "permission get services.serving.knative.dev is missing on namespaces/"+c.Project()+"/services/hello for "+missing.Principal+
			`: bind a role with this verb to it in the namespace "`+c.Project()+`"`)
	})
}

// The principal comes from the credentials in use, and is empty where they do not name it.
func TestPrincipal(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token": "token-that-is-secret", "accessToken": "token-that-is-secret", "expires_in": 3600, "expireTime": "2999-01-01T00:00:00Z", "token_type": "Bearer"}`))
	}))
	t.Cleanup(tokens.Close)
	file := func(fields map[string]string) option.ClientOption {
		fields["private_key"] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
		raw, err := json.Marshal(fields)
		require.NoError(t, err)
		return option.WithAuthCredentialsJSON(option.CredentialsType(fields["type"]), raw)
	}
	account := file(map[string]string{"type": "service_account", "client_email": "ci@demo.iam.gserviceaccount.com", "token_uri": tokens.URL})
	for name, tc := range map[string]struct {
		opts []option.ClientOption
		want string
	}{
		"a service account": {[]option.ClientOption{account}, deployer},
		"a named one":       {[]option.ClientOption{account, cloudrun.WithPrincipal("user:ann@example.com")}, "user:ann@example.com"},
		"no credentials":    {[]option.ClientOption{option.WithoutAuthentication()}, ""},
		"an API key":        {[]option.ClientOption{option.WithAPIKey("key")}, ""},
		"the program's own": {[]option.ClientOption{option.WithHTTPClient(http.DefaultClient)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cloudruntest.NewServer()
			t.Cleanup(s.Close)
			s.DenyPermission("run.services.get")
			c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", append(tc.opts, option.WithEndpoint(s.URL))...)
			require.NoError(t, err)
			_, err = c.GetService(t.Context(), "hello")
			var missing *cloudrun.PermissionError
			require.ErrorAs(t, err, &missing)
			require.Equal(t, tc.want, missing.Principal)
			require.NotContains(t, err.Error(), "secret")
		})
	}
	_, err = cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithoutAuthentication(), cloudrun.WithPrincipal("ann"))
	require.ErrorContains(t, err, `WithPrincipal("ann"): member "ann" is not valid`)
}

// On a machine of Google Cloud the metadata server names the account, and is not
// asked for it before a permission is missing.
func TestPrincipalOfAMachine(t *testing.T) {
	var asked atomic.Int32
	machine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Metadata-Flavor", "Google")
		switch {
		case strings.HasSuffix(r.URL.Path, "/service-accounts/default/token"):
			_, _ = w.Write([]byte(`{"access_token": "token-that-is-secret", "expires_in": 3600, "token_type": "Bearer"}`))
		case strings.HasSuffix(r.URL.Path, "/service-accounts/default/email"):
			asked.Add(1)
			_, _ = w.Write([]byte("ci@demo.iam.gserviceaccount.com"))
		default:
			_, _ = w.Write([]byte("demo"))
		}
	}))
	t.Cleanup(machine.Close)
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(machine.URL, "http://"))
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("CLOUDSDK_CONFIG", t.TempDir())
	s := cloudruntest.NewServer()
	t.Cleanup(s.Close)
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithEndpoint(s.URL))
	require.NoError(t, err)
	_, err = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
	require.NoError(t, err)
	require.Zero(t, asked.Load())
	s.DenyPermission("run.services.get")
	for range 2 {
		_, err = c.GetService(t.Context(), "hello")
		var missing *cloudrun.PermissionError
		require.ErrorAs(t, err, &missing)
		require.Equal(t, deployer, missing.Principal)
	}
	require.EqualValues(t, 1, asked.Load())
	require.NotContains(t, err.Error(), "token-that-is-secret")
}
