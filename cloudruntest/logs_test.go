package cloudruntest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// logging returns a server with what a failed Service and a running one wrote.
func logging(t *testing.T, opts ...cloudruntest.Option) *cloudruntest.Server {
	s := cloudruntest.NewServer(opts...)
	t.Cleanup(s.Close)
	s.Handle("talker", func(c cloudruntest.Container) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(c.Stdout, "first of %s\nsecond", r.URL.Path)
			fmt.Fprintf(c.Stdout, " half\n")
			fmt.Fprintln(c.Stderr, `{"severity": "error", "message": "third"}`)
		})
	})
	return s
}

// of makes a Service one of an image.
func of(image string) func(object) {
	return func(doc object) { dig(doc, "spec", "template", "spec", "containers", 0).(object)["image"] = image }
}

// visit sends a request to a Service.
func visit(t *testing.T, s *cloudruntest.Server, name, path string) {
	t.Helper()
	raw, ok := s.Service("demo", name)
	require.True(t, ok)
	var service object
	require.NoError(t, json.Unmarshal(raw, &service))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, dig(service, "status", "url").(string)+path, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer token")
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	resp.Body.Close()
}

// entries lists entries. It returns the payloads, and the whole response.
func entries(t *testing.T, s *cloudruntest.Server, body string) (int, []string, object) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://logging.googleapis.com/v2/entries:list", strings.NewReader(body))
	require.NoError(t, err)
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var list object
	require.NoError(t, json.Unmarshal(raw, &list))
	var texts []string
	all, _ := list["entries"].([]any)
	for _, e := range all {
		text, _ := dig(e, "textPayload").(string)
		if message, ok := e.(object)["jsonPayload"]; ok {
			text = dig(message, "message").(string)
		}
		texts = append(texts, text)
	}
	return resp.StatusCode, texts, list
}

// Queries see what containers wrote.
func TestLogEntries(t *testing.T) {
	t.Parallel()
	s := logging(t)
	s.Script("broken", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Log: []string{"panic: no database"}, SystemLog: []string{"Container called exit(2)."}}})
	create(t, s, "talker", of("talker"))
	create(t, s, "broken")
	visit(t, s, "talker", "/a")

	const revision = `resource.type = cloud_run_revision \n AND resource.labels.service_name = `
	for name, tc := range map[string]struct {
		filter string
		want   []string
	}{
		"as gcloud asks":     {revision + `talker \n AND resource.labels.location = us-central1 \n AND severity >= DEFAULT \n AND timestamp>=\"2020-01-01T00:00:00.000000Z\"`, []string{"first of /a", "second half", "third"}},
		"quoted":             {`resource.labels.service_name=\"broken\"`, []string{"panic: no database", "Container called exit(2)."}},
		"of another region":  {revision + `talker AND resource.labels.location=mars-north1`, nil},
		"by severity":        {`severity>=ERROR`, []string{"Container called exit(2).", "third"}},
		"by text":            {`textPayload:SECOND`, []string{"second half"}},
		"by expression":      {`textPayload=~\"^(first|second)\"`, []string{"first of /a", "second half"}},
		"by log":             {`logName=\"projects/demo/logs/run.googleapis.com%2Fvarlog%2Fsystem\"`, []string{"Container called exit(2)."}},
		"of the future":      {`timestamp>\"2999-01-01T00:00:00Z\"`, nil},
		"one or the other":   {`resource.type=cloud_run_revision (textPayload:panic OR textPayload:first)`, []string{"panic: no database", "first of /a"}},
		"not":                {revision + `talker NOT severity=ERROR`, []string{"first of /a", "second half"}},
		"another resource":   {`resource.type=gae_app`, nil},
		"all":                {``, []string{"panic: no database", "Container called exit(2).", "first of /a", "second half", "third"}},
		"quotes in a string": {`textPayload=\"a \\\"b\\\" OR severity=ERROR\"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, texts, _ := entries(t, s, `{"resourceNames": ["projects/demo"], "filter": "`+tc.filter+`"}`)
			require.Equal(t, 200, code)
			require.Equal(t, tc.want, texts)
		})
	}
}

func TestLogEntriesInPages(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer()
	t.Cleanup(s.Close)
	var lines []string
	for i := range 7 {
		lines = append(lines, fmt.Sprint(i))
	}
	s.Script("", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Log: lines}})
	create(t, s, "hello", of("img"))
	var got []string
	token := ""
	for range 4 {
		code, texts, list := entries(t, s, `{"resourceNames": ["projects/demo"], "orderBy": "timestamp desc", "pageSize": 2, "pageToken": "`+token+`"}`)
		require.Equal(t, 200, code)
		got = append(got, texts...)
		token, _ = list["nextPageToken"].(string)
	}
	require.Equal(t, []string{"6", "5", "4", "3", "2", "1", "0"}, got)
	require.Empty(t, token)
}

// Lines that arrive late are not there before.
func TestLogEntriesArriveLate(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer()
	t.Cleanup(s.Close)
	s.Script("", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Log: []string{"late"}, LogDelay: time.Hour}})
	create(t, s, "hello", of("img"))
	_, texts, _ := entries(t, s, `{"resourceNames": ["projects/demo"]}`)
	require.Empty(t, texts)
}

func TestLogEntriesAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		code int
		want string
	}{
		"no project":        {`{}`, 400, "resource_names"},
		"an organization":   {`{"resourceNames": ["organizations/1"]}`, 400, "organizations/1"},
		"not JSON":          {`{`, 400, "Invalid JSON"},
		"another project":   {`{"resourceNames": ["projects/other"]}`, 403, "logging.logEntries.list"},
		"no comparison":     {`{"resourceNames": ["projects/demo"], "filter": "resource.type"}`, 400, "unparseable filter"},
		"no value":          {`{"resourceNames": ["projects/demo"], "filter": "a="}`, 400, "unparseable filter"},
		"open quote":        {`{"resourceNames": ["projects/demo"], "filter": "a=\"b"}`, 400, "unparseable filter"},
		"open parenthesis":  {`{"resourceNames": ["projects/demo"], "filter": "(a=b"}`, 400, "unparseable filter"},
		"no such severity":  {`{"resourceNames": ["projects/demo"], "filter": "severity>=LOUD"}`, 400, "LOUD"},
		"not a time":        {`{"resourceNames": ["projects/demo"], "filter": "timestamp>=noon"}`, 400, "noon"},
		"bad expression":    {`{"resourceNames": ["projects/demo"], "filter": "a=~\"(\""}`, 400, "unparseable filter"},
		"too long":          {`{"resourceNames": ["projects/demo"], "filter": "` + strings.Repeat("(", 30_000) + `"}`, 400, "20000"},
		"bad order":         {`{"resourceNames": ["projects/demo"], "orderBy": "severity"}`, 400, "orderBy"},
		"bad page token":    {`{"resourceNames": ["projects/demo"], "pageToken": "x"}`, 400, "page_token"},
		"negative page":     {`{"resourceNames": ["projects/demo"], "pageSize": -1}`, 400, "page_size"},
		"without the right": {`{"resourceNames": ["projects/denied"]}`, 403, "Permission 'logging.logEntries.list' denied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cloudruntest.NewServer(cloudruntest.WithProject("demo", "1"), cloudruntest.WithProject("denied", "2"))
			t.Cleanup(s.Close)
			if strings.Contains(tc.body, "denied") {
				s.DenyPermission("logging.logEntries.list")
			}
			code, _, list := entries(t, s, tc.body)
			require.Equal(t, tc.code, code)
			require.Contains(t, dig(list, "error", "message"), tc.want)
		})
	}
}

// A line without an end becomes entries all the same.
func TestLongLinesOfALog(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer()
	t.Cleanup(s.Close)
	s.Handle("img", func(c cloudruntest.Container) http.Handler {
		_, _ = io.WriteString(c.Stderr, strings.Repeat("x", 1<<20))
		return http.NotFoundHandler()
	})
	create(t, s, "hello", of("img"))
	visit(t, s, "hello", "/")
	_, texts, _ := entries(t, s, `{"resourceNames": ["projects/demo"]}`)
	require.Len(t, texts, 3)
	require.Len(t, texts[0], 256<<10)
}

func TestGcloudReadsLogs(t *testing.T) {
	g := newGcloud(t)
	g.s.Handle("talker", func(c cloudruntest.Container) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fmt.Fprintln(c.Stdout, "hello from the container") })
	})
	g.run("has been deployed", "run", "deploy", "hello", "--image=talker", "--allow-unauthenticated")
	visit(t, g.s, "hello", "/")
	g.run("hello from the container", "beta", "run", "services", "logs", "read", "hello")
	g.run("hello from the container", "beta", "run", "revisions", "logs", "read", dig(g.service("hello"), "status", "latestReadyRevisionName").(string), "--limit=1")
	g.run("hello from the container", "logging", "read", `resource.type=cloud_run_revision AND textPayload:"from"`, "--limit=5", "--format=value(textPayload)")

	g.s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Log: []string{"panic: no database"}}})
	g.fail("failed", "run", "deploy", "hello", "--image=talker")
	out := g.run("panic: no database", "beta", "run", "services", "logs", "read", "hello")
	require.Less(t, strings.Index(out, "hello from the container"), strings.Index(out, "panic: no database"), "the oldest line comes first")
	g.s.DenyPermission("logging.logEntries.list")
	g.fail("logging.logEntries.list", "beta", "run", "services", "logs", "read", "hello")
}
