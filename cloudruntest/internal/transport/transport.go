// Package transport connects HTTP clients to a server on loopback or in process.
package transport

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
)

// loopback sends requests for any host to the server. Requests for a loopback
// address go to that address, because it may be the URL of a Service.
type loopback struct {
	server string
	base   *http.Transport
}

// Loopback returns a transport that sends requests for every host to the server
// at a TCP address. Requests for a loopback address are sent there.
func Loopback(server string) http.RoundTripper {
	return &loopback{server: server, base: &http.Transport{MaxIdleConnsPerHost: 64}}
}

func (t *loopback) RoundTrip(req *http.Request) (*http.Response, error) {
	if addr, err := netip.ParseAddr(req.URL.Hostname()); err == nil && addr.IsLoopback() {
		return t.base.RoundTrip(req)
	}
	r := req.Clone(req.Context())
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.URL.Scheme, r.URL.Host = "http", t.server
	resp, err := t.base.RoundTrip(r)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

func (t *loopback) CloseIdleConnections() { t.base.CloseIdleConnections() }

// Break ends a request without a response, as a network failure does.
func Break(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if errors.Is(err, http.ErrNotSupported) || conn == nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // the client sees a reset instead of an orderly end
	}
	_ = conn.Close()
}

// Refuse ends a request as if no server listened. Over TCP it is too late for
// that, so the connection is reset.
func Refuse(w http.ResponseWriter) {
	if r, ok := w.(interface{ refuse() }); ok {
		r.refuse()
		return
	}
	Break(w)
}
