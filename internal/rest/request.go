package rest

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"time"
)

// Request is one call of an API.
type Request struct {
	Op       string // for messages, such as "get service"
	Resource string // for messages, such as "projects/p/locations/r/services/s"
	Method   string
	URL      string
	Body     []byte // JSON; nil for none

	// Creates reports whether the request creates an object, so that a conflict
	// means that the object exists, whatever reason the server gives.
	Creates bool

	// TimeLimit bounds one attempt; 0 for the client's limit. For a long poll, it
	// is longer than the server holds the request.
	TimeLimit time.Duration
}

// encode returns the HTTP request, which can be sent again.
func (r Request) encode(ctx context.Context, userAgent string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	if r.Body == nil {
		req.Body, req.GetBody = nil, nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	if userAgent != "" {
		req.Header.Set("User-Agent", userAgent)
	}
	return req, nil
}

// host returns the host that the request goes to, for messages.
func (r Request) host() string {
	u, err := url.Parse(r.URL)
	if err != nil {
		return ""
	}
	return u.Host
}
