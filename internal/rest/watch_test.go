package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// chunk is a part of a body, and the pause before it.
type chunk struct {
	pause time.Duration
	text  string
}

// chunked is a body that comes in parts. Its end is an error, or silence without one.
type chunked struct {
	ctx    context.Context
	left   []chunk
	end    error
	closed *bool
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.left) == 0 && c.end != nil {
		return 0, c.end
	}
	var pause <-chan time.Time // never, in the end
	if len(c.left) > 0 {
		pause = time.After(c.left[0].pause)
	}
	select {
	case <-c.ctx.Done():
		return 0, c.ctx.Err()
	case <-pause:
	}
	n := copy(p, c.left[0].text)
	if c.left[0] = (chunk{text: c.left[0].text[n:]}); c.left[0].text == "" {
		c.left = c.left[1:]
	}
	return n, nil
}

func (c *chunked) Close() error {
	*c.closed = true
	return nil
}

// sends answers with a body in parts.
func sends(closed *bool, end error, parts ...chunk) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Request: req, Body: &chunked{req.Context(), parts, end, closed}}, nil
	}
}

const (
	added    = `{"type": "ADDED", "object": {"a": 1}}` + "\n"
	bookmark = `{"type": "BOOKMARK", "object": {}}` + "\n"
	expired  = `{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}`
)

// times repeats a chunk.
func times(n int, c chunk) (all []chunk) {
	for range n {
		all = append(all, c)
	}
	return all
}

// watching is the request of the tests, whose events may be 100 seconds apart.
func watching() rest.Request {
	r := thing
	r.TimeLimit = 100 * time.Second
	return r
}

func TestWatchEvents(t *testing.T) {
	t.Parallel()
	const limit = 16 << 20
	huge := `{"type": "ADDED", "object": "` + strings.Repeat("a", limit/2) + `"}`
	for name, tc := range map[string]struct {
		parts     []chunk
		end       error  // of the body; nil for silence
		events    int    // before the end
		err       string // empty if the server has ended the watch
		transient bool
		took      time.Duration
	}{
		"ends at once":            {end: io.EOF},
		"some":                    {parts: []chunk{{0, added}, {time.Second, bookmark + added}}, end: io.EOF, events: 3, took: time.Second},
		"every kind":              {parts: []chunk{{0, added + strings.Replace(added, "ADDED", "MODIFIED", 1) + strings.Replace(added, "ADDED", "DELETED", 1) + bookmark}}, end: io.EOF, events: 4},
		"in pieces":               {parts: []chunk{{0, added[:9]}, {time.Minute, added[9:20]}, {30 * time.Second, added[20:]}}, end: io.EOF, events: 1, took: 90 * time.Second},
		"one that drips":          {parts: []chunk{{0, added[:9]}, {time.Minute, added[9:20]}, {time.Minute, added[20:]}}, end: io.EOF, err: "no complete response within 1m40s", transient: true, took: 100 * time.Second},
		"silent from the start":   {err: "no complete response within 1m40s", transient: true, took: 100 * time.Second},
		"silent in the end":       {parts: []chunk{{time.Minute, added}}, events: 1, err: "no complete response within 1m40s", transient: true, took: 160 * time.Second},
		"a bookmark every minute": {parts: times(60, chunk{time.Minute, bookmark}), end: io.EOF, events: 60, took: time.Hour},
		"as many as there may be": {parts: times(1000, chunk{0, added}), end: io.EOF, events: 1000},
		"countless":               {parts: times(3000, chunk{0, added}), events: 1000},
		"two that are large":      {parts: []chunk{{0, huge}, {0, huge}}, end: io.EOF, events: 2},
		"one that is too large":   {parts: []chunk{{0, added}, {0, strings.Replace(huge, "aa", strings.Repeat("a", limit), 1)}}, events: 1, err: "the response is too large"},
		"broken off":              {parts: []chunk{{0, added}}, end: io.ErrUnexpectedEOF, events: 1, err: "unexpected EOF", transient: true},
		"broken off in an event":  {parts: []chunk{{0, added + added[:20]}}, end: io.EOF, events: 1, err: "unexpected EOF", transient: true},
		"reset":                   {end: errors.New("connection reset"), err: "connection reset", transient: true},
		"expired":                 {parts: []chunk{{0, added + expired}}, events: 1, err: "HTTP 410: too old"},
		"overloaded":              {parts: []chunk{{0, strings.ReplaceAll(expired, "410", "429")}}, err: "HTTP 429", transient: true},
		"an error of the server":  {parts: []chunk{{0, `{"type": "ERROR", "object": {"kind": "Status", "message": "etcd"}}`}}, err: "HTTP 500: etcd", transient: true},
		"an error without status": {parts: []chunk{{0, `{"type": "ERROR", "object": [1]}`}}, err: "HTTP 500", transient: true},
		"an error of nothing":     {parts: []chunk{{0, `{"type": "ERROR"}`}}, err: "HTTP 500", transient: true},
		"no JSON":                 {parts: []chunk{{0, `<html>`}}, err: "not an event of a watch"},
		"a list":                  {parts: []chunk{{0, `{"kind": "ServiceList", "items": []}`}}, err: "not an event of a watch"},
		"null":                    {parts: []chunk{{0, "null\n"}}, err: "not an event of a watch"},
		"an array":                {parts: []chunk{{0, `[]`}}, err: "not an event of a watch"},
		"a strange type":          {parts: []chunk{{0, `{"type": 7, "object": {}}`}}, err: "not an event of a watch"},
		"an unknown type":         {parts: []chunk{{0, `{"type": "REPLACED", "object": {}}`}}, err: "not an event of a watch"},
		"no object":               {parts: []chunk{{0, `{"type": "DELETED"}`}}, err: "not an event of a watch"},
		"very deep":               {parts: []chunk{{0, `{"type": "ADDED", "object": ` + strings.Repeat("[", 1<<20)}}, err: "not an event of a watch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start, closed, events := time.Now(), false, 0
				w, err := (&script{steps: steps(sends(&closed, tc.end, tc.parts...))}).client().Watch(t.Context(), watching())
				require.NoError(t, err)
				for {
					e, next := w.Next()
					if err = next; err != nil {
						break
					}
					require.NotEmpty(t, e.Object)
					events++
				}
				w.Close()
				require.True(t, closed)
				require.Equal(t, tc.events, events)
				require.Equal(t, tc.took, time.Since(start))
				if tc.err == "" {
					require.Equal(t, io.EOF, err)
					return
				}
				require.ErrorContains(t, err, "use thing things/a: ")
				require.ErrorContains(t, err, tc.err)
				require.Equal(t, tc.transient, rest.Transient(err))
			})
		})
	}
}

// The time that the caller spends between two events does not count.
func TestWatchOfASlowCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closed := false
		w, err := (&script{steps: steps(sends(&closed, io.EOF, times(3, chunk{99 * time.Second, added})...))}).client().Watch(t.Context(), watching())
		require.NoError(t, err)
		defer w.Close()
		for range 3 {
			_, err := w.Next()
			require.NoError(t, err)
			time.Sleep(time.Hour)
		}
		_, err = w.Next()
		require.Equal(t, io.EOF, err)
	})
}

// The caller's context ends a watch at once.
func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		closed, start := false, time.Now()
		w, err := (&script{steps: steps(sends(&closed, nil))}).client().Watch(ctx, watching())
		require.NoError(t, err)
		_, err = w.Next()
		w.Close()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 7*time.Second, time.Since(start))
		require.True(t, closed)
	})
}

// A watch that is refused is one request.
func TestWatchRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		step      func(*http.Request) (*http.Response, error)
		err       string
		transient bool
		took      time.Duration
	}{
		"400":            {answers(400, kubernetesBody), "HTTP 400", false, 0},
		"401":            {answers(401, ""), "HTTP 401", false, 0},
		"403":            {answers(403, ""), "HTTP 403", false, 0},
		"404":            {answers(404, "404 page not found\n"), "HTTP 404", false, 0},
		"405":            {answers(405, ""), "HTTP 405", false, 0},
		"410":            {answers(410, `{"kind": "Status", "reason": "Expired"}`), "HTTP 410", false, 0},
		"429":            {answers(429, ""), "HTTP 429", true, 0},
		"500":            {answers(500, ""), "HTTP 500", true, 0},
		"301":            {answers(301, ""), "redirects", false, 0},
		"not dialled":    {fails(errDial), "connection refused", true, 0},
		"never answered": {hangs, "no complete response within 1m0s", true, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start, s := time.Now(), &script{steps: steps(tc.step)}
				_, err := s.client().Watch(t.Context(), watching())
				require.ErrorContains(t, err, tc.err)
				require.Equal(t, tc.transient, rest.Transient(err))
				require.Equal(t, tc.took, time.Since(start))
				require.Equal(t, 1, s.requests())
			})
		})
	}
}
