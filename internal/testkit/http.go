package testkit

import (
	"io"
	"net/http"
	"strings"
)

// RoundTripper makes a function an http.RoundTripper.
type RoundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f RoundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Response returns a response to a request.
func Response(req *http.Request, status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Request: req,
		Body: io.NopCloser(strings.NewReader(body)),
	}
}
