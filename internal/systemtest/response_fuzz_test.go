package systemtest

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// FuzzServiceAnswer checks that any response causes at most an error, and that
// an edit of one field keeps all others.
func FuzzServiceAnswer(f *testing.F) {
	for _, seed := range []string{testkit.UnknownFieldsService, hostileService("True", "m"), hostileService("False", hostileMessage), `{}`, `null`, `[]`, `{"metadata": {"name": "a"}}`,
		`{"metadata": {"name": "a", "resourceVersion": "1"}, "spec": {"template": {"spec": {"containers": [{"resources": {"limits": {"cpu": "1e9999999"}}}]}}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		testkit.InVirtualTime(t, func(t *testing.T) { testServiceAnswer(t, answer) }) // it may be retried for minutes
	})
}

func testServiceAnswer(t *testing.T, answer []byte) {
	var sent []byte
	c := hostileClient(t, testkit.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodPut {
			body, err := req.GetBody()
			assert.NoError(t, err)
			sent = make([]byte, req.ContentLength)
			_, err = body.Read(sent)
			assert.NoError(t, err)
			return hostileAnswer{status: 400, body: `{"error": {"code": 400, "message": "enough"}}`}.RoundTrip(req)
		}
		return hostileAnswer{body: string(answer)}.RoundTrip(req)
	}))
	read, err := c.GetService(t.Context(), "hello")
	require.Equal(t, err == nil, read != nil)
	_, _ = c.UpdateService(t.Context(), "hello", func(s *servingv1.Service) error {
		s.Spec.Template.Spec.ServiceAccountName += "x"
		return nil
	})
	if sent == nil {
		return
	}
	was, is := testkit.Leaves(answer), testkit.Leaves(sent)
	delete(is, "/spec/template/spec/serviceAccountName")
	for path, value := range was {
		if now, ok := is[path]; ok || path == "/spec/template/spec/serviceAccountName" || path == "/spec/template/metadata/name" {
			require.True(t, !ok || now == value, path)
			continue
		}
		t.Errorf("lost %s=%s", path, value)
	}
}

// FuzzNames checks that every accepted name makes a URL of this API.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"hello", "a.b", "../x", "a/b", "%2e", "evil.com/#", "", "A", "-a", "ä"} {
		f.Add(seed, seed, seed)
	}
	f.Fuzz(func(t *testing.T, project, region, name string) {
		if project == "" {
			return // the project would come from the environment
		}
		var asked *http.Request
		transport := testkit.RoundTripper(func(req *http.Request) (*http.Response, error) {
			asked = req
			return hostileAnswer{status: 404, body: `{"error": {"code": 404, "status": "NOT_FOUND"}}`}.RoundTrip(req)
		})
		c, err := cloudrun.NewClient(t.Context(), project, region, option.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			return
		}
		_, _ = c.GetService(t.Context(), name)
		if asked == nil {
			return
		}
		require.Equal(t, region+"-run.googleapis.com", asked.URL.Host)
		require.Equal(t, "/apis/serving.knative.dev/v1/namespaces/"+project+"/services/"+name, asked.URL.Path)
		require.Empty(t, asked.URL.RawQuery+asked.URL.Fragment)
	})
}
