package logging_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/logging"
)

func TestQuery(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	const base = `resource.type="cloud_run_revision" AND resource.labels.location="r"`
	for name, tc := range map[string]struct {
		query logging.Query
		want  string
	}{
		"a Service":         {logging.Query{Service: "hello"}, base + ` AND resource.labels.service_name="hello"`},
		"a Revision":        {logging.Query{Revisions: []string{"a", "a"}, Since: at}, base + ` AND resource.labels.revision_name="a" AND timestamp>="2026-01-02T03:04:05.000006Z"`},
		"several Revisions": {logging.Query{Revisions: []string{"b", "a"}}, base + ` AND (resource.labels.revision_name="a" OR resource.labels.revision_name="b")`},
		"an injection":      {logging.Query{Service: `x" OR resource.type="gae_app\`}, base + ` AND resource.labels.service_name="x\" OR resource.type=\"gae_app\\"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query := tc.query
			query.Project, query.Region, query.PageSize = "p", "r", 5000
			var body map[string]any
			require.NoError(t, json.Unmarshal(query.Body(), &body))
			require.Equal(t, map[string]any{"resourceNames": []any{"projects/p"}, "filter": tc.want, "orderBy": "timestamp asc", "pageSize": 1000.0}, body)
		})
	}
	require.Contains(t, string(logging.Query{Newest: true, Token: "t"}.Body()), `"orderBy":"timestamp desc","pageSize":0,"pageToken":"t"`)
}

func plain(text string) string { return text }

func TestLines(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("x\n", 500) + "the end"
	for name, tc := range map[string]struct {
		entry string
		want  []string
	}{
		"text":               {`"textPayload": "hello"`, []string{"hello"}},
		"a message":          {`"jsonPayload": {"message": "hello", "a": 1}`, []string{"hello"}},
		"a short message":    {`"jsonPayload": {"msg": "hello"}`, []string{"hello"}},
		"another object":     {`"jsonPayload": {"a":  [1, "b"]}`, []string{`{"a":[1,"b"]}`}},
		"not a text":         {`"jsonPayload": {"message": {"a": 1}}`, []string{`{"message":{"a":1}}`}},
		"of the system":      {`"protoPayload": {"status": {"message": "Ready condition changed"}}`, []string{"Ready condition changed"}},
		"of an audit log":    {`"protoPayload": {"methodName": "google.Replace"}`, []string{"google.Replace"}},
		"a request":          {`"httpRequest": {"requestMethod": "GET", "status": 503, "requestUrl": "https://a/b"}`, []string{"GET 503 https://a/b"}},
		"several lines":      {`"textPayload": "a\r\n\tb\n  c\n\n"`, []string{"a", "    b", "  c"}},
		"nothing":            {`"a": 1`, []string{""}},
		"escapes":            {`"textPayload": "\u001b[2J\u001b]0;title\u0007red\u202e"`, []string{"[2J ]0;title red "}},
		"not UTF-8":          {"\"textPayload\": \"a\xff\xfeb\"", []string{"a\uFFFD\uFFFDb"}},
		"half a surrogate":   {`"textPayload": "a\ud800b"`, []string{"a\uFFFDb"}},
		"a megabyte":         {`"textPayload": "` + strings.Repeat("x", 1<<20) + `"`, []string{strings.Repeat("x", 4096) + "…"}},
		"blanks":             {`"textPayload": "` + strings.Repeat(" ", 1<<20) + `x"`, []string{strings.Repeat(" ", 256) + "x"}},
		"a secret":           {`"textPayload": "a first\nsecond b"`, []string{"a (hidden) b"}},
		"a secret as JSON":   {`"jsonPayload": {"message": "first\nsecond"}`, []string{"(hidden)"}},
		"very many lines":    {`"textPayload": ` + quoted(many), nil},
		"an escaped newline": {`"textPayload": "a\\nb"`, []string{`a\nb`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := logging.Parse([]byte(`{"entries": [{` + tc.entry + `}]}`))
			require.NoError(t, err)
			require.Len(t, page.Entries, 1)
			var got []string
			for _, line := range page.Entries[0].Lines(strings.NewReplacer("first\nsecond", "(hidden)").Replace) {
				got = append(got, line.Text)
			}
			if tc.want == nil {
				require.Len(t, got, 100)
				require.Equal(t, "the end", got[99])
				return
			}
			require.Len(t, got, len(tc.want))
			for i := range got {
				require.Equal(t, strings.TrimSpace(tc.want[i]), strings.TrimSpace(got[i]))
			}
		})
	}
}

func quoted(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

func TestEntry(t *testing.T) {
	t.Parallel()
	page, err := logging.Parse([]byte(`{"nextPageToken": "n", "entries": [7, {"timestamp": "noon"}, {"insertId": "1", "severity": "ERROR\u001b",
		"logName": "projects/p/logs/run.googleapis.com%2Fvarlog%2Fsystem", "timestamp": "2026-01-02T03:04:05.678Z", "textPayload": "x",
		"resource": {"labels": {"revision_name": "hello-00001", "service_name": "hello"}}}]}`))
	require.NoError(t, err)
	require.Equal(t, "n", page.Next)
	require.Len(t, page.Entries, 1, "what cannot be read is left out")
	require.Equal(t, []logging.Line{{Time: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Severity: "ERROR", Log: "varlog/system",
		Service: "hello", Revision: "hello-00001", Text: "x"}}, trimmed(page.Entries[0].Lines(plain)))
	for _, empty := range []string{`{}`, `{"entries": []}`, `{"entries": null}`} {
		page, err := logging.Parse([]byte(empty))
		require.NoError(t, err)
		require.Empty(t, page.Entries)
	}
	for _, other := range []string{``, `[]`, `null`, `"x"`, `{"items": []}`, `{"entries": 7}`, `<html>`} {
		_, err := logging.Parse([]byte(other))
		require.ErrorIs(t, err, logging.ErrNotLogs, other)
	}
}

func trimmed(lines []logging.Line) []logging.Line {
	for i := range lines {
		lines[i].Severity = strings.TrimSpace(lines[i].Severity)
	}
	return lines
}

func entry(revision string, n int) logging.Entry {
	e := logging.Entry{Text: fmt.Sprintf("%s %d", revision, n)}
	e.Resource.Labels = map[string]string{"revision_name": revision}
	return e
}

// all answers a query with three entries of each Revision.
func all(reads *atomic.Int32) func(context.Context, logging.Query) (logging.Page, error) {
	return func(_ context.Context, q logging.Query) (logging.Page, error) {
		reads.Add(1)
		time.Sleep(100 * time.Millisecond)
		var page logging.Page
		for _, name := range q.Revisions {
			for n := range 3 {
				page.Entries = append(page.Entries, entry(name, n))
			}
		}
		return page, nil
	}
}

// Concurrent callers share reads, and each gets its own entries.
func TestQueueShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q logging.Queue
		var reads atomic.Int32
		for i := range 100 {
			go func() {
				name := fmt.Sprint("revision-", i%90)
				got, err := q.Read(t.Context(), logging.Want{Revision: name, Entries: 2}, all(&reads))
				if err != nil || len(got) != 2 || got[0].Text != name+" 0" {
					t.Errorf("%v, %v", got, err)
				}
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		require.LessOrEqual(t, reads.Load(), int32(7))
	})
}

// The reads stay below the quota, and nobody waits for it.
func TestQueueKeepsToTheQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q logging.Queue
		var reads atomic.Int32
		busy := 0
		for range 100 {
			start := time.Now()
			_, err := q.Read(t.Context(), logging.Want{Revision: "a", Entries: 1}, all(&reads))
			if errors.Is(err, logging.ErrBusy) {
				require.Zero(t, time.Since(start))
				busy++
			}
		}
		require.Less(t, reads.Load(), int32(60))
		require.Equal(t, 100, busy+int(reads.Load()))
		time.Sleep(time.Minute)
		_, err := q.Read(t.Context(), logging.Want{Revision: "a", Entries: 1}, all(&reads))
		require.NoError(t, err, "a minute later it goes on")
	})
}

// One that gives up takes nothing from the others, and returns at once.
func TestQueueOutlivesItsLeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q logging.Queue
		var reads atomic.Int32
		hangs := func(ctx context.Context, _ logging.Query) (logging.Page, error) {
			<-ctx.Done()
			return logging.Page{}, ctx.Err()
		}
		for i := range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*time.Second)
			defer cancel()
			go func() {
				start := time.Now()
				_, err := q.Read(ctx, logging.Want{Revision: "a"}, hangs)
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Duration(i+1)*time.Second {
					t.Errorf("%d: %v after %v", i, err, time.Since(start))
				}
			}()
		}
		synctest.Wait()
		got, err := q.Read(t.Context(), logging.Want{Revision: "b", Entries: 1}, all(&reads))
		require.NoError(t, err)
		require.Len(t, got, 1)
	})
}

// An error is that of all who share the read, and of nobody after them.
func TestQueueErrors(t *testing.T) {
	t.Parallel()
	var q logging.Queue
	refused := errors.New("refused")
	_, err := q.Read(t.Context(), logging.Want{Revision: "a"}, func(context.Context, logging.Query) (logging.Page, error) { return logging.Page{}, refused })
	require.ErrorIs(t, err, refused)
	require.Panics(t, func() {
		_, _ = q.Read(t.Context(), logging.Want{Revision: "a"}, func(context.Context, logging.Query) (logging.Page, error) { panic("a bug") })
	})
	var reads atomic.Int32
	_, err = q.Read(t.Context(), logging.Want{Revision: "a"}, all(&reads))
	require.NoError(t, err)
}

// A Revision that others leave no room gets a read of its own.
func TestQueueOfAQuietRevision(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q logging.Queue
		noisy := func(_ context.Context, q logging.Query) (logging.Page, error) {
			time.Sleep(time.Second)
			if len(q.Revisions) > 1 {
				return logging.Page{Entries: []logging.Entry{entry("noisy", 1)}, Next: "more"}, nil
			}
			return logging.Page{Entries: []logging.Entry{entry(q.Revisions[0], 1)}, Next: "more"}, nil
		}
		for _, name := range []string{"first", "noisy", "quiet"} {
			go func() {
				got, err := q.Read(t.Context(), logging.Want{Revision: name, Entries: 1}, noisy)
				if err != nil || len(got) != 1 || got[0].Revision() != name {
					t.Errorf("%s: %v, %v", name, got, err)
				}
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
	})
}
