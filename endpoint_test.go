package cloudrun_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
)

// endpointCalls makes one call of every kind.
func endpointCalls(t *testing.T, c *cloudrun.Client) {
	t.Helper()
	ctx := t.Context()
	_, err := c.GetService(ctx, "hello")
	require.NoError(t, err)
	for _, err := range c.ListServices(ctx) {
		require.NoError(t, err)
	}
	require.NoError(t, c.DeleteRevision(ctx, "hello"))
	_, err = c.GetPolicy(ctx, "hello")
	require.NoError(t, err)
	_, err = c.ListLocations(ctx)
	require.NoError(t, err)
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	const serving = "/apis/serving.knative.dev/v1/namespaces/demo"
	const global = "/v1/projects/demo/locations"
	for name, tc := range map[string]struct {
		opts             []option.ClientOption
		regional, global string
	}{
		"default":               {nil, "https://europe-west1-run.googleapis.com", "https://run.googleapis.com"},
		"universe":              {[]option.ClientOption{option.WithUniverseDomain("example.cloud")}, "https://europe-west1-run.example.cloud", "https://run.example.cloud"},
		"endpoint":              {[]option.ClientOption{option.WithEndpoint("https://run.internal/")}, "https://run.internal", "https://run.internal"},
		"endpoint with a path":  {[]option.ClientOption{option.WithEndpoint("https://gw.example.com:8443/run/v1/")}, "https://gw.example.com:8443/run/v1", "https://gw.example.com:8443/run/v1"},
		"endpoint as host":      {[]option.ClientOption{option.WithEndpoint("run.internal:444")}, "https://run.internal:444", "https://run.internal:444"},
		"regional endpoint":     {[]option.ClientOption{option.WithEndpoint("https://run.europe-west1.rep.googleapis.com")}, "https://run.europe-west1.rep.googleapis.com", "https://run.europe-west1.rep.googleapis.com"},
		"the default, by name":  {[]option.ClientOption{option.WithEndpoint("https://europe-west1-run.googleapis.com")}, "https://europe-west1-run.googleapis.com", "https://europe-west1-run.googleapis.com"},
		"loopback":              {[]option.ClientOption{option.WithEndpoint("http://127.0.0.1:8080")}, "http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		"loopback v6":           {[]option.ClientOption{option.WithEndpoint("http://[::1]:8080")}, "http://[::1]:8080", "http://[::1]:8080"},
		"localhost":             {[]option.ClientOption{option.WithEndpoint("http://localhost:8080")}, "http://localhost:8080", "http://localhost:8080"},
		"plain http if allowed": {[]option.ClientOption{option.WithEndpoint("http://run.internal"), cloudrun.AllowPlainHTTP()}, "http://run.internal", "http://run.internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &endpointRecorder{}
			c, err := cloudrun.NewClient(t.Context(), "demo", "europe-west1", append(tc.opts, r.client())...)
			require.NoError(t, err)
			require.Empty(t, r.requests, "NewClient sends nothing")
			require.Equal(t, "demo", c.Project())
			require.Equal(t, "europe-west1", c.Region())
			endpointCalls(t, c)
			var urls []string
			for _, req := range r.requests {
				urls = append(urls, req.Method+" "+req.URL.String())
				require.Regexp(t, `^cloudrun-go`, req.Header.Get("User-Agent"))
			}
			require.Equal(t, []string{
				"GET " + tc.regional + serving + "/services/hello",
				"GET " + tc.regional + serving + "/services?limit=500",
				"GET " + tc.regional + serving + "/revisions/hello",
				"DELETE " + tc.regional + serving + "/revisions/hello",
				"GET " + tc.global + global + "/europe-west1/services/hello:getIamPolicy?options.requestedPolicyVersion=3",
				"GET " + tc.global + global,
			}, urls)
		})
	}
}

// The default endpoints follow the environment as those of Google's clients do.
func TestEndpointsOfTheEnvironment(t *testing.T) {
	for name, tc := range map[string]struct {
		variable, value  string
		regional, global string
	}{
		"universe": {"GOOGLE_CLOUD_UNIVERSE_DOMAIN", "example.cloud", "europe-west1-run.example.cloud", "run.example.cloud"},
		"mTLS":     {"GOOGLE_API_USE_MTLS_ENDPOINT", "always", "europe-west1-run.mtls.googleapis.com", "run.mtls.googleapis.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(tc.variable, tc.value)
			r := &endpointRecorder{}
			c, err := cloudrun.NewClient(t.Context(), "demo", "europe-west1", r.client())
			require.NoError(t, err)
			endpointCalls(t, c)
			require.Equal(t, tc.regional, r.requests[0].URL.Host)
			require.Equal(t, tc.global, r.requests[4].URL.Host)
		})
	}
}

func TestNilClientOptions(t *testing.T) {
	t.Parallel()
	_, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithoutAuthentication(), nil)
	require.ErrorContains(t, err, "an option is nil")
	_, err = cloudrun.NewClient(t.Context(), "", "us-central1", nil)
	require.ErrorContains(t, err, "an option is nil")
	_, err = cloudrun.NewClusterClient(t.Context(), "default", option.WithEndpoint("https://k8s"), nil)
	require.ErrorContains(t, err, "an option is nil")
}

func TestEndpointsThatAreRefused(t *testing.T) {
	t.Parallel()
	for endpoint, problem := range map[string]string{
		"http://run.internal":                 "plain http",
		"http://127.0.0.1.evil.example":       "plain http",
		"http://localhost.evil.example":       "plain http",
		"ftp://run.internal":                  "scheme",
		"https://":                            "scheme://host",
		"https://user:secret@run.internal":    "scheme://host",
		"https://run.internal/?a=b":           "scheme://host",
		"https://run.internal/#frag":          "scheme://host",
		"https://run.internal:port":           "invalid URL",
		"https://run.googleapis.com\\@evil.x": "invalid",
	} {
		_, err := cloudrun.NewClient(t.Context(), "demo", "europe-west1", option.WithEndpoint(endpoint), (&endpointRecorder{}).client())
		require.ErrorContains(t, err, problem, endpoint)
		require.NotContains(t, err.Error(), "secret")
		_, err = cloudrun.NewClusterClient(t.Context(), "default", option.WithEndpoint(endpoint), (&endpointRecorder{}).client())
		require.Error(t, err, endpoint)
	}
}

// A password in a malformed endpoint, or in one that is refused, is not shown.
func TestEndpointErrorsHidePasswords(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{
		"https://user:hunter2@host", "http://user:hunter2@host", "ftp://user:hunter2@host", "user:hunter2@host", "//user:hunter2@host",
		"https://user:hunter2@host:port", "https://user:%zzhunter2@host", "https://user:hunter2\\@host", "https://user:hunt@hunter2@host", "https://user:/hunter2@host",
		"https://user:hunter2", "https://user:?hunter2@host", "https://user:#hunter2@host", "https:/user:hunter2@host", "https:user:hunter2@host", "https://user:a://hunter2@host",
		"https://host/?key=hunter2", "https://host/#hunter2", "https://user:hunter2 @host", "https://user:hunter2\n@host", "://user:hunter2@host", "https://[user:hunter2@host",
	} {
		for _, opts := range [][]option.ClientOption{
			{option.WithEndpoint(endpoint), (&endpointRecorder{}).client()}, {option.WithEndpoint(endpoint), option.WithoutAuthentication()},
			{option.WithEndpoint(endpoint), option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "x"}))},
		} {
			_, err := cloudrun.NewClient(t.Context(), "demo", "europe-west1", opts...)
			require.Error(t, err, endpoint)
			_, clusterErr := cloudrun.NewClusterClient(t.Context(), "default", opts...)
			require.Error(t, clusterErr, endpoint)
			require.NotContains(t, printed(err)+printed(clusterErr), "hunter2", endpoint)
		}
	}
}

// A region is part of the host name that gets the token. Names are parts of paths.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	hostile := []string{"evil.example/#", "a.b", "us-central1:443@x", "", "/", "..", ".", "a/b", "%2f", "a%2fb", "Upper", "a b", "a\nb", "ä",
		"a?b", "-a", "a-", "*", "\x00", strings.Repeat("a", 64)}
	r := &endpointRecorder{}
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
	require.NoError(t, err)
	d := cloudrun.NewDeployer(c)
	ctx := t.Context()
	calls := map[string]func(string) error{
		"region": func(s string) error { _, err := cloudrun.NewClient(ctx, "demo", s, r.client()); return err },
		"namespace": func(s string) error {
			_, err := cloudrun.NewClusterClient(ctx, s, r.client(), option.WithEndpoint("https://k8s"))
			return err
		},
		"get":             func(s string) error { _, err := c.GetService(ctx, s); return err },
		"delete":          func(s string) error { return c.DeleteService(ctx, s) },
		"get revision":    func(s string) error { _, err := c.GetRevision(ctx, s); return err },
		"delete revision": func(s string) error { return c.DeleteRevision(ctx, s) },
		"update": func(s string) error {
			_, err := c.UpdateService(ctx, s, func(*service) error { return nil })
			return err
		},
		"create":  func(s string) error { _, err := c.CreateService(ctx, named(s)); return err },
		"replace": func(s string) error { _, err := c.ReplaceService(ctx, named(s)); return err },
		"revisions of": func(s string) error {
			for _, err := range c.ListRevisions(ctx, cloudrun.WithService(s)) {
				return err
			}
			return nil
		},
		"new service": func(s string) error { _, err := cloudrun.NewService(s, cloudrun.WithImage(image)); return err },
		"deploy": func(s string) error {
			_, err := d.Deploy(ctx, s, cloudrun.WithImage(image))
			return err
		},
		"deployer delete": func(s string) error { return d.Delete(ctx, s) },
		"wait":            func(s string) error { _, err := cloudrun.WaitReady(ctx, c, s); return err },
		"make public":     func(s string) error { return cloudrun.MakePublic(ctx, c, s) },
		"project": func(s string) error {
			if s == "" {
				return errors.New("empty: that of the credentials, as TestDefaultProject has it")
			}
			_, err := cloudrun.NewClient(ctx, s, "us-central1", r.client())
			return err
		},
	}
	for call, do := range calls {
		for _, s := range hostile {
			err := do(s)
			require.Error(t, err, "%s %q", call, s)
			if s == "" {
				require.ErrorContains(t, err, "empty", call)
				continue
			}
			require.Contains(t, err.Error(), fmt.Sprintf("%q", s), call)
		}
	}
	require.Empty(t, r.requests, "not a byte may leave")
}

func TestCredentialsOfOptions(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "")
	var got http.Header
	var query string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, query = r.Header.Clone(), r.URL.RawQuery
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, endpointAnything)
	}))
	defer server.Close()
	token := option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t0ken"}))
	for name, tc := range map[string]struct {
		opts  []option.ClientOption
		check func(t *testing.T)
	}{
		"token source": {[]option.ClientOption{token}, func(t *testing.T) {
			require.Equal(t, "Bearer t0ken", got.Get("Authorization"))
			require.Regexp(t, `^cloudrun-go`, got.Get("User-Agent"))
		}},
		"quota project": {[]option.ClientOption{token, option.WithQuotaProject("payer")}, func(t *testing.T) {
			require.Equal(t, "payer", got.Get("X-Goog-User-Project"))
		}},
		"user agent": {[]option.ClientOption{token, option.WithUserAgent("my-tool/1.2")}, func(t *testing.T) {
			require.Equal(t, "my-tool/1.2", got.Get("User-Agent"))
		}},
		"API key": {[]option.ClientOption{option.WithAPIKey("k3y")}, func(t *testing.T) {
			require.Equal(t, "k3y", got.Get("X-Goog-Api-Key")+queryKey(query))
			require.Empty(t, got.Get("Authorization"))
		}},
		"none": {[]option.ClientOption{option.WithoutAuthentication()}, func(t *testing.T) {
			require.Empty(t, got.Get("Authorization"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", append(tc.opts, option.WithEndpoint(server.URL))...)
			require.NoError(t, err)
			_, err = c.GetService(t.Context(), "hello")
			require.NoError(t, err)
			tc.check(t)
			http.DefaultClient.CloseIdleConnections()
		})
	}
}

// queryKey returns the API key in a query.
func queryKey(query string) string {
	_, key, _ := strings.Cut(query, "key=")
	return key
}

func TestImpersonation(t *testing.T) {
	endpointCredentials(t, `{"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}`)
	_, err := cloudrun.NewClient(t.Context(), "demo", "us-central1",
		//lint:ignore SA1019 what users of the option have
		option.ImpersonateCredentials("deployer@demo.iam.gserviceaccount.com"))
	require.NoError(t, err)
}

// endpointCredentials writes the default credentials.
func endpointCredentials(t *testing.T, content string) {
	t.Helper()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", endpointFile(t, content))
}

func endpointFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "credentials.json")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

func TestDefaultProject(t *testing.T) {
	serviceAccount := func(project string) string {
		return `{"type": "service_account", "project_id": "` + project + `", "client_email": "a@b.iam.gserviceaccount.com", "private_key_id": "1", "private_key": "x", "token_uri": "https://oauth2.example.com/token"}`
	}
	const user = `{"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}`
	r := &endpointRecorder{}
	for name, tc := range map[string]struct {
		credentials string
		opts        []option.ClientOption
		want        string
		problem     string
	}{
		"of a service account":      {serviceAccount("from-file"), nil, "from-file", ""},
		"of a domain":               {serviceAccount("example.com:app"), nil, "example.com:app", ""},
		"none":                      {user, nil, "", "GOOGLE_APPLICATION_CREDENTIALS"},
		"hostile":                   {serviceAccount("../evil"), nil, "", `"../evil"`},
		"not of others credentials": {serviceAccount("from-file"), []option.ClientOption{option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t"}))}, "", "no project was given"},
		"of no credentials":         {serviceAccount("from-file"), []option.ClientOption{option.WithoutAuthentication()}, "", "no project was given"},
		"of an API key":             {serviceAccount("from-file"), []option.ClientOption{option.WithAPIKey("k3y")}, "from-file", ""},
		"of typed options":          {user, []option.ClientOption{option.WithAuthCredentialsJSON(option.ServiceAccount, []byte(serviceAccount("from-json")))}, "from-json", ""},
		"of a file":                 {user, []option.ClientOption{option.WithAuthCredentialsFile(option.ServiceAccount, endpointFile(t, serviceAccount("from-option")))}, "from-option", ""},
		"of credentials":            {user, []option.ClientOption{option.WithCredentials(&google.Credentials{ProjectID: "from-value"})}, "from-value", ""},
		"of an endpoint":            {serviceAccount("from-file"), []option.ClientOption{option.WithEndpoint("http://127.0.0.1:1"), r.client()}, "from-file", ""},
		//lint:ignore SA1019 what users of the option have
		"of who impersonates": {serviceAccount("from-file"), []option.ClientOption{r.client(), option.ImpersonateCredentials("deployer@demo.iam.gserviceaccount.com")}, "from-file", ""},
		//lint:ignore SA1019 what users of the option have
		"of the options": {user, []option.ClientOption{option.WithCredentialsJSON([]byte(serviceAccount("from-json")))}, "from-json", ""},
	} {
		t.Run(name, func(t *testing.T) {
			endpointCredentials(t, tc.credentials)
			opts := tc.opts
			if opts == nil {
				opts = []option.ClientOption{r.client()}
			}
			c, err := cloudrun.NewClient(t.Context(), "", "us-central1", opts...)
			if tc.problem != "" {
				require.ErrorContains(t, err, tc.problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, c.Project())
		})
	}
	require.Empty(t, r.requests)
	t.Run("no credentials at all", func(t *testing.T) {
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "missing.json"))
		_, err := cloudrun.NewClient(t.Context(), "", "us-central1")
		require.ErrorContains(t, err, "pass a project")
		_, err = cloudrun.NewClient(t.Context(), "demo", "us-central1")
		require.Error(t, err)
	})
}

// A token is never sent anywhere but to the endpoint, even if that redirects.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var strangers int
		stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers++ }))
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, stranger.URL+r.URL.Path+"?secret=1", status)
		}))
		c := endpointClient(t, server.URL)
		_, err := c.GetService(t.Context(), "hello")
		require.ErrorIs(t, err, cloudrun.ErrNotAPI)
		require.ErrorContains(t, err, strings.TrimPrefix(stranger.URL, "http://"))
		require.NotContains(t, err.Error(), "secret")
		_, err = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.ErrorIs(t, err, cloudrun.ErrNotAPI)
		require.Zero(t, strangers, status)
		server.Close()
		stranger.Close()
	}
}

// endpointClient returns a Client that sends a token to a server on loopback.
func endpointClient(t *testing.T, url string, opts ...option.ClientOption) *cloudrun.Client {
	t.Helper()
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	hc := &http.Client{Transport: &oauth2.Transport{Base: base, Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t0ken"})}}
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", append([]option.ClientOption{option.WithEndpoint(url), option.WithHTTPClient(hc)}, opts...)...)
	require.NoError(t, err)
	return c
}

// A response from anything but the API must not look like a missing Service: a
// deployment would create one there.
func TestAnswersThatAreNotTheAPIs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status            int
		contentType, body string
	}{
		"HTML 404":               {404, "text/html; charset=UTF-8", "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>"},
		"HTML 404 without type":  {404, "", "  <html>"},
		"plain 404":              {404, "text/plain", "404 page not found\n"},
		"empty 404":              {404, "", ""},
		"another API's 404":      {404, "application/json", `{"detail": "Not Found"}`},
		"another API's error":    {404, "application/json", `{"error": {"message": "no such route"}}`},
		"another API's text":     {404, "application/json", `{"error": "no such route"}`},
		"HTML 403 of a firewall": {403, "text/html", "<html>blocked</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
				return endpointAnswer(req, tc.status, tc.contentType, tc.body), nil
			}}
			c, err := cloudrun.NewClient(t.Context(), "demo", "us-centrall1", r.client())
			require.NoError(t, err)
			_, err = c.GetService(t.Context(), "hello")
			require.ErrorIs(t, err, cloudrun.ErrNotAPI)
			require.False(t, apierrors.IsNotFound(err))
			require.ErrorContains(t, err, "us-centrall1-run.googleapis.com", "the endpoint is named")
			require.ErrorContains(t, err, "projects/demo/locations/us-centrall1/services/hello")

			_, err = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
			require.ErrorIs(t, err, cloudrun.ErrNotAPI)
			require.ErrorIs(t, cloudrun.MakePublic(t.Context(), c, "hello"), cloudrun.ErrNotAPI)
			_, err = cloudrun.WaitReady(t.Context(), c, "hello")
			require.ErrorIs(t, err, cloudrun.ErrNotAPI)
			for _, req := range r.requests {
				require.Equal(t, http.MethodGet, req.Method, "nothing is created where the API is not")
			}
		})
	}
}

// A page with status 200 may come from a proxy with a temporary problem.
func TestPagesInPlaceOfAnswers(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		r := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
			return endpointAnswer(req, http.StatusOK, "text/html", "<html>log in</html>"), nil
		}}
		c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
		require.NoError(t, err)
		start := time.Now()
		_, err = c.GetService(t.Context(), "hello")
		require.ErrorIs(t, err, cloudrun.ErrNotAPI)
		require.ErrorContains(t, err, "us-central1-run.googleapis.com")
		require.Greater(t, len(r.requests), 3)
		require.Less(t, time.Since(start), 4*time.Minute)
	})
}

// endless is a body that never ends.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += int64(len(p))
	return len(p), nil
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		limit  int64
		call   func(context.Context, *cloudrun.Client) error
	}{
		"object": {200, 20 << 20, func(ctx context.Context, c *cloudrun.Client) error { _, err := c.GetService(ctx, "hello"); return err }},
		"error":  {400, 1 << 20, func(ctx context.Context, c *cloudrun.Client) error { _, err := c.GetService(ctx, "hello"); return err }},
		"list": {200, 40 << 20, func(ctx context.Context, c *cloudrun.Client) error {
			for _, err := range c.ListServices(ctx) {
				return err
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			body := &endless{}
			r := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: tc.status, Header: http.Header{}, Body: io.NopCloser(body), Request: req}, nil
			}}
			c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
			require.NoError(t, err)
			require.Error(t, tc.call(t.Context(), c))
			require.Less(t, body.read, tc.limit)
			require.Len(t, r.requests, 1, "what is too large does not become smaller")
		})
	}
}

// A failure that a retry cannot help is returned at once and names the cause.
func TestFinalFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err     error
		problem string
	}{
		"refused credentials": {&oauth2.RetrieveError{Response: &http.Response{StatusCode: 400}, ErrorCode: "invalid_grant"}, "credentials"},
		"certificate":         {&tls.CertificateVerificationError{Err: errors.New("unknown authority")}, "run.example.com"},
		"plain server":        {http.ErrSchemeMismatch, "run.example.com"},
		"unknown host":        {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "run.example.com", IsNotFound: true}}, "run.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &endpointRecorder{answer: func(*http.Request) (*http.Response, error) { return nil, tc.err }}
			c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithEndpoint("https://run.example.com"), r.client())
			require.NoError(t, err)
			_, err = c.GetService(t.Context(), "hello")
			require.ErrorIs(t, err, tc.err)
			require.ErrorContains(t, err, tc.problem)
			require.Len(t, r.requests, 1)
			s, err := cloudrun.NewService("hello", cloudrun.WithImage(image))
			require.NoError(t, err)
			_, err = c.CreateService(t.Context(), s)
			require.ErrorIs(t, err, tc.err)
			require.Len(t, r.requests, 2)
		})
	}
}

// A read survives transient failures and honors Retry-After.
func TestFailuresThatPass(t *testing.T) {
	t.Parallel()
	failures := map[string]func(*http.Request) (*http.Response, error){
		"429": func(req *http.Request) (*http.Response, error) {
			a := endpointAnswer(req, http.StatusTooManyRequests, "application/json", `{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}`)
			a.Header.Set("Retry-After", "7")
			return a, nil
		},
		"503 page": func(req *http.Request) (*http.Response, error) {
			return endpointAnswer(req, http.StatusServiceUnavailable, "text/html", "<html>"), nil
		},
		"reset":          func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
		"lookup failure": func(*http.Request) (*http.Response, error) { return nil, &net.DNSError{IsTemporary: true} },
		"token server down": func(*http.Request) (*http.Response, error) {
			return nil, &oauth2.RetrieveError{Response: &http.Response{StatusCode: 503}}
		},
		"truncated": func(req *http.Request) (*http.Response, error) {
			return endpointAnswer(req, http.StatusOK, "application/json", endpointAnything[:30]), nil
		},
	}
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				r := &endpointRecorder{}
				r.answer = func(req *http.Request) (*http.Response, error) {
					if len(r.requests) <= 3 {
						return failure(req)
					}
					return endpointAnswer(req, http.StatusOK, "application/json", endpointAnything), nil
				}
				c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
				require.NoError(t, err)
				start := time.Now()
				s, err := c.GetService(t.Context(), "hello")
				require.NoError(t, err)
				require.Equal(t, "hello", s.Name)
				require.Len(t, r.requests, 4)
				least := 1500 * time.Millisecond
				if name == "429" {
					least = 21 * time.Second
				}
				require.Greater(t, time.Since(start), least)
			})
		})
	}
}

// A caller's transport gets a complete request that it can send again.
func TestRequestsAreRepeatable(t *testing.T) {
	t.Parallel()
	r := &endpointRecorder{}
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
	require.NoError(t, err)
	_, err = c.CreateService(t.Context(), named("hello"))
	require.NoError(t, err)
	_, err = c.GetService(t.Context(), "hello")
	require.NoError(t, err)
	post, get := r.requests[0], r.requests[1]
	require.NotNil(t, post.GetBody)
	again, err := post.GetBody()
	require.NoError(t, err)
	var sent map[string]any
	require.NoError(t, json.NewDecoder(again).Decode(&sent))
	require.Positive(t, post.ContentLength)
	require.Equal(t, "application/json", post.Header.Get("Content-Type"))
	require.Nil(t, get.Body)
	require.Empty(t, get.Header.Get("Content-Type"))
	require.Equal(t, "application/json", get.Header.Get("Accept"))
}
