package cloudrun

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
)

const (
	// maxObject bounds the answer to a request for one object.
	maxObject = 16 << 20
	// maxError is how much of a failed answer is read.
	maxError = 64 << 10
)

// request is one call of the API.
type request struct {
	op       string // for messages: "get service"
	resource string // for messages: "projects/p/locations/r/services/s"
	method   string
	url      string
	body     []byte
}

// send makes one attempt and returns the body of a successful answer.
func (c *Client) send(ctx context.Context, r request) ([]byte, error) {
	resp, err := c.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(&bounded{resp.Body, maxObject})
	if err != nil {
		return nil, &answerError{op: r.op, resource: r.resource, err: err}
	}
	if !json.Valid(body) {
		return nil, notJSON(r, resp, body)
	}
	return body, nil
}

// open makes one attempt and returns the answer if it is a successful one. The caller closes its body.
func (c *Client) open(ctx context.Context, r request) (*http.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, &answerError{op: r.op, resource: r.resource, err: err, notSent: true}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.op, r.resource, err)
	}
	if r.body == nil {
		req.Body, req.GetBody = nil, nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent(c.version))
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unanswered(r, req.URL.Host, withoutURL(err))
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, failedAnswer(r, resp)
	}
	return resp, nil
}

func failedAnswer(r request, resp *http.Response) error {
	body, broken := io.ReadAll(io.LimitReader(resp.Body, maxError))
	if resp.StatusCode < 400 {
		to, _ := resp.Location()
		if to == nil {
			to = &url.URL{}
		}
		return fmt.Errorf("%s %s: %w: it redirects to %q, which is not followed: check the endpoint",
			r.op, r.resource, ErrNotAPI, printable(to.Host, 200))
	}
	e := newAPIError(r.op, r.resource, resp.StatusCode, resp.Header, body)
	e.host = hostOf(r.url)
	if e.notAPI && (broken != nil || isPart(body)) { // there is no telling whether it came from the API
		return &answerError{op: r.op, resource: r.resource, err: fmt.Errorf("HTTP %d: %w", resp.StatusCode, errIncomplete)}
	}
	return e
}

var errIncomplete = errors.New("the answer is not complete JSON")

// isPart reports whether an answer is the beginning of a JSON object.
func isPart(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) && !json.Valid(body)
}

// hostOf is the host that a URL of ours leads to, for messages.
func hostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// notJSON is the error for a successful status with a body that is not an API answer, as a proxy sends.
func notJSON(r request, resp *http.Response, body []byte) error {
	if isHTML(resp.Header, body) {
		return &answerError{op: r.op, resource: r.resource, err: wrongAddress(hostOf(r.url), resp.StatusCode)}
	}
	return &answerError{op: r.op, resource: r.resource, err: errIncomplete}
}

// answerError is the failure to get an answer that says whether the request took effect.
type answerError struct {
	op, resource string
	err          error
	notSent      bool // the request cannot have reached the server
}

func (e *answerError) Error() string { return fmt.Sprintf("%s %s: %v", e.op, e.resource, e.err) }
func (e *answerError) Unwrap() error { return e.err }

// unanswered is the failure to reach a host, which is final where trying again cannot help.
func unanswered(r request, host string, err error) error {
	var (
		token  *oauth2.RetrieveError
		cert   *tls.CertificateVerificationError
		lookup *net.DNSError
	)
	switch {
	case errors.As(err, &token):
		if token.Response != nil && token.Response.StatusCode < 500 && token.Response.StatusCode != http.StatusTooManyRequests {
			return fmt.Errorf("%s %s: get a token for the credentials in use: %w", r.op, r.resource, err)
		}
		return &answerError{op: r.op, resource: r.resource, err: err, notSent: true}
	case errors.As(err, &cert), errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &lookup) && lookup.IsNotFound:
		return fmt.Errorf("%s %s: cannot reach %s: %w", r.op, r.resource, host, err)
	}
	var dial *net.OpError
	return &answerError{op: r.op, resource: r.resource, err: err, notSent: errors.As(err, &dial) && dial.Op == "dial"}
}

// withoutURL takes the URL out of an error of the HTTP client: the message names the resource.
func withoutURL(err error) error {
	if u, ok := asType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

var errTooLarge = errors.New("the answer is too large")

// bounded reads up to a limit, and fails there.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
