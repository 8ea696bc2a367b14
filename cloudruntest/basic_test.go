package cloudruntest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

type object = map[string]any

const (
	demo     = "/apis/serving.knative.dev/v1/namespaces/demo"
	located  = "/v1/projects/demo/locations/us-central1"
	regional = "https://us-central1-run.googleapis.com"
	global   = "https://run.googleapis.com"
	image    = "gcr.io/cloudrun/hello"
)

// do sends a request; the body is encoded unless it is text. A path alone goes to the region.
func do(t testing.TB, s *cloudruntest.Server, method, url string, body any) (int, object) {
	t.Helper()
	code, raw, _ := send(t, s, method, url, body)
	var o object
	require.NoError(t, json.Unmarshal(raw, &o), "%s", raw)
	return code, o
}

func send(t testing.TB, s *cloudruntest.Server, method, url string, body any) (int, []byte, http.Header) {
	t.Helper()
	if url[0] == '/' {
		url = regional + url
	}
	var data []byte
	switch b := body.(type) {
	case nil:
	case string:
		data = []byte(b)
	default:
		data, _ = json.Marshal(b)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(data))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, raw, resp.Header
}

// minimal is the least that makes a Service.
func minimal(name string) object {
	return object{
		"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": object{"name": name},
		"spec": object{"template": object{"spec": object{"containers": []any{object{"image": image}}}}},
	}
}

// dig follows a path of keys and indexes.
func dig(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			o, _ := v.(object)
			v = o[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func newServer(t testing.TB, opts ...cloudruntest.Option) *cloudruntest.Server {
	s := cloudruntest.NewServer(append([]cloudruntest.Option{cloudruntest.InProcess()}, opts...)...)
	t.Cleanup(s.Close)
	return s
}

func TestCreateIsReadyAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	code, sv := do(t, s, "POST", demo+"/services", minimal("hello"))
	require.Equal(t, 200, code)
	b, _ := json.MarshalIndent(sv, "", " ")
	t.Logf("%s", b)
	require.Equal(t, "True", dig(sv, "status", "conditions", 0, "status"))
}

func TestOperationWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, cloudruntest.WithTimeToReady(7*time.Second))
		_, sv := do(t, s, "POST", demo+"/services", minimal("hello"))
		id := dig(sv, "metadata", "annotations", "run.googleapis.com/operation-id").(string)
		start := time.Now()
		code, op := do(t, s, "POST", located+"/operations/"+id+":wait", object{"timeout": "30s"})
		require.Equal(t, 200, code)
		require.Equal(t, true, op["done"])
		require.Equal(t, 7*time.Second, time.Since(start))
		require.Equal(t, "True", dig(op, "response", "status", "conditions", 0, "status"))
	})
}
