package parity_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/parity"
)

const services = "/apis/serving.knative.dev/v1/namespaces/demo/services"

// put returns a PUT of the Service hello with a template.
func put(t *testing.T, template string) parity.Request {
	t.Helper()
	return parity.Request{Method: "PUT", Host: "run.googleapis.com", Path: services + "/hello", Body: decode(t, `{"kind":"Service","metadata":{"name":"hello"},"spec":{"template":`+template+`}}`)}
}

func decode(t *testing.T, s string) parity.Object {
	t.Helper()
	var o parity.Object
	require.NoError(t, json.Unmarshal([]byte(s), &o))
	return o
}

func TestCompareSeesOnlyMeaning(t *testing.T) {
	t.Parallel()
	container := func(s string) string { return `{"spec":{"containers":[{"image":"x"` + s + `}]}}` }
	annotated := func(s string) string {
		return `{"metadata":{"annotations":{` + s + `}},"spec":{"containers":[{"image":"x"}]}}`
	}
	volume := func(name, secret string) string {
		return `{"spec":{"containers":[{"image":"x","volumeMounts":[{"name":"` + name + `","mountPath":"/m"}]}],"volumes":[{"name":"` + name + `","secret":{"secretName":"` + secret + `"}}]}}`
	}
	tests := map[string]struct {
		want, got string
		same      bool
	}{
		"equal":                {container(``), container(``), true},
		"another image":        {container(``), `{"spec":{"containers":[{"image":"y"}]}}`, false},
		"empty values":         {container(``), container(`,"env":[],"args":null,"name":""`), true},
		"quantity spelling":    {container(`,"resources":{"limits":{"cpu":"1","memory":"512Mi"}}`), container(`,"resources":{"limits":{"cpu":"1000m","memory":"536870912"}}`), true},
		"another quantity":     {container(`,"resources":{"limits":{"cpu":"1"}}`), container(`,"resources":{"limits":{"cpu":"2"}}`), false},
		"order of env":         {container(`,"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]`), container(`,"env":[{"name":"B","value":"2"},{"name":"A","value":"1"}]`), true},
		"another value":        {container(`,"env":[{"name":"A","value":"1"}]`), container(`,"env":[{"name":"A","value":"2"}]`), false},
		"order of args":        {container(`,"args":["a","b"]`), container(`,"args":["b","a"]`), false},
		"default port":         {container(``), container(`,"ports":[{"name":"http1","containerPort":8080}]`), true},
		"kind of probe":        {container(`,"startupProbe":{"tcpSocket":{}}`), container(`,"startupProbe":{"httpGet":{}}`), false},
		"boolean spelling":     {annotated(`"a":"True"`), annotated(`"a":"true"`), true},
		"client's annotations": {annotated(`"run.googleapis.com/client-name":"gcloud"`), annotated(``), true},
		"JSON in annotations":  {annotated(`"a":"{\"b\": 1}"`), annotated(`"a":"{\"b\":1}"`), true},
		"an annotation":        {annotated(`"a":"b"`), annotated(``), false},
		"volume names":         {volume("s-1", "s"), volume("s-2", "s"), true},
		"another secret":       {volume("s-1", "s"), volume("s-1", "t"), false},
		"generated names":      {`{"metadata":{"name":"hello-00002-abc"}}`, `{"metadata":{"name":"hello-00002-xyz"}}`, true},
		"given names":          {`{"metadata":{"name":"hello-a"}}`, `{"metadata":{"name":"hello-b"}}`, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			differences := parity.Compare([]parity.Request{put(t, tc.want)}, []parity.Request{put(t, tc.got)})
			require.Equal(t, tc.same, len(differences) == 0, "%q", differences)
			require.Equal(t, tc.same, len(parity.CompareServices(put(t, tc.want).Body.(parity.Object), put(t, tc.got).Body.(parity.Object))) == 0)
		})
	}
}

func TestCompareRequests(t *testing.T) {
	t.Parallel()
	get := parity.Request{Method: "GET", Path: services}
	write := put(t, `{}`)
	byNumber := write
	byNumber.Path = strings.Replace(write.Path, "demo", parity.Number, 1)
	dry := write
	dry.Query = map[string]string{"dryRun": "all"}
	policy := func(bindings string) parity.Request {
		return parity.Request{Method: "POST", Path: "/v1/x:setIamPolicy", Body: decode(t, `{"policy":{"bindings":[`+bindings+`]}}`)}
	}
	tests := map[string]struct {
		want, got []parity.Request
		differ    string // part of the difference; empty: none
	}{
		"reads":             {[]parity.Request{get, write}, []parity.Request{write, get, get}, ""},
		"missing":           {[]parity.Request{write}, nil, "request[0]: missing: PUT"},
		"unexpected":        {nil, []parity.Request{write}, "request[0]: unexpected: PUT"},
		"project by number": {[]parity.Request{write}, []parity.Request{byNumber}, ""},
		"a dry run":         {[]parity.Request{write}, []parity.Request{dry}, "query.dryRun: unexpected"},
		"members": {[]parity.Request{policy(`{"role":"r","members":["a","b"]}`)},
			[]parity.Request{policy(`{"role":"r","members":["b"]},{"role":"r","members":["a"]}`)}, ""},
		"another member": {[]parity.Request{policy(`{"role":"r","members":["a"]}`)}, []parity.Request{policy(`{"role":"r","members":["b"]}`)}, "bindings"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			differences := strings.Join(parity.Compare(tc.want, tc.got), "\n")
			if tc.differ == "" {
				require.Empty(t, differences)
				return
			}
			require.Contains(t, differences, tc.differ)
		})
	}
}

func TestServer(t *testing.T) {
	t.Parallel()
	once := 1
	s := parity.NewServer(&parity.Case{Server: parity.Behavior{Mode: "wait", Fail: map[string]*parity.Fail{"delete": {Status: 503, Times: &once}}}})
	c := &http.Client{Transport: s}
	send := func(method, path, body string) (int, parity.Object) {
		req, err := http.NewRequestWithContext(t.Context(), method, "https://run.googleapis.com"+path, strings.NewReader(body))
		require.NoError(t, err)
		resp, err := c.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		var o parity.Object
		_ = json.Unmarshal(raw, &o)
		return resp.StatusCode, o
	}
	const doc = `{"metadata":{"name":"hello"},"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}`
	for _, step := range []struct {
		method, path, body string
		code               int
	}{
		{"GET", services + "/hello", "", 404}, {"POST", services, doc, 200}, {"POST", services, doc, 409}, {"PUT", services + "/hello", doc, 200},
		{"POST", services, "[]", 400}, {"GET", "/v1/projects/demo", "", 200}, {"GET", "/v1/projects/demo/locations", "", 200}, {"GET", "/v2", "", 404},
		{"POST", "/v1/projects/demo/locations/us-central1/services/hello:setIamPolicy", `{"policy":{}}`, 200},
	} {
		code, _ := send(step.method, step.path, step.body)
		require.Equal(t, step.code, code, "%s %s", step.method, step.path)
	}
	_, operation := send("POST", "/v1/projects/demo/locations/us-central1/operations/x:wait", "{}")
	require.Equal(t, true, operation["done"])
	require.Len(t, s.Services(), 1)
	require.Equal(t, "BwSet001", s.Policy()["etag"])
	code, _ := send("DELETE", services+"/hello", "")
	require.Equal(t, 503, code)
	code, _ = send("DELETE", services+"/hello", "")
	require.Equal(t, 200, code)
	require.Empty(t, s.Services())
	require.Equal(t, "run.googleapis.com", s.Requests()[0].Host)
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"b.json": `{"name":"env.set"}`, "a.json": `{"name":"basic.create","exit":1}`, "c.txt": "x"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	cases, err := parity.Load(dir)
	require.NoError(t, err)
	require.Len(t, cases, 2)
	require.Equal(t, "basic", cases[0].Area())
	require.Equal(t, 1, cases[0].Exit)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.json"), []byte("{"), 0o600))
	_, err = parity.Load(dir)
	require.ErrorContains(t, err, "d.json")
}
