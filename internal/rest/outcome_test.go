package rest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// verdict is what the predicates say of a failure.
type verdict struct{ transient, unsent, mayHaveApplied bool }

func judge(err error) verdict {
	return verdict{rest.Transient(err), rest.Unsent(err), rest.MayHaveApplied(err)}
}

var (
	final      = verdict{}
	passing    = verdict{transient: true}
	neverSent  = verdict{transient: true, unsent: true}
	lostWrite  = verdict{transient: true, mayHaveApplied: true}
	finalLost  = verdict{mayHaveApplied: true}
	finalEarly = verdict{unsent: true}
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestVerdictsOnTransportErrors(t *testing.T) {
	t.Parallel()
	token := func(status int) error { return &oauth2.RetrieveError{Response: &http.Response{StatusCode: status}} }
	for name, tc := range map[string]struct {
		err  error
		want verdict
		text string
	}{
		"reset":                 {io.ErrUnexpectedEOF, lostWrite, "unexpected EOF"},
		"refused connection":    {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, neverSent, "connection refused"},
		"broken read":           {&net.OpError{Op: "read", Err: errors.New("connection reset")}, lostWrite, "connection reset"},
		"lookup failure":        {&net.DNSError{IsTemporary: true}, lostWrite, "lookup"},
		"no such host":          {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, final, "cannot reach example.com: "},
		"certificate":           {&tls.CertificateVerificationError{Err: errors.New("unknown authority")}, final, "cannot reach example.com: "},
		"plain server":          {http.ErrSchemeMismatch, final, "cannot reach example.com: "},
		"rejected credentials":  {token(400), final, "get a token for the credentials in use: "},
		"token server is down":  {token(503), neverSent, "get thing things/a: "},
		"token server is busy":  {token(429), neverSent, "get thing things/a: "},
		"token server fails":    {&oauth2.RetrieveError{ErrorCode: "server_error"}, neverSent, "get thing things/a: "},
		"token without a reply": {&oauth2.RetrieveError{ErrorCode: "invalid_grant"}, final, "get a token for the credentials in use: "},
		"dialer's timeout":      {&net.OpError{Op: "dial", Err: context.DeadlineExceeded}, neverSent, "dial"},
		"invalid header":        {errors.New(`net/http: invalid header field value for "User-Agent"`), final, "User-Agent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := rest.Client{HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, tc.err })}}
			_, err := c.Send(t.Context(), rest.Request{Op: "get thing", Resource: "things/a", Method: "GET", URL: "https://example.com/secret"})
			if !errors.Is(tc.err, context.DeadlineExceeded) {
				require.ErrorIs(t, err, tc.err)
			}
			require.ErrorContains(t, err, tc.text)
			require.NotContains(t, err.Error(), "secret")
			require.Equal(t, tc.want, judge(err))
			require.Equal(t, tc.want, judge(fmt.Errorf("deploy: %w", err)), "a wrapped error is judged in the same way")
			require.Zero(t, rest.Delay(err))
		})
	}
}

// A deadline of the HTTP client is the attempt's own. That of the caller is final.
func TestVerdictsOnDeadlines(t *testing.T) {
	t.Parallel()
	for name, ended := range map[string]error{"canceled": context.Canceled, "timeout": context.DeadlineExceeded} {
		ctx, cancel := context.WithCancel(t.Context())
		c := rest.Client{HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, ended })}}
		_, err := c.Send(ctx, rest.Request{Op: "get thing", URL: "https://example.com/secret"})
		require.NotErrorIs(t, err, ended)
		require.ErrorContains(t, err, ended.Error())
		require.NotContains(t, err.Error(), "secret")
		require.Equal(t, lostWrite, judge(err), name)

		c.HTTP.Transport = roundTripper(func(*http.Request) (*http.Response, error) { cancel(); return nil, ended })
		_, err = c.Send(ctx, rest.Request{Op: "get thing", URL: "https://example.com/secret"})
		require.ErrorIs(t, err, ended)
		require.Equal(t, finalLost, judge(err), name)
	}
}

func TestVerdictsOnResponses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		response response
		want     verdict
		notAPI   bool
	}{
		"400":                 {response{status: 400}, final, false},
		"403":                 {response{status: 403}, final, false},
		"404":                 {jsonResponse(404, `{"kind": "Status"}`), final, false},
		"408":                 {response{status: 408}, lostWrite, false},
		"409":                 {response{status: 409}, final, false},
		"429":                 {response{status: 429}, passing, false},
		"500":                 {response{status: 500}, lostWrite, false},
		"501":                 {response{status: 501}, finalLost, false},
		"502":                 {response{status: 502}, lostWrite, false},
		"503":                 {response{status: 503}, lostWrite, false},
		"504":                 {response{status: 504}, lostWrite, false},
		"503 of a proxy":      {response{status: 503, body: "<html>"}, lostWrite, true},
		"403 of a proxy":      {response{status: 403, body: "<html>"}, final, true},
		"page":                {response{status: 200, body: "<html>"}, lostWrite, true},
		"not JSON":            {response{status: 200, body: "hello"}, lostWrite, false},
		"half of the body":    {response{status: 200, body: `{"a": `, cut: true}, lostWrite, false},
		"half of a 404":       {response{status: 404, body: `{"error": {"code": 4`}, lostWrite, false},
		"404 that breaks off": {response{status: 404, body: `hello`, cut: true}, lostWrite, false},
		"400 that breaks off": {response{status: 400, body: `hello`, cut: true}, final, false},
		"no response":         {response{}, lostWrite, false},
		"redirect":            {response{status: 302, header: http.Header{"Location": {"https://evil.example/x?secret=1"}}}, final, true},
		"redirect to nowhere": {response{status: 304}, final, true},
		"redirect to no URL":  {response{status: 302, header: http.Header{"Location": {"://"}}}, lostWrite, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c, r := serve(t, tc.response)
			r.Method, r.Body = http.MethodPut, []byte(`{}`) // which net/http does not repeat
			_, err := c.Send(t.Context(), r)
			require.Equal(t, tc.want, judge(err), err)
			require.Equal(t, tc.notAPI, errors.Is(err, rest.ErrNotAPI), err)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestVerdictsOnOtherErrors(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s, c, r := serve(t, jsonResponse(200, `{}`))
	_, err := c.Send(ended, r)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, finalEarly, judge(err))

	_, err = rest.Client{}.Send(t.Context(), r)
	require.ErrorContains(t, err, "get thing things/a: ")
	require.Equal(t, final, judge(err))
	r.URL = "https://a b"
	_, err = c.Send(t.Context(), r)
	require.Equal(t, final, judge(err))
	r.Method = "a b"
	_, err = c.Send(t.Context(), r)
	require.Equal(t, final, judge(err))
	require.Zero(t, s.count())

	cause := errors.New("not a thing")
	unreadable := rest.Unreadable("put thing", "things/a", cause)
	require.EqualError(t, unreadable, "put thing things/a: not a thing")
	require.ErrorIs(t, unreadable, cause)
	require.Equal(t, lostWrite, judge(unreadable))

	for _, err := range []error{nil, errors.New("x"), &rest.Error{}} {
		require.Equal(t, final, judge(err))
		require.Zero(t, rest.Delay(err))
		require.False(t, rest.IsNotFound(err) || rest.IsConflict(err) || rest.IsAlreadyExists(err))
	}
	require.EqualError(t, &rest.Error{Op: "a", Resource: "b"}, "a b: the request failed")
}

func TestResponsesAreBounded(t *testing.T) {
	t.Parallel()
	for status, limit := range map[int]int{200: 17 << 20, 400: 1 << 20} {
		body := &endless{}
		c := rest.Client{HTTP: &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body), Request: req}, nil
		})}}
		_, err := c.Read(t.Context(), rest.Request{Op: "get thing", Resource: "things/a", URL: "https://example.com"})
		require.Error(t, err)
		require.Less(t, body.read, limit)
		if status == 200 {
			require.Equal(t, finalLost, judge(err))
		}
	}
}

// endless is a body that never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, strings.Repeat(" ", len(p)))
	e.read += n
	return n, nil
}

// A final error is not transient. It is still the error that it was.
func TestFinal(t *testing.T) {
	t.Parallel()
	lost := rest.Unreadable("get service", "hello", io.ErrUnexpectedEOF)
	require.Equal(t, lostWrite, judge(lost))
	last := fmt.Errorf("the last try: %w", rest.Final(lost))
	require.Equal(t, finalLost, judge(last))
	require.ErrorIs(t, last, lost)
	require.Equal(t, "the last try: "+lost.Error(), last.Error())
	tries := 0
	err := rest.Client{}.Retry(t.Context(), func(context.Context) error { tries++; return last })
	require.ErrorIs(t, err, lost)
	require.Equal(t, 1, tries)
}
