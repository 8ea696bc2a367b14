package cloudrun_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// A request for something that the library has no method for. The Client adds the host and the credentials.
func ExampleClient_Do() {
	ctx := context.Background()
	client, stop := localClient(ctx) // with a Service "hello"
	defer stop()

	body, err := client.Do(ctx, "GET", "/apis/serving.knative.dev/v1/namespaces/"+client.Project()+"/services?limit=10", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.Contains(string(body), `"kind":"ServiceList"`))

	// IAM is on the global host.
	service := "/v1/projects/" + client.Project() + "/locations/" + client.Region() + "/services/hello"
	_, err = client.DoGlobal(ctx, "POST", service+":testIamPermissions", []byte(`{"permissions": ["run.services.get"]}`))
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.Do(ctx, "DELETE", "/apis/serving.knative.dev/v1/namespaces/my-project/services/none", nil)
	fmt.Println(apierrors.IsNotFound(err))
	// Output:
	// true
	// true
}

// A raw request goes to the host of the Client whatever its path is, and has what every request has.
func TestDo(t *testing.T) {
	t.Parallel()
	r := &endpointRecorder{}
	c, err := cloudrun.NewClient(t.Context(), "demo", "europe-west1", r.client())
	require.NoError(t, err)
	body, err := c.Do(t.Context(), "GET", "/apis/run.googleapis.com/v1/namespaces/demo/jobs?limit=5&pageToken=a%2Fb", nil)
	require.NoError(t, err)
	require.JSONEq(t, endpointAnything, string(body))
	sent := []byte(`{"a": 1}`)
	_, err = c.DoGlobal(t.Context(), "PATCH", "/v2/projects/demo/locations/europe-west1/services/hello:x", sent)
	require.NoError(t, err)
	require.Equal(t, "https://europe-west1-run.googleapis.com/apis/run.googleapis.com/v1/namespaces/demo/jobs?limit=5&pageToken=a%2Fb", r.requests[0].URL.String())
	require.Nil(t, r.requests[0].Body)
	require.Equal(t, "https://run.googleapis.com/v2/projects/demo/locations/europe-west1/services/hello:x", r.requests[1].URL.String())
	got, err := io.ReadAll(r.requests[1].Body)
	require.NoError(t, err)
	require.Equal(t, string(sent), string(got))
	require.Equal(t, "application/json", r.requests[1].Header.Get("Content-Type"))
	require.Regexp(t, `^cloudrun-go`, r.requests[1].Header.Get("User-Agent"))

	r.answer = func(req *http.Request) (*http.Response, error) { return endpointAnswer(req, 204, "", ""), nil }
	body, err = c.Do(t.Context(), "DELETE", "/a", nil)
	require.NoError(t, err)
	require.Nil(t, body)

	cluster, err := cloudrun.NewClusterClient(t.Context(), "default", option.WithEndpoint("https://kubernetes.example/k8s"), r.client())
	require.NoError(t, err)
	_, err = cluster.Do(t.Context(), "PATCH", "/apis/serving.knative.dev/v1/namespaces/default/services/a", []byte(`{}`))
	require.NoError(t, err)
	last := r.requests[len(r.requests)-1]
	require.Equal(t, "https://kubernetes.example/k8s/apis/serving.knative.dev/v1/namespaces/default/services/a", last.URL.String())
	require.Equal(t, "application/merge-patch+json", last.Header.Get("Content-Type"))
	_, err = cluster.DoGlobal(t.Context(), "GET", "/v1/projects", nil)
	require.ErrorIs(t, err, cloudrun.ErrNotOnCluster)
}

func TestDoRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ method, path, body, problem string }{
		"URL":                  {"GET", "https://user:hunter2@evil.example/a?key=hunter2", "", `path "https://…@evil.example/a": must begin with a single slash`},
		"host":                 {"GET", "//evil.example/a", "", "must begin with a single slash"},
		"host in the userinfo": {"GET", "@evil.example/a", "", "must begin with a single slash"},
		"port":                 {"GET", ":80/a", "", "must begin with a single slash"},
		"relative":             {"GET", "apis", "", "must begin with a single slash"},
		"empty":                {"GET", "", "", "must begin with a single slash"},
		"backslash":            {"GET", `/\evil.example/a`, "", "must be escaped"},
		"line break":           {"GET", "/a\r\nHost: evil.example", "", "must be escaped"},
		"space":                {"GET", "/a b?key=hunter2", "", `path "/a b": must be escaped`},
		"fragment":             {"GET", "/a#b", "", "must be escaped"},
		"not ASCII":            {"GET", "/ä", "", "must be escaped"},
		"bad escape":           {"GET", "/%zz", "", "must be escaped"},
		"dots":                 {"GET", "/a/../b", "", "must not contain . or .."},
		"escaped dots":         {"GET", "/a/%2e%2E/b", "", "must not contain . or .."},
		"escaped slash":        {"GET", "/a%2f..%2fb", "", "must not contain . or .."},
		"escaped backslash":    {"GET", "/a%5c..%5cb", "", "must not contain . or .."},
		"long":                 {"GET", "/" + strings.Repeat("a", 16<<10), "", "longer than"},
		"method":               {"BREW", "/a", "", `method "BREW": must be one of GET, POST, PUT, PATCH, DELETE`},
		"lower case":           {"get", "/a", "", "must be one of"},
		"no method":            {"", "/a", "", "must be one of"},
		"GET with a body":      {"GET", "/a", "{}", "must not have a body"},
		"body of no JSON":      {"POST", "/a", "hunter2", "not valid JSON"},
		"empty body":           {"POST", "/a", " ", "not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &endpointRecorder{}
			c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
			require.NoError(t, err)
			var body []byte
			if tc.body != "" {
				body = []byte(tc.body)
			}
			for _, do := range []func(context.Context, string, string, []byte) ([]byte, error){c.Do, c.DoGlobal} {
				_, err = do(t.Context(), tc.method, tc.path, body)
				require.ErrorContains(t, err, "send request: ")
				require.ErrorContains(t, err, tc.problem)
				require.NotContains(t, err.Error(), "hunter2")
			}
			require.Empty(t, r.requests)
		})
	}
}

// A read is retried. A write is sent again only if the failed one had no effect.
func TestDoRetries(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method string
		fault  cloudruntest.Fault
		again  bool
	}{
		"read":                      {"GET", cloudruntest.Fault{Status: 503}, true},
		"lost read":                 {"GET", cloudruntest.Fault{Reset: true}, true},
		"write that is refused":     {"DELETE", cloudruntest.Fault{Status: 429}, true},
		"lost write":                {"DELETE", cloudruntest.Fault{Reset: true}, false},
		"write that may be made":    {"DELETE", cloudruntest.Fault{Status: 503}, false},
		"write that was made":       {"DELETE", cloudruntest.Fault{Status: 503, After: true}, false},
		"create whose fate is open": {"POST", cloudruntest.Fault{Reset: true, After: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				s.ResetRequests()
				s.Fault(tc.fault)
				path, body := "/apis/serving.knative.dev/v1/namespaces/demo/services", []byte(nil)
				if tc.method == "POST" {
					body = []byte(`{"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "b"}, "spec": {"template": {"spec": {"containers": [{"image": "i"}]}}}}`)
				} else {
					path += "/hello"
				}
				_, err = c.Do(t.Context(), tc.method, path, body)
				if tc.again {
					require.NoError(t, err)
					require.Len(t, s.Requests(), 2)
					return
				}
				require.Error(t, err)
				require.Len(t, s.Requests(), 1)
			})
		})
	}
}

// The error is that of every other call, and quotes no value of the body.
func TestDoErrors(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	s.Fault(cloudruntest.Fault{Status: 400, Body: googleQuoting(400, quoted), Times: 1})
	body := []byte(`{"template": {"containers": [{"env": [{"name": "A", "value": ` + fmt.Sprintf("%q", quoted) + `}]}]}}`)
	_, err := c.DoGlobal(t.Context(), "POST", "/v2/projects/demo/locations/us-central1/services?serviceId=a&key=hunter2", body)
	var api *cloudrun.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, 400, api.StatusCode())
	require.ErrorContains(t, err, "POST /v2/projects/demo/locations/us-central1/services: HTTP 400 INVALID_ARGUMENT: bad value (hidden)")
	require.NotContains(t, allOf(err), hunter)
	require.NotContains(t, allOf(err), "hunter2")

	_, err = c.Do(t.Context(), "GET", "/apis/serving.knative.dev/v1/namespaces/demo/services/none", nil)
	require.True(t, apierrors.IsNotFound(err), err)
	_, err = c.Do(t.Context(), "GET", "/nonsense", nil)
	require.ErrorIs(t, err, cloudrun.ErrNotAPI)

	r := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
		a := endpointAnswer(req, 200, "application/json", "")
		a.Body = io.NopCloser(io.LimitReader(endlessBlanks{}, 32<<20))
		return a, nil
	}}
	c, err = cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
	require.NoError(t, err)
	_, err = c.Do(t.Context(), "GET", "/a", nil)
	require.ErrorContains(t, err, "GET /a: the response is too large")
}

type endlessBlanks struct{}

func (endlessBlanks) Read(p []byte) (int, error) { return copy(p, strings.Repeat(" ", len(p))), nil }
