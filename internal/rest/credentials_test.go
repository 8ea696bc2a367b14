package rest_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/cloudrun-go/cloudrun/internal/remedy"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

type tokens func() (*oauth2.Token, error)

func (f tokens) Token() (*oauth2.Token, error) { return f() }

// temporaryFailure has the method of the errors of cloud.google.com/go/auth.
type temporaryFailure bool

func (f temporaryFailure) Error() string   { return "auth: failed" }
func (f temporaryFailure) Temporary() bool { return bool(f) }

// The failure of a token source that another try cannot help is final. No request was sent.
func TestVerdictsOnTokenErrors(t *testing.T) {
	t.Parallel()
	post := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://oauth2.googleapis.com/token", Err: err}
	}
	for name, tc := range map[string]struct {
		err  error
		want verdict
	}{
		"plain":                    {errors.New("vault: no such role"), final},
		"missing file":             {fmt.Errorf("read key: %w", &fs.PathError{Op: "open", Path: "key.json", Err: syscall.ENOENT}), final},
		"invalid_grant":            {&oauth2.RetrieveError{Response: &http.Response{StatusCode: 400}, ErrorCode: "invalid_grant"}, final},
		"invalid_client":           {&oauth2.RetrieveError{Response: &http.Response{StatusCode: 401}, ErrorCode: "invalid_client"}, final},
		"invalid_grant, no reply":  {&oauth2.RetrieveError{ErrorCode: "invalid_grant"}, final},
		"impersonation denied":     {errors.New("impersonate: status code 403: denied"), final},
		"rejected by auth":         {temporaryFailure(false), final},
		"rejected by an API":       {&googleapi.Error{Code: 403}, final},
		"unknown authority":        {post(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}), final},
		"no such host":             {post(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}), final},
		"unsupported scheme":       {post(errors.New("unsupported protocol scheme \"\"")), final},
		"its context has ended":    {post(context.Canceled), final},
		"token server is down":     {&oauth2.RetrieveError{Response: &http.Response{StatusCode: 503}}, neverSent},
		"token server is busy":     {&oauth2.RetrieveError{Response: &http.Response{StatusCode: 429}}, neverSent},
		"token server is slow":     {&oauth2.RetrieveError{Response: &http.Response{StatusCode: 408}}, neverSent},
		"token server unreachable": {post(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), neverSent},
		"read of the token":        {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, neverSent},
		"too many open files":      {&fs.PathError{Op: "open", Path: "key.json", Err: syscall.EMFILE}, neverSent},
		"cut off":                  {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), neverSent},
		"timeout":                  {context.DeadlineExceeded, neverSent},
		"jwt is refused":           {&oauth2.RetrieveError{Response: &http.Response{StatusCode: 400}, Body: []byte(`{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`)}, final},
		"wrapped":                  {fmt.Errorf("impersonate: %w", &oauth2.RetrieveError{Response: &http.Response{StatusCode: 400}, ErrorCode: "invalid_grant"}), final},
		"temporarily unavailable":  {&oauth2.RetrieveError{Response: &http.Response{StatusCode: 400}, ErrorCode: "temporarily_unavailable"}, neverSent},
		"as a text":                {errors.New("get: oauth2: cannot fetch token: 400 Bad Request\nResponse: {}"), final},
		"as a text, down":          {errors.New("get: oauth2: cannot fetch token: 503 Service Unavailable\nResponse: "), neverSent},
		"impersonation fails":      {errors.New("impersonate: status code 503: unavailable"), neverSent},
		"metadata server fails":    {errors.New("compute: Received 500 `oops`"), neverSent},
		"failure of auth":          {temporaryFailure(true), neverSent},
		"failure of an API":        {&googleapi.Error{Code: 500}, neverSent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := 0
			base := roundTripper(func(*http.Request) (*http.Response, error) { sent++; return nil, errors.New("sent") })
			source := tokens(func() (*oauth2.Token, error) { return nil, tc.err })
			c := rest.Client{HTTP: rest.HTTPClient(&http.Client{Transport: &oauth2.Transport{Base: base, Source: source}})}
			_, err := c.Send(t.Context(), rest.Request{Op: "get thing", Resource: "things/a", Method: "GET", URL: "https://example.com/secret"})
			require.Zero(t, sent)
			require.Equal(t, tc.want, judge(err), err)
			if tc.want == final {
				require.ErrorContains(t, err, "get thing things/a: get a token for the credentials in use: ")
				require.True(t, strings.HasSuffix(err.Error(), ": "+cmp.Or(remedy.Of(tc.err.Error()), remedy.General)), err)
			}
			if !errors.Is(tc.err, context.Canceled) && !errors.Is(tc.err, context.DeadlineExceeded) {
				require.ErrorIs(t, err, tc.err)
			}
		})
	}
}

// The same error of the connection, after a token was there, leaves the fate of a write open.
func TestErrorsAfterTheToken(t *testing.T) {
	t.Parallel()
	base := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("vault: no such role") })
	for name, tc := range map[string]struct {
		source oauth2.TokenSource
		want   verdict
	}{
		"token":     {oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "x"}), lostWrite},
		"no source": {nil, final},
	} {
		given := &http.Client{Transport: &oauth2.Transport{Base: base, Source: tc.source}}
		c := rest.Client{HTTP: rest.HTTPClient(given)}
		_, err := c.Send(t.Context(), rest.Request{Op: "put thing", Resource: "things/a", Method: "PUT", URL: "https://example.com"})
		require.Equal(t, tc.want, judge(err), name)
		require.Equal(t, tc.source, given.Transport.(*oauth2.Transport).Source, "the caller's client is not modified")
	}
}

func TestExplainCredentials(t *testing.T) {
	t.Parallel()
	require.NoError(t, rest.ExplainCredentials(nil))
	other := errors.New("multiple credential options provided")
	require.Equal(t, other, rest.ExplainCredentials(other))
	none := errors.New("google: could not find default credentials. See https://cloud.google.com/docs for more information")
	require.ErrorIs(t, rest.ExplainCredentials(none), none)
	require.ErrorContains(t, rest.ExplainCredentials(none), "gcloud auth application-default login")
}
