package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

var errDial = &net.OpError{Op: "dial", Err: errors.New("connection refused")}

// hangs never answers.
func hangs(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// stuck ignores its context, like a token source that hangs.
func stuck(until context.Context) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		<-until.Done()
		return nil, errors.New("no token")
	}
}

// drips answers with a body that comes one byte every ten seconds and never ends.
func drips(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Request: req, Body: io.NopCloser(&dripping{req.Context(), body})}, nil
	}
}

type dripping struct {
	ctx  context.Context
	body string
}

func (d *dripping) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(10 * time.Second):
	}
	p[0], d.body = d.body[0], d.body[1:]+" "
	return 1, nil
}

// An attempt that is not over in time is lost like any other.
func TestAttemptsHaveATimeLimit(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]func(context.Context) func(*http.Request) (*http.Response, error){
		"never answered":         func(context.Context) func(*http.Request) (*http.Response, error) { return hangs },
		"stuck":                  stuck,
		"drop by drop":           func(context.Context) func(*http.Request) (*http.Response, error) { return drips(200, `{`) },
		"an error, drop by drop": func(context.Context) func(*http.Request) (*http.Response, error) { return drips(404, `{`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ended, end := context.WithCancel(t.Context())
				defer synctest.Wait()
				defer end()
				s := &script{steps: steps(step(ended), answers(200, `{}`))}
				start := time.Now()
				_, err := s.client().Read(t.Context(), thing)
				require.NoError(t, err)
				require.Equal(t, 2, s.requests())
				require.InDelta(t, rest.DefaultTimeLimit.Seconds(), time.Since(start).Seconds(), 3)

				s, start = &script{steps: steps(step(ended))}, time.Now()
				c := s.client()
				c.TimeLimit = 10 * time.Second
				_, err = c.Write(t.Context(), thing)
				require.True(t, rest.MayHaveApplied(err))
				require.ErrorContains(t, err, "no complete response within 10s")
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				require.InDelta(t, 10, time.Since(start).Seconds(), 2)

				start = time.Now()
				_, err = s.client().Read(t.Context(), thing)
				require.Error(t, err)
				require.Less(t, time.Since(start), pause.Budget+rest.DefaultTimeLimit, "the time for retries ends")
			})
		})
	}
}

// A long poll has a limit of its own.
func TestARequestHasItsOwnTimeLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, start, long := (&script{steps: steps(hangs)}).client(), time.Now(), thing
		long.TimeLimit = time.Hour
		_, err := c.Send(t.Context(), long)
		require.ErrorContains(t, err, "within 1h0m0s")
		require.Equal(t, time.Hour, time.Since(start))
	})
}

// A panic of the transport reaches the caller. A transport that returns too late loses its response.
func TestTransportsThatMisbehave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := (&script{steps: steps(func(*http.Request) (*http.Response, error) { panic("a bug") })}).client()
		require.PanicsWithValue(t, "a bug", func() { _, _ = c.Send(t.Context(), thing) })

		body := &closing{Reader: strings.NewReader(`{}`)}
		c = (&script{steps: steps(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Hour)
			return &http.Response{StatusCode: 200, Body: body, Request: req}, nil
		})}).client()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Send(ctx, thing)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, time.Since(start), 3*time.Second)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		require.True(t, body.closed)
	})
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// The requests of a call share the time for retries.
func TestRequestsOfACallShareTheTimeForRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: steps(answers(503, ""))}
		c, start := s.client().ForCall(), time.Now()
		for range 20 {
			_, err := c.Read(t.Context(), thing)
			require.Error(t, err)
		}
		require.LessOrEqual(t, time.Since(start), pause.Budget)
		require.Less(t, s.requests(), 60)
	})
}

// A server that has just come back may deny requests for a moment.
func TestDenialsAfterAnOutage(t *testing.T) {
	t.Parallel()
	const ok = `{}`
	remove, write := thing, thing
	remove.Method, write.Method = http.MethodDelete, http.MethodPut
	for name, tc := range map[string]struct {
		request  rest.Request
		steps    []func(*http.Request) (*http.Response, error)
		requests int
		ok       bool
	}{
		"no outage":                   {thing, steps(answers(403, ""), answers(200, ok)), 1, false},
		"403 after a refusal":         {thing, steps(fails(errDial), answers(403, ""), answers(403, ""), answers(200, ok)), 4, true},
		"401 after a reset":           {thing, steps(fails(io.ErrUnexpectedEOF), answers(401, ""), answers(200, ok)), 3, true},
		"403 of a deletion":           {remove, steps(fails(errDial), answers(403, ""), answers(200, ok)), 3, true},
		"403 of another write":        {write, steps(fails(errDial), answers(403, ""), answers(200, ok)), 3, true},
		"404 after a refusal":         {thing, steps(fails(errDial), answers(404, `{"kind": "Status", "reason": "NotFound"}`)), 2, false},
		"403 after a 503":             {thing, steps(answers(503, ""), answers(403, ""), answers(200, ok)), 2, false},
		"an attempt that took long":   {thing, steps(hangs, answers(403, ""), answers(200, ok)), 3, true},
		"an incomplete response":      {thing, steps(answers(200, `{`), answers(403, ""), answers(200, ok)), 3, true},
		"a credential without tokens": {thing, steps(fails(http.ErrSchemeMismatch), answers(200, ok)), 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: tc.steps}
				call := rest.Client.Write
				if tc.request.Method == http.MethodGet {
					call = rest.Client.Read
				}
				_, err := call(s.client(), t.Context(), tc.request)
				require.Equal(t, tc.ok, err == nil, err)
				require.Equal(t, tc.requests, s.requests())
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: steps(fails(errDial), answers(403, ""))}
		start := time.Now()
		_, err := s.client().Read(t.Context(), thing)
		require.ErrorContains(t, err, "HTTP 403")
		require.Greater(t, s.requests(), 4)
		require.Less(t, time.Since(start), 7*time.Second, "it ends soon after the server has come back")
	})
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	many := []string{}
	for i := range 1000 {
		many = append(many, fmt.Sprintf(`299 - "warning %d"`, i))
	}
	for name, tc := range map[string]struct {
		header []string
		want   []string
	}{
		"none":         {nil, nil},
		"one":          {[]string{`299 - "unknown field \"spec.a\""`}, []string{`unknown field "spec.a"`}},
		"of an agent":  {[]string{`299 kube-apiserver "a"`}, []string{"a"}},
		"several":      {[]string{`299 - "a", 299 - "b, c" "Tue, 15 Nov 1994 08:12:31 GMT",299 - "d"`, `299 - "a"`, `299 - "e"`}, []string{"a", "b, c", "d", "e"}},
		"other codes":  {[]string{`110 cache "stale", 299 - "a"`, `199 - "misc"`}, []string{"a"}},
		"unprintable":  {[]string{"299 - \"a\x1b[31m\x07\u202e\"", `299 - ""`, `299 - "  "`}, []string{"a [31m  "}},
		"not warnings": {[]string{"", "x", "299", "299 -", "299 - a", `299 - "`, `299 - "\`, `"`, `,,,`}, []string{`\`}},
		"too long":     {[]string{`299 - "` + strings.Repeat("x", 1<<20) + `"`}, []string{strings.Repeat("x", 1024) + "…"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, warningsOf(t, tc.header))
		})
	}
	require.Len(t, warningsOf(t, many), 20)
	require.Len(t, warningsOf(t, []string{strings.Join(many, ", ")}), 20)
}

func warningsOf(t *testing.T, header []string) []string {
	step := func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Warning": header}, Body: io.NopCloser(strings.NewReader(`{}`)), Request: req}, nil
	}
	c := (&script{steps: steps(step)}).client().ForCall()
	for range 2 {
		_, err := c.Read(t.Context(), thing)
		require.NoError(t, err)
	}
	return c.Call.Warnings()
}

// A request that cannot be sent is not tried again.
func TestUnsendableHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := rest.Client{HTTP: &http.Client{Transport: &http.Transport{}}, UserAgent: "a\nb"}
		start := time.Now()
		_, err := c.Read(t.Context(), thing)
		require.ErrorContains(t, err, "User-Agent")
		require.False(t, rest.Transient(err))
		require.False(t, rest.MayHaveApplied(err))
		require.Zero(t, time.Since(start))
	})
}
