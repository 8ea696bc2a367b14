package rest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/details"
	"github.com/cloudrun-go/cloudrun/internal/regions"
	"github.com/cloudrun-go/cloudrun/internal/remedy"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// ErrNotAPI is matched by the error of a response that did not come from the API.
var ErrNotAPI = errors.New("the response did not come from the Cloud Run API")

// Answer is an error response of the server. Its texts are safe to print.
type Answer struct {
	StatusCode   int
	Host         string // that answered
	Header       http.Header
	Body         string
	NotAPI       bool // the response did not come from the API, so the status code means little
	Message      string
	Reason       string // in Kubernetes' terms
	GoogleStatus string // the canonical code of a Google error body, such as "NOT_FOUND"
	Details      []any  // of a Google error body
	Violations   []Violation
	Conditions   []Violation    // quotas that were exceeded, and preconditions that failed
	Links        []details.Link // to pages with help
	RetryAfter   time.Duration
	RequestID    string // identifies the request for the server's support; empty if unknown
}

// newAnswer reads an error response.
func newAnswer(host string, status int, header http.Header, body []byte) *Answer {
	b := parseErrorBody(body)
	a := &Answer{
		StatusCode: status, Host: host, Header: header, Body: string(body),
		Message: b.message, Reason: b.reason, GoogleStatus: b.googleStatus, Details: b.details,
		Violations: b.violations, Conditions: b.conditions, Links: b.links, RetryAfter: retryAfter(header), RequestID: requestID(header),
	}
	switch {
	case b.ofAPI:
	case isHTML(header, body) || status == http.StatusNotFound:
		a.NotAPI = true
	default:
		a.Message = safetext.Line(string(body), maxField)
	}
	if a.RetryAfter == 0 {
		a.RetryAfter = b.retryAfter
	}
	if notFound := a.NotAPI && status == http.StatusNotFound; a.Reason == reasonUnknown && !notFound {
		a.Reason = reasonFor(status, a.GoogleStatus) // a wrong address must not look like an object that does not exist
	}
	return a
}

// text describes the response in one line.
func (a *Answer) text() string {
	if a.NotAPI {
		return wrongAddress(a.Host, a.StatusCode).Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d", a.StatusCode)
	if a.GoogleStatus != "" {
		fmt.Fprintf(&b, " %s", a.GoogleStatus)
	}
	if a.Message != "" {
		fmt.Fprintf(&b, ": %s", a.Message)
	}
	for _, more := range a.details() {
		fmt.Fprintf(&b, "; %s", more)
	}
	if a.StatusCode >= http.StatusInternalServerError && a.RequestID != "" { // the server's fault, which its support can look up
		fmt.Fprintf(&b, " (request ID %s)", a.RequestID)
	}
	return b.String()
}

// details returns what to do, and what the details of the response add to its
// message: servers tend to repeat themselves.
func (a *Answer) details() (all []string) {
	add := func(description, text string) {
		if !strings.Contains(a.Message, description) {
			all = append(all, text)
		}
	}
	for _, v := range a.Violations {
		add(v.Description, v.Field+": "+v.Description)
	}
	for _, v := range a.Conditions {
		add(v.Description, v.Description)
	}
	if advice := a.advice(); advice != "" {
		all = append(all, advice)
	}
	for _, l := range a.Links {
		add(l.URL, cmp.Or(strings.TrimRight(l.Description, ". "), "see")+": "+l.URL)
	}
	return all
}

// advice returns what to do about the response, as far as its status code says that.
func (a *Answer) advice() string {
	switch {
	case a.RetryAfter > 0 && a.transient():
		return fmt.Sprintf("try again in %v", max(a.RetryAfter.Round(time.Second), time.Second))
	case a.StatusCode == http.StatusTooManyRequests:
		return "send fewer requests, or try again later"
	case a.StatusCode == http.StatusUnauthorized && a.GoogleStatus != "":
		return "the token was rejected: " + remedy.General
	}
	return ""
}

// maxRequestID bounds what is kept of the ID of a request.
const maxRequestID = 200

// requestID returns what identifies the request of a response: the first of the
// headers of Google, Kubernetes and Google's front end.
func requestID(header http.Header) string {
	for _, name := range []string{"X-Request-Id", "Audit-Id", "X-Cloud-Trace-Context"} {
		if id := safetext.Line(header.Get(name), maxRequestID); id != "" {
			return id
		}
	}
	return ""
}

// has reports whether the server gave a reason, or a status code with no reason that Kubernetes knows.
func (a *Answer) has(status int, reason string) bool {
	return a.Reason == reason || !a.NotAPI && a.StatusCode == status && !knownReason(a.Reason)
}

// wrongAddress is the error for a response that did not come from the API.
func wrongAddress(host string, status int) error {
	advice := regions.Advice(host)
	if status >= http.StatusInternalServerError {
		advice = "a proxy or the front end answered: try again later, or check the endpoint"
	}
	return fmt.Errorf("%w: HTTP %d from %s: %s", ErrNotAPI, status, host, advice)
}

func isHTML(header http.Header, body []byte) bool {
	t, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return t == "text/html" || strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "<")
}

// isPart reports whether a body is the beginning of a JSON object.
func isPart(body []byte) bool {
	return strings.HasPrefix(strings.TrimSpace(string(body)), "{") && !json.Valid(body)
}
