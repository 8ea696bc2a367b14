package rest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
)

// unreachable returns the error for a request that got no response. It is final
// where another try cannot help.
func unreachable(r Request, err error) *Error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		err = withURL.Err // the message names the resource instead
	}
	var (
		token  *oauth2.RetrieveError
		cert   *tls.CertificateVerificationError
		lookup *net.DNSError
		dial   *net.OpError
	)
	switch {
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
