package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/names"
)

// Request is one call of an API.
type Request struct {
	Op       string // for messages, such as "get service"
	Resource string // for messages, such as "projects/p/locations/r/services/s"
	Method   string
	URL      string
	// Permission is what the caller must be allowed to do; empty if that is not known.
	Permission string
	Body       []byte // JSON; nil for none

	// ContentType is that of the body; empty for application/json.
	ContentType string
	// MayBeEmpty allows an empty response.
	MayBeEmpty bool

	// Creates reports whether the request creates an object, so that a conflict
	// means that the object exists, whatever reason the server gives.
	Creates bool

	// Read reads the body of a successful response, once in each attempt. If it
	// succeeds, the body is complete JSON, and is not checked another time. Its
	// error is not that of the request: the caller keeps it.
	Read func(body []byte) error

	// TimeLimit bounds one attempt; 0 for the client's limit. For a long poll, it
	// is longer than the server holds the request. For a watch, it bounds the time
	// until the next event.
	TimeLimit time.Duration
}

// Raw returns a request with a path and a query that a caller wrote. Messages
// name the method and the path.
func Raw(base, method, path string, body []byte) (Request, error) {
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	if !slices.Contains(methods, method) {
		return Request{}, fmt.Errorf("method %.20q: must be one of %s", method, strings.Join(methods, ", "))
	}
	if err := names.Path(path); err != nil {
		return Request{}, err
	}
	if body != nil && method == http.MethodGet {
		return Request{}, errors.New("a GET must not have a body")
	}
	if body != nil && !json.Valid(body) {
		return Request{}, errors.New("the body is not valid JSON: pass nil to send none")
	}
	shown, _, _ := strings.Cut(path, "?")
	return Request{Op: method, Resource: shown, Method: method, URL: base + path, Body: slices.Clone(body), MayBeEmpty: true}, nil
}

// what returns what the request does, and on what.
func (r Request) what() string { return r.Op + " " + r.Resource }

// encode returns the HTTP request, which can be sent again.
func (r Request) encode(ctx context.Context, userAgent string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	if r.Body == nil {
		req.Body, req.GetBody = nil, nil
	} else {
		req.Header.Set("Content-Type", cmp.Or(r.ContentType, "application/json"))
	}
	req.Header.Set("Accept", "application/json")
	if userAgent != "" {
		req.Header.Set("User-Agent", userAgent)
	}
	return req, nil
}

// complete reads the body of a successful response, and reports whether it is complete JSON.
func (r Request) complete(body []byte) bool {
	return r.Read != nil && r.Read(body) == nil || json.Valid(body)
}

// object returns the URL without its query and the verb of a custom method: all
// requests about one object have the same.
func (r Request) object() string {
	object, _, _ := strings.Cut(r.URL, "?")
	if verb := strings.LastIndexByte(object, ':'); verb > strings.LastIndexByte(object, '/') {
		return object[:verb]
	}
	return object
}

// host returns the host that the request goes to, for messages.
func (r Request) host() string {
	u, err := url.Parse(r.URL)
	if err != nil {
		return ""
	}
	return u.Host
}
