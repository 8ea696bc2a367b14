package systemtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

// hostileAnswer answers every request with the same response.
type hostileAnswer struct {
	status            int
	contentType, body string
	header            http.Header
}

func (h hostileAnswer) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
	header := http.Header{"Content-Type": {cmpOr(h.contentType, "application/json")}}
	for k, v := range h.header {
		header[k] = v
	}
	body := h.body
	if strings.HasSuffix(req.URL.Path, "IamPolicy") {
		body = hostilePolicy(body)
	}
	return &http.Response{StatusCode: max(h.status, 200), Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

// hostilePolicy returns the bindings and the etag of a response, if it has them.
func hostilePolicy(body string) string {
	var fields, policy map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &fields) != nil || fields["bindings"] == nil {
		return body
	}
	policy = map[string]json.RawMessage{"bindings": fields["bindings"]}
	if fields["etag"] != nil {
		policy["etag"] = fields["etag"]
	}
	encoded, err := json.Marshal(policy)
	if err != nil {
		return body
	}
	return string(encoded)
}

func hostileClient(t testing.TB, transport http.RoundTripper) *cloudrun.Client {
	t.Helper()
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	return c
}

// hostileCalls are the calls that read responses. Each returns all the text that
// it would show to a person.
var hostileCalls = map[string]func(context.Context, *cloudrun.Client) string{
	"get": func(ctx context.Context, c *cloudrun.Client) string {
		_, err := c.GetService(ctx, "hello")
		return hostileText(err)
	},
	"list": func(ctx context.Context, c *cloudrun.Client) (text string) {
		for _, err := range c.ListServices(ctx) {
			text = hostileText(err)
			if err != nil {
				break
			}
		}
		return text
	},
	"list revisions": func(ctx context.Context, c *cloudrun.Client) (text string) {
		for _, err := range c.ListRevisions(ctx) {
			text = hostileText(err)
			if err != nil {
				break
			}
		}
		return text
	},
	"wait": func(ctx context.Context, c *cloudrun.Client) string {
		_, err := cloudrun.WaitReady(ctx, c, "hello")
		return hostileText(err)
	},
	"deploy": func(ctx context.Context, c *cloudrun.Client) string {
		var out bytes.Buffer
		r := runprogress.New(&out)
		warned := ""
		watch := func(e cloudrun.Event) {
			warned += e.Message + hostileText(e.Err)
			r.Handle(e)
		}
		result, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(testkit.Image), cloudrun.WithPublicAccess(), cloudrun.WithProgress(watch))
		r.Done(err)
		text := hostileText(err) + warned + out.String()
		if result != nil {
			text += strings.Join(result.Warnings, "") + result.Revision + result.URL + strings.Join(result.URLs, "") + fmt.Sprint(result.TagURLs)
		}
		return text
	},
	"terminal": func(ctx context.Context, c *cloudrun.Client) string {
		var out bytes.Buffer
		r := runprogress.New(&out, runprogress.WithTerminal(true))
		_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(testkit.Image), cloudrun.WithProgress(r.Handle))
		r.Done(err)
		return hostileOwnEscapes.ReplaceAllString(out.String(), "")
	},
	"traffic": func(ctx context.Context, c *cloudrun.Client) string {
		_, err := cloudrun.NewDeployer(c).UpdateTraffic(ctx, "hello", cloudrun.ToLatest())
		return hostileText(err)
	},
	"policy": func(ctx context.Context, c *cloudrun.Client) string {
		return hostileText(cloudrun.MakePublic(ctx, c, "hello"))
	},
}

// hostileOwnEscapes matches the escapes of runprogress: they move the cursor, erase and color.
var hostileOwnEscapes = regexp.MustCompile("\x1b\\[(\\?25[hl]|[0-9;]*[AJKGm])|\r")

func hostileText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// hostileChars matches characters that can control a terminal or hide text.
var hostileChars = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f-\x{9f}\x{061c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2028}\x{2029}\x{2066}-\x{2069}]`)

// hostileRun makes every call against one response. None of them panics, hangs or
// returns text that is unsafe on a terminal.
func hostileRun(t *testing.T, name string, transport http.RoundTripper) {
	t.Helper()
	c := hostileClient(t, transport)
	for callName, call := range hostileCalls {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		start := time.Now()
		text := call(ctx, c)
		cancel()
		require.LessOrEqual(t, time.Since(start), 30*time.Second, "%s: %s", name, callName)
		if bad := hostileChars.FindString(text); bad != "" {
			t.Errorf("%s: %s: %q in %q", name, callName, bad, text)
		}
	}
}

// hostileService returns a Service with a status.
func hostileService(ready, message string) string {
	quoted, _ := json.Marshal(message)
	m := string(quoted)
	return fmt.Sprintf(`{"apiVersion": "serving.knative.dev/v1", "kind": "Service",
	"metadata": {"name": "hello", "namespace": "demo", "generation": 2, "resourceVersion": "7", "uid": "u", "labels": {"a": "b"}, "creationTimestamp": "2026-01-01T00:00:00Z",
		"annotations": {"run.googleapis.com/urls": "[\"https://a.example\"]", "serving.knative.dev/lastModifier": %[2]s, "run.googleapis.com/operation-id": "op"}},
	"spec": {"template": {"metadata": {"name": "hello-00002-abc", "labels": {"x": "y"}, "annotations": {"z": "1"}},
		"spec": {"containerConcurrency": 80, "timeoutSeconds": 300, "serviceAccountName": "a@b", "volumes": [{"name": "v", "secret": {"secretName": "s", "items": [{"key": "1", "path": "p"}]}}],
			"containers": [{"name": "c", "image": "i", "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "1"}}}],
				"ports": [{"name": "http1", "containerPort": 8080}], "resources": {"limits": {"cpu": "1", "memory": "512Mi"}},
				"volumeMounts": [{"name": "v", "mountPath": "/x"}], "startupProbe": {"periodSeconds": 1, "tcpSocket": {"port": 8080}}}]}},
		"traffic": [{"revisionName": %[2]s, "percent": 90}, {"latestRevision": true, "percent": 10, "tag": "t"}]},
	"status": {"observedGeneration": 2, "url": "https://a.example", "address": {"url": "https://a.example"}, "latestCreatedRevisionName": %[2]s, "latestReadyRevisionName": "hello-00001-abc",
		"conditions": [{"type": "Ready", "status": %[1]q, "reason": %[2]s, "message": %[2]s, "severity": "", "lastTransitionTime": "2026-01-01T00:00:00Z"},
			{"type": "ConfigurationsReady", "status": %[1]q, "reason": %[2]s, "message": %[2]s}, {"type": "RoutesReady", "status": %[1]q},
			{"type": %[2]s, "status": "False", "severity": "Warning", "message": %[2]s}],
		"traffic": [{"revisionName": "hello-00001-abc", "percent": 90, "url": "https://a.example"}, {"latestRevision": true, "revisionName": "hello-00002-abc", "percent": 10, "tag": "t"}]},
	"bindings": [{"role": %[2]s, "members": [%[2]s]}], "etag": "AA==", "items": []}`, ready, m)
}

const hostileMessage = "red\x1b[31m\x1b]0;title\x07 over\r\x08\x9b2J\u202egnp.exe\u2066\u2028 end\x00"

func TestHostileText(t *testing.T) {
	t.Parallel()
	testkit.InVirtualTime(t, func(t *testing.T) {
		for _, ready := range []string{"True", "False", "Unknown"} {
			hostileRun(t, "Ready="+ready, hostileAnswer{body: hostileService(ready, hostileMessage)})
		}
		quoted, _ := json.Marshal(hostileMessage)
		m := string(quoted)
		for name, body := range map[string]string{
			"Google error":     fmt.Sprintf(`{"error": {"code": 400, "status": %[1]s, "message": %[1]s, "details": [{"@type": "google.rpc.ErrorInfo", "reason": %[1]s, "metadata": {"permission": %[1]s}}, {"fieldViolations": [{"field": %[1]s, "description": %[1]s}]}]}}`, m),
			"Kubernetes error": fmt.Sprintf(`{"kind": "Status", "status": %[1]s, "reason": %[1]s, "message": %[1]s, "details": {"causes": [{"field": %[1]s, "message": %[1]s}]}}`, m),
			"plain":            hostileMessage,
			"invalid UTF-8":    "\xff\xfe{\"error\": \"\xc0\xaf\x1b[31m\"}",
			"quoted":           `{"error": {"code": 400, "message": "\ud800\u001b[31m\udc00"}}`,
		} {
			for _, status := range []int{400, 403, 404, 409, 412, 429, 500, 503} {
				hostileRun(t, fmt.Sprint(name, " ", status), hostileAnswer{status: status, body: body, header: http.Header{"Warning": {hostileMessage}}})
			}
			hostileRun(t, name+" of an operation", hostileAnswer{body: `{"name": "operations/op", "done": true, "error": {"message": ` + m + `}}`})
			hostileRun(t, name+" with 200", hostileAnswer{body: body})
		}
		hostileRun(t, "redirect", hostileAnswer{status: 302, header: http.Header{"Location": {"https://evil.example\x1b[31m/"}}})
		hostileRun(t, "page", hostileAnswer{contentType: "text/html", body: "<html>\x1b[31m"})
	})
}

// hostileValues replace each value in a response, one at a time.
var hostileValues = []string{`1`, `-1`, `1e400`, `99999999999999999999999`, `""`, `"x"`, `"NaN"`, `true`, `null`, `[]`, `[null]`, `[1]`, `[[]]`, `[{}]`, `{}`, `{"a": {}}`, `{"": null}`}

// A value of the wrong type causes at most an error, at every level.
func TestHostileTypes(t *testing.T) {
	t.Parallel()
	every := 1 // try every nth value in each place
	switch {
	case testkit.UnderRace:
		every = 29
	case testing.Short():
		every = 7
	}
	testkit.InVirtualTime(t, func(t *testing.T) {
		for _, ready := range []string{"True", "False"} {
			var document any
			require.NoError(t, json.Unmarshal([]byte(hostileService(ready, "m")), &document))
			bodies := 0
			hostileEach(document, func(set func(any)) {
				for i, value := range hostileValues {
					if (bodies+i)%every != 0 {
						continue
					}
					set(json.RawMessage(value))
					body, err := json.Marshal(document)
					require.NoError(t, err)
					c := hostileClient(t, hostileAnswer{body: string(body)})
					for _, call := range hostileCalls {
						ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
						call(ctx, c)
						cancel()
					}
				}
				bodies++
			})
			require.Greater(t, bodies, 100)
		}
	})
}

// hostileEach calls f for every value within a JSON value, with a function that sets it.
func hostileEach(v any, f func(set func(any))) {
	switch v := v.(type) {
	case map[string]any:
		keys := []string{}
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			was := v[key]
			f(func(to any) { v[key] = to })
			v[key] = was
			hostileEach(was, f)
		}
	case []any:
		for i, was := range v {
			f(func(to any) { v[i] = to })
			v[i] = was
			hostileEach(was, f)
		}
	}
}

// TestHostileLengths checks that no error is long and no text is unsafe, wherever a huge or unsafe value is.
func TestHostileLengths(t *testing.T) {
	t.Parallel()
	every := 3 // try every nth place
	switch {
	case testkit.UnderRace:
		every = 37
	case testing.Short():
		every = 11
	}
	huge := strings.Repeat("9", 50_000)
	testkit.InVirtualTime(t, func(t *testing.T) {
		for _, ready := range []string{"True", "False"} {
			var document any
			require.NoError(t, json.Unmarshal([]byte(hostileService(ready, "m")), &document))
			n := 0
			hostileEach(document, func(set func(any)) {
				if n++; n%every != 0 {
					return
				}
				for _, value := range []string{huge, `"` + huge + `"`, `"https://a.example/` + huge + `"`, `"[\"https://a.example/\\u001b\", \"` + huge + `\"]"`, `"a\u001b[31m\u202e"`, `"https://a.example/\u202e"`} {
					set(json.RawMessage(value))
					body, err := json.Marshal(document)
					require.NoError(t, err)
					c := hostileClient(t, hostileAnswer{body: string(body)})
					for name, call := range hostileCalls {
						ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
						text := call(ctx, c)
						cancel()
						require.Less(t, len(text), 48<<10, "%s: %.200s", name, text)
						if bad := hostileChars.FindString(text); bad != "" {
							t.Errorf("%s: %q in %.500q", name, bad, text)
						}
					}
				}
			})
		}
	})
}

// Values that are too deep, too long or too large cause an error quickly.
func TestHostileSizes(t *testing.T) {
	if testkit.UnderRace {
		t.Skip("it is about sizes, and takes a minute with the race detector")
	}
	t.Parallel()
	service := func(field, value string) string {
		return `{"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "hello", "namespace": "demo", "resourceVersion": "1", "generation": 1}, ` +
			`"spec": {"template": {"spec": {"containers": [{"image": "i"}]}}}, "` + field + `": ` + value + `}`
	}
	repeat := func(s string, n int) string { return "[" + strings.TrimSuffix(strings.Repeat(s+",", n), ",") + "]" }
	limits := func(q string) string {
		return strings.Replace(service("x", "1"), `{"image": "i"}`, `{"image": "i", "resources": {"limits": {"cpu": "`+q+`", "memory": "`+q+`"}}}`, 1)
	}
	bodies := map[string]string{
		"deep lists":         strings.Repeat("[", 1_000_000),
		"deep closed lists":  strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"deep objects":       strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000),
		"deep in a field":    service("x", strings.Repeat(`{"a":[`, 4_000)+strings.Repeat("]}", 4_000)),
		"too deep a field":   service("x", strings.Repeat(`{"a":[`, 40_000)+strings.Repeat("]}", 40_000)),
		"many conditions":    service("status", `{"conditions": `+repeat(`{"type": "Ready", "status": "False", "message": "m"}`, 3_000)+`}`),
		"many targets":       service("status", `{"traffic": `+repeat(`{"percent": 100, "tag": "t"}`, 3_000)+`}`),
		"many fields":        service("x", "{"+strings.TrimSuffix(strings.Repeat(`"a":1,`, 50_000), ",")+"}"),
		"many items":         `{"items": ` + repeat(`{}`, 50_000) + `}`,
		"many bindings":      `{"etag": "AA==", "bindings": ` + repeat(`{"role": "r", "members": ["a", "b"]}`, 5_000) + `}`,
		"a long name":        service("x", `"`+strings.Repeat("x", 1<<20)+`"`),
		"a long number":      service("x", strings.Repeat("9", 1<<18)),
		"pages without end":  `{"items": [], "metadata": {"continue": "again"}}`,
		"NaN":                limits("NaN"),
		"infinite":           limits("Inf"),
		"a huge exponent":    limits("1e999999999"),
		"a tiny exponent":    limits("1e-999999999"),
		"a huge quantity":    limits(strings.Repeat("9", 100_000)),
		"a negative one":     limits("-1"),
		"not a number":       service("x", "NaN"),
		"invalid UTF-8":      service("x", "\"\xff\xfe\xc0\xaf\""),
		"invalid UTF-8 name": strings.Replace(service("x", "1"), `"i"`, "\"\xff\"", 1),
		"two documents":      service("x", "1") + service("x", "2"),
		"nothing":            "", "null": "null", "a byte order mark": "\ufeff" + service("x", "1"),
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			testkit.InVirtualTime(t, func(t *testing.T) { hostileRun(t, name, hostileAnswer{body: body}) })
		})
	}
}

// A huge or negative Retry-After does not make callers hurry.
func TestHostileDelays(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]hostileAnswer{
		"the last date":    {header: http.Header{"Retry-After": {"Fri, 31 Dec 9999 23:59:59 GMT"}}},
		"seconds":          {header: http.Header{"Retry-After": {"9223372036854775807"}}},
		"negative seconds": {header: http.Header{"Retry-After": {"-9223372036854775808"}}},
		"Kubernetes":       {body: `{"kind": "Status", "details": {"retryAfterSeconds": 9223372036854775807}}`},
		"negative":         {body: `{"kind": "Status", "details": {"retryAfterSeconds": -9223372036854775807}}`},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.InVirtualTime(t, func(t *testing.T) {
				h.status = http.StatusTooManyRequests
				var mu sync.Mutex
				requests := 0
				c := hostileClient(t, testkit.RoundTripper(func(req *http.Request) (*http.Response, error) {
					mu.Lock()
					defer mu.Unlock()
					requests++
					return h.RoundTrip(req)
				}))
				for callName, call := range hostileCalls {
					requests = 0
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
					call(ctx, c)
					cancel()
					require.Less(t, requests, 30, callName)
				}
			})
		})
	}
}
