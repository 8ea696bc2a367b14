package rest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/cloudrun-go/cloudrun/internal/remedy"
)

// HTTPClient returns a copy of an HTTP client for a [Client]. It follows no
// redirect: the API sends none, and a redirect to another host would get the
// token. It marks the errors of its token source, so that they can be told from
// those of the connection.
func HTTPClient(hc *http.Client) *http.Client {
	copied := *hc
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if t, ok := hc.Transport.(*oauth2.Transport); ok {
		copied.Transport = &oauth2.Transport{Base: t.Base, Source: tokens{t.Source}}
	}
	return &copied
}

// ExplainCredentials adds to the error of a client that could not be made what
// to do about the credentials, if they are the cause.
func ExplainCredentials(err error) error {
	if err == nil || remedy.Of(err.Error()) == "" {
		return err
	}
	return &explained{remedy.Explain(err.Error(), ""), err}
}

// explained is an error with a text that says what to do.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }

// tokens is a token source whose errors are marked.
type tokens struct{ source oauth2.TokenSource }

var errNoTokens = errors.New("the token source is nil")

func (t tokens) Token() (*oauth2.Token, error) {
	if t.source == nil {
		return nil, &noToken{errNoTokens}
	}
	token, err := t.source.Token()
	if err != nil {
		return nil, &noToken{err}
	}
	return token, nil
}

// noToken is the error of a token source. The request was not sent.
type noToken struct{ err error }

func (e *noToken) Error() string { return e.err.Error() }
func (e *noToken) Unwrap() error { return e.err }

// withoutToken returns the error for a request that was not sent because there
// is no token for it, and whether that is why. It is final unless the token
// server failed or could not be reached: credentials that are rejected or
// missing are so on the next try, too.
func withoutToken(r Request, err error) (*Error, bool) {
	var (
		marked    *noToken
		retrieval *oauth2.RetrieveError
	)
	cause := err
	switch {
	case errors.As(err, &marked):
		cause = marked.err
	case errors.As(err, &retrieval): // of a transport that gets tokens by itself
	default:
		return nil, false
	}
	what, advice := refused, remedy.General
	if tokenMayCome(cause) {
		what, advice = unsent, "try again later"
	}
	return r.fails(what, &explained{"get a token for the credentials in use: " + remedy.Explain(cause.Error(), advice), err}), true
}

// tokenMayCome reports whether another try may get a token.
func tokenMayCome(err error) bool {
	var (
		retrieval *oauth2.RetrieveError
		api       *googleapi.Error
		temporary interface{ Temporary() bool } // of cloud.google.com/go/auth
	)
	switch {
	case errors.As(err, &retrieval):
		return retrieval.Response != nil && statusPasses(retrieval.Response.StatusCode) ||
			slices.Contains([]string{"server_error", "temporarily_unavailable"}, retrieval.ErrorCode)
	case errors.As(err, &api):
		return statusPasses(api.Code)
	case ofNetwork(err):
		return true
	case errors.As(err, &temporary) && temporary.Temporary():
		return true
	}
	return statusPasses(statusIn(err.Error()))
}

func statusPasses(status int) bool {
	return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

// ofNetwork reports whether a token server could not be reached for now. A
// missing file is not of the network, although its error has the methods of [net.Error].
func ofNetwork(err error) bool {
	var (
		withURL *url.Error
		errno   syscall.Errno
		network net.Error
	)
	switch {
	case errors.As(err, &withURL) && isUnsendable(withURL.Err), isUnreachable(err), errors.Is(err, context.Canceled):
		return false // the context is the token source's own, and stays canceled
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	case errors.As(err, new(*net.OpError)), withURL != nil:
		return true
	case errors.As(err, &errno):
		return errno.Timeout() || errno.Temporary()
	}
	return errors.As(err, &network) // also the end of a context of the token source
}

// statusIn returns the HTTP status in the text of an error, as the token sources
// of Google's libraries write it that have no type for it; 0 if there is none.
func statusIn(text string) int {
	for _, before := range []string{"status code ", "compute: Received ", "cannot fetch token: "} {
		if _, after, ok := strings.Cut(text, before); ok && len(after) >= 3 {
			status, _ := strconv.Atoi(after[:3])
			return status
		}
	}
	return 0
}
