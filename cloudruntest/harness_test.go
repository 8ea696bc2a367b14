package cloudruntest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

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

// do sends a request. A body that is not a string is encoded. A URL without a host
// is sent to the region.
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

// request sends a request and returns the error of the transport.
func request(ctx context.Context, s *cloudruntest.Server, method, url, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// minimal returns the smallest valid Service.
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

// create creates a Service.
func create(t testing.TB, s *cloudruntest.Server, name string, edits ...func(object)) object {
	t.Helper()
	doc := minimal(name)
	for _, edit := range edits {
		edit(doc)
	}
	code, sv := do(t, s, "POST", demo+"/services", doc)
	require.Less(t, code, 300, "%v", sv)
	return sv
}

// edit reads a Service, edits it and writes it back.
func edit(t testing.TB, s *cloudruntest.Server, name string, change func(object)) object {
	t.Helper()
	sv := get(t, s, name)
	change(sv)
	code, answer := do(t, s, "PUT", demo+"/services/"+name, sv)
	require.Equal(t, 200, code, "%v", answer)
	return answer
}

func get(t testing.TB, s *cloudruntest.Server, name string) object {
	t.Helper()
	code, sv := do(t, s, "GET", demo+"/services/"+name, nil)
	require.Equal(t, 200, code, "%v", sv)
	return sv
}

// env adds a variable to the first container, which creates a Revision.
func env(name, value string) func(object) {
	return func(sv object) {
		c := dig(sv, "spec", "template", "spec", "containers", 0).(object)
		list, _ := c["env"].([]any)
		c["env"] = append(list, object{"name": name, "value": value})
	}
}

// split sets the traffic targets.
func split(targets ...any) func(object) {
	return func(sv object) { sv["spec"].(object)["traffic"] = targets }
}

// conditions returns the conditions of an object as TYPE=STATUS(REASON), in order.
func conditions(o object) []string {
	var list []string
	all, _ := dig(o, "status", "conditions").([]any)
	for _, c := range all {
		text := dig(c, "type").(string) + "=" + dig(c, "status").(string)
		if reason, _ := dig(c, "reason").(string); reason != "" {
			text += "(" + reason + ")"
		}
		list = append(list, text)
	}
	return list
}

func violatedFields(answer object) []string {
	var list []string
	all, _ := dig(answer, "error", "details", 0, "fieldViolations").([]any)
	for _, v := range all {
		list = append(list, dig(v, "field").(string))
	}
	return list
}
