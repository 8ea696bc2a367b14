package cloudruntest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// The presets are the failures that everybody tests. The messages are Cloud Run's.
func ExampleImageNotFound() {
	s := cloudruntest.NewServer(cloudruntest.InProcess())
	defer s.Close()
	s.Script("hello", cloudruntest.ImageNotFound())
	resp, err := s.Client().Post(s.URL+"/apis/serving.knative.dev/v1/namespaces/demo/services", "application/json",
		strings.NewReader(`{"metadata": {"name": "hello"}, "spec": {"template": {"metadata": {"name": "hello-v1"}, "spec": {"containers": [{"image": "example.com/missing:v1"}]}}}}`))
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
	fmt.Println(readyMessage(s, "hello"))
	// Output: Revision 'hello-v1' is not ready and cannot serve traffic. Image 'example.com/missing:v1' not found.
}

// Another writer changes the Service between the read and the write of an update, so the write is refused.
func ExampleServer_ConcurrentWriter() {
	s := cloudruntest.NewServer(cloudruntest.InProcess())
	defer s.Close()
	if err := s.PutService("demo", "us-central1", json.RawMessage(`{"metadata": {"name": "hello", "resourceVersion": "1"},
		"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}`)); err != nil {
		panic(err)
	}
	s.Fault(s.ConcurrentWriter("demo", "hello"))
	raw, _ := s.Service("demo", "hello")
	req, _ := http.NewRequest(http.MethodPut, s.URL+"/apis/serving.knative.dev/v1/namespaces/demo/services/hello", strings.NewReader(string(raw)))
	resp, err := s.Client().Do(req)
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 409
}

func readyMessage(s *cloudruntest.Server, name string) string {
	raw, _ := s.Service("demo", name)
	var service struct {
		Status struct {
			Conditions []struct{ Type, Message string }
		}
	}
	_ = json.Unmarshal(raw, &service)
	for _, c := range service.Status.Conditions {
		if c.Type == "Ready" {
			return c.Message
		}
	}
	return ""
}

// post creates a Service and returns the status and the response.
func post(t *testing.T, s *cloudruntest.Server, body string) (int, string) {
	t.Helper()
	resp, err := s.Client().Post(s.URL+"/apis/serving.knative.dev/v1/namespaces/demo/services", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(answer)
}

const presetService = `{"metadata": {"name": "hello", "labels": {%s}}, "spec": {"template": {"metadata": {"name": "hello-v1"}, "spec": {"serviceAccountName": "app@demo.iam.gserviceaccount.com",
	"containers": [{"image": "img", "ports": [{"containerPort": 9000}], "env": [{"name": "A"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "db", "key": "3"}}}]}]}}}}`

// Labels of a Service decide its course, if the server is told to obey them.
func TestScriptLabels(t *testing.T) {
	t.Parallel()
	const failed = "Revision 'hello-v1' is not ready and cannot serve traffic. "
	for outcome, tc := range map[string]struct {
		status int
		text   string // of the condition Ready, or of the response
	}{
		"image-not-found": {200, failed + "Image 'img' not found."},
		"secret-denied": {200, failed + "spec.template.spec.containers[0].env[1].value_from.secret_key_ref.name: Permission denied on secret: " +
			"projects/123456789012/secrets/db/versions/3 for Revision service account app@demo.iam.gserviceaccount.com. "},
		"not-listening":  {200, failed + "The user-provided container failed to start and listen on the port defined provided by the PORT=9000 environment variable "},
		"quota-exceeded": {200, failed + "Quota exceeded for total allowable CPU per project per region."},
		"never-ready":    {200, ""},
		"forbidden":      {403, "Permission 'run.services.create' denied on resource 'namespaces/demo/services/hello'"},
		"conflict":       {409, "ABORTED"},
		"unavailable":    {503, "UNAVAILABLE"},
		"nonsense":       {400, `no outcome \"nonsense\": use one of conflict, forbidden, image-not-found, `},
	} {
		t.Run(outcome, func(t *testing.T) {
			t.Parallel()
			s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithScriptLabels())
			defer s.Close()
			body := fmt.Sprintf(presetService, fmt.Sprintf(`"cloudruntest-outcome": %q`, outcome))
			status, answer := post(t, s, body)
			require.Equal(t, tc.status, status, answer)
			if status != 200 {
				require.Contains(t, answer, tc.text)
				_, written := s.Service("demo", "hello")
				require.False(t, written, "a refused write has no effect")
			} else {
				require.Contains(t, readyMessage(s, "hello"), tc.text)
				require.NotContains(t, answer, `"type":"Ready","status":"True"`)
			}
			script, err := cloudruntest.Outcome(outcome)
			require.Equal(t, outcome == "nonsense", err != nil)

			plain := cloudruntest.NewServer(cloudruntest.InProcess())
			defer plain.Close()
			status, _ = post(t, plain, body)
			require.Equal(t, 200, status, "without the option it is a label like any other")
			require.Empty(t, readyMessage(plain, "hello"))

			if err == nil {
				all := cloudruntest.NewServer(cloudruntest.InProcess())
				defer all.Close()
				all.Script("", script)
				status, _ = post(t, all, fmt.Sprintf(presetService, ""))
				require.Equal(t, tc.status, status, "a Script for every Service")
			}
		})
	}
}

func TestTimeToReadyLabel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithScriptLabels())
		defer s.Close()
		status, answer := post(t, s, fmt.Sprintf(presetService, `"cloudruntest-time-to-ready": "soon"`))
		require.Equal(t, 400, status)
		require.Contains(t, answer, "is not a duration such as 30s")
		status, answer = post(t, s, fmt.Sprintf(presetService, `"cloudruntest-time-to-ready": "-1s"`))
		require.Equal(t, 400, status, answer)
		_, answer = post(t, s, fmt.Sprintf(presetService, `"cloudruntest-time-to-ready": "30s", "cloudruntest-outcome": "not-listening"`))
		require.NotContains(t, answer, "failed to start")
		time.Sleep(29 * time.Second)
		require.Equal(t, "Deploying Revision.", readyMessage(s, "hello"))
		time.Sleep(2 * time.Second)
		require.Contains(t, readyMessage(s, "hello"), "failed to start")
	})
}

// An outcome takes the time that the server's script or option has.
func TestOutcomeTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithScriptLabels())
		defer s.Close()
		s.Script("hello", cloudruntest.Script{TimeToReady: time.Minute})
		post(t, s, fmt.Sprintf(presetService, `"cloudruntest-outcome": "not-listening"`))
		time.Sleep(59 * time.Second)
		require.Equal(t, "Deploying Revision.", readyMessage(s, "hello"))
		time.Sleep(2 * time.Second)
		require.Contains(t, readyMessage(s, "hello"), "failed to start")
	})
}

// A secret in a volume is named with its field and version.
func TestSecretDeniedInAVolume(t *testing.T) {
	t.Parallel()
	for version, items := range map[string]string{"latest": "", "7": `, "items": [{"key": "7", "path": "db"}]`} {
		s := cloudruntest.NewServer(cloudruntest.InProcess())
		defer s.Close()
		s.Script("hello", cloudruntest.SecretDenied())
		status, answer := post(t, s, `{"metadata": {"name": "hello"}, "spec": {"template": {"spec": {"containers": [{"image": "img", "volumeMounts": [{"name": "v", "mountPath": "/db"}]}],
			"volumes": [{"name": "v", "secret": {"secretName": "db"`+items+`}}]}}}}`)
		require.Equal(t, 200, status, answer)
		require.Contains(t, readyMessage(s, "hello"), "spec.template.spec.volumes[0].secret.secret_name: Permission denied on secret: projects/123456789012/secrets/db/versions/"+version+" ")
	}
}

// A dry run writes nothing, so another writer does not come in its way.
func TestConcurrentWriterWaitsForTheWrite(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer(cloudruntest.InProcess())
	defer s.Close()
	post(t, s, fmt.Sprintf(presetService, ""))
	s.Fault(s.ConcurrentWriter("demo", "hello"))
	raw, _ := s.Service("demo", "hello")
	for _, tc := range []struct {
		query  string
		status int
	}{{"?dryRun=all", 200}, {"", 409}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL+"/apis/serving.knative.dev/v1/namespaces/demo/services/hello"+tc.query, strings.NewReader(string(raw)))
		require.NoError(t, err)
		resp, err := s.Client().Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, tc.status, resp.StatusCode, tc.query)
	}
}
