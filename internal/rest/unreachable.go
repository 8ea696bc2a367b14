package rest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/regions"
)

// unreachable returns the error for a request that got no response. It is final
// where another try cannot help.
func unreachable(r Request, err error) *Error {
	if e, ok := withoutToken(r, err); ok {
		return e
	}
	dial := (*net.OpError)(nil)
	switch {
	case isUnsendable(err):
		return r.fails(refused, err)
	case isUnreachable(err):
		return r.fails(refused, fmt.Errorf("cannot reach %s: %w: %s", r.host(), err, regions.Advice(r.host())))
	case errors.As(err, &dial) && dial.Op == "dial":
		return r.fails(unsent, fmt.Errorf("cannot reach %s: %w", r.host(), err))
	}
	return r.fails(lost, err)
}

// isUnreachable reports whether a host does not exist or is not the one that it should be.
func isUnreachable(err error) bool {
	var (
		cert   *tls.CertificateVerificationError
		lookup *net.DNSError
	)
	return errors.As(err, &cert) || errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &lookup) && lookup.IsNotFound
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
