package rest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"golang.org/x/oauth2"
)

// unreachable returns the error for a request that got no response. It is final
// where another try cannot help.
func unreachable(r Request, err error) *Error {
	var (
		token  *oauth2.RetrieveError
		cert   *tls.CertificateVerificationError
		lookup *net.DNSError
		dial   *net.OpError
	)
	switch {
	case isUnsendable(err):
		return r.fails(refused, err)
	case errors.As(err, &token) && refusedToken(token):
		return r.fails(refused, fmt.Errorf("get a token for the credentials in use: %w", err))
	case errors.As(err, &token):
		return r.fails(unsent, err)
	case errors.As(err, &cert), errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &lookup) && lookup.IsNotFound:
		return r.fails(refused, fmt.Errorf("cannot reach %s: %w", r.host(), err))
	case errors.As(err, &dial) && dial.Op == "dial":
		return r.fails(unsent, err)
	}
	return r.fails(lost, err)
}

// refusedToken reports whether the token server rejected the credentials, rather than having failed.
func refusedToken(err *oauth2.RetrieveError) bool {
	return err.Response != nil && err.Response.StatusCode < 500 && err.Response.StatusCode != http.StatusTooManyRequests
}

// isUnsendable reports whether the request itself is at fault, such as for a line
// break in the user agent. The HTTP client has no type for that.
func isUnsendable(err error) bool {
	text := err.Error()
	for _, beginning := range []string{"net/http: invalid header field", "net/http: invalid trailer field", "net/http: invalid method",
		"unsupported protocol scheme", "http: no Host in request URL", "http2: invalid"} {
		if strings.HasPrefix(text, beginning) {
			return true
		}
	}
	return false
}
