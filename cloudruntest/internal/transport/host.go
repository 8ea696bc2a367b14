package transport

import (
	"net"
	"net/http"
	"strings"
)

// Hostname returns the host that a request is for, without a port.
func Hostname(r *http.Request) string {
	host := r.Host
	if r.URL.Host != "" {
		host = r.URL.Host // a proxy's request has the whole URL
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(host)
}
