package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// script answers in process, so that waiting takes no time in a synctest
// bubble. An attempt that was given up may still run beside the next one.
type script struct {
	steps []func(*http.Request) (*http.Response, error)

	mu    sync.Mutex
	count int
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	return s.next()(req)
}

func (s *script) next() func(*http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	return s.steps[min(s.count, len(s.steps))-1]
}

// requests returns how many attempts were made.
func (s *script) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

func (s *script) client() rest.Client { return rest.Client{HTTP: &http.Client{Transport: s}} }

func answers(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	}
}

func fails(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

var thing = rest.Request{Op: "use thing", Resource: "things/a", Method: http.MethodGet, URL: "https://example.com/things/a"}

func TestRetries(t *testing.T) {
	t.Parallel()
	read := func(ctx context.Context, c rest.Client) error { _, err := c.Read(ctx, thing); return err }
	write := func(ctx context.Context, c rest.Client) error { _, err := c.Write(ctx, thing); return err }
	again := func(ctx context.Context, c rest.Client) error {
		return c.Retry(ctx, func(ctx context.Context) error { _, err := c.Read(ctx, thing); return err })
	}
	for name, tc := range map[string]struct {
		call     func(context.Context, rest.Client) error
		steps    []func(*http.Request) (*http.Response, error)
		requests int
		ok       bool
	}{
		"read of a 503":                    {read, steps(answers(503, ""), answers(200, `{}`)), 2, true},
		"read of a 429":                    {read, steps(answers(429, ""), answers(200, `{}`)), 2, true},
		"read after a reset":               {read, steps(fails(io.ErrUnexpectedEOF), answers(200, `{`), answers(200, `{}`)), 3, true},
		"read of a 403":                    {read, steps(answers(403, ""), answers(200, `{}`)), 1, false},
		"write after a 429":                {write, steps(answers(429, ""), answers(200, `{}`)), 2, true},
		"write after a 503":                {write, steps(answers(503, ""), answers(200, `{}`)), 1, false},
		"write after a reset":              {write, steps(fails(io.ErrUnexpectedEOF), answers(200, `{}`)), 1, false},
		"write with no complete response":  {write, steps(answers(200, `{`), answers(200, `{}`)), 1, false},
		"attempts after a reset and a 503": {again, steps(fails(io.ErrUnexpectedEOF), answers(503, ""), answers(200, `{}`)), 3, true},
		"attempt at what is missing":       {again, steps(answers(404, `{"kind": "Status", "reason": "NotFound"}`)), 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: tc.steps}
				err := tc.call(t.Context(), s.client())
				require.Equal(t, tc.ok, err == nil, err)
				require.Equal(t, tc.requests, s.requests())
			})
		})
	}
}

func steps(all ...func(*http.Request) (*http.Response, error)) []func(*http.Request) (*http.Response, error) {
	return all
}

func TestRetriesAreObservedAndPolite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: steps(answers(429, "", "Retry-After", "20"), answers(503, ""), answers(200, `{}`))}
		c := s.client()
		var codes []int
		var waited time.Duration
		c.OnRetry = func(err error, delay time.Duration) {
			var failure *rest.Error
			require.ErrorAs(t, err, &failure)
			codes = append(codes, failure.Answer.StatusCode)
			waited += delay
		}
		start := time.Now()
		_, err := c.Read(t.Context(), thing)
		require.NoError(t, err)
		require.Equal(t, []int{429, 503}, codes)
		require.Equal(t, waited, time.Since(start))
		require.Greater(t, waited, 20*time.Second)
		require.Less(t, waited, 45*time.Second)
	})
}

func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: steps(answers(503, ""))}
		start := time.Now()
		_, err := s.client().Read(t.Context(), thing)
		require.EqualError(t, err, "use thing things/a: HTTP 503", "the last failure, as it was")
		require.Greater(t, s.requests(), 7)
		require.LessOrEqual(t, time.Since(start), pause.Budget)

		s = &script{steps: steps(answers(429, "", "Retry-After", "86400"))}
		_, err = s.client().Read(t.Context(), thing)
		require.Error(t, err)
		require.Equal(t, 1, s.requests(), "Retry-After exceeds the budget")
	})
}

// The end of the context and the failure before it are both in the error.
func TestRetriesEndWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		s := &script{steps: steps(answers(503, ""))}
		_, err := s.client().Read(ctx, thing)
		require.EqualError(t, err, "use thing things/a: HTTP 503; the deadline of the caller's context has passed")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var failure *rest.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, 503, failure.Answer.StatusCode)
		require.True(t, rest.MayHaveApplied(err))

		reset := errors.New("reset")
		ctx, cancel = context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err = (&script{steps: steps(fails(reset))}).client().Read(ctx, thing)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, reset)
		require.False(t, rest.Transient(err), "it was the caller's time that ended")
	})
}

// A request reads its response in each attempt. What it cannot read is retried if
// it is incomplete, and otherwise left to the caller.
func TestReadInEachAttempt(t *testing.T) {
	t.Parallel()
	type thing struct{ A int }
	for name, tc := range map[string]struct {
		responses []response
		want      *thing // nil if it is not a thing
		requests  int
	}{
		"a thing":              {[]response{jsonResponse(200, `{"a": 1}`)}, &thing{1}, 1},
		"a thing that is long": {[]response{jsonResponse(200, `{"a": 1}`+strings.Repeat(" ", 100_000))}, &thing{1}, 1},
		"not a thing":          {[]response{jsonResponse(200, `{"a": "b"}`), jsonResponse(200, `{"a": 1}`)}, nil, 1},
		"half a thing":         {[]response{jsonResponse(200, `{"a": 1`), jsonResponse(200, `{"a": 2}`)}, &thing{2}, 2},
		"half of no thing":     {[]response{jsonResponse(200, `{"a": "b"`), jsonResponse(200, `{"a": "b"}`)}, nil, 2},
		"too long a number":    {[]response{jsonResponse(200, `{"limits": {"cpu": "1e1000000000"}}`)}, nil, 1},
		"half of a long one":   {[]response{jsonResponse(200, `{"limits": {"cpu": "1e1000000000"}`), jsonResponse(200, `{"a": 2}`)}, &thing{2}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c, r := serve(t, tc.responses...)
			var got *thing
			var unread error
			r.Read = func(body []byte) error {
				got, unread = rest.Decode[thing](body)
				return unread
			}
			body, err := c.Read(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, tc.responses[tc.requests-1].body, string(body))
			require.Equal(t, tc.want == nil, unread != nil)
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.requests, s.count())
		})
	}
}
