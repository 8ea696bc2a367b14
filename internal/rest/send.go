package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// Client sends requests. It is safe for concurrent use if its HTTP client and OnRetry are.
type Client struct {
	// HTTP sends the requests. It must not follow redirects.
	HTTP *http.Client
	// UserAgent is the header User-Agent.
	UserAgent string
	// OnRetry is called before each wait for another try; it may be nil.
	OnRetry func(err error, delay time.Duration)
	// TimeLimit bounds one attempt; 0 for [DefaultTimeLimit]. In a list it bounds
	// the time until the next item instead.
	TimeLimit time.Duration
	// Call is what the requests share; nil if each is a call of its own.
	Call *Call
}

var (
	errNoClient   = errors.New("there is no HTTP client")
	errIncomplete = errors.New("the response is not complete JSON")
)

// ForCall returns a client whose requests belong to one call: they share the time
// for retries, and the warnings of their responses are collected.
func (c Client) ForCall() Client {
	c.Call = new(Call)
	return c
}

// Send makes one attempt and returns the body of a successful response.
// Its error is an [*Error].
func (c Client) Send(ctx context.Context, r Request) ([]byte, error) {
	body, err := c.send(ctx, r)
	if err != nil {
		return nil, c.Call.judge(err)
	}
	c.Call.succeeded(r)
	return body, nil
}

func (c Client) send(ctx context.Context, r Request) ([]byte, *Error) {
	attempt, clock, resp, failed := c.start(ctx, c.limit(r), r)
	if failed != nil {
		return nil, failed
	}
	defer clock.stop()
	defer resp.Body.Close()
	body, err := readAll(&bounded{attempt, resp.Body, maxObject}, resp.ContentLength)
	switch {
	case err != nil:
		return nil, r.fails(lost, failure(ctx, attempt, err))
	case r.complete(body):
		return body, nil
	case r.MayBeEmpty && len(body) == 0:
		return nil, nil
	case isHTML(resp.Header, body):
		return nil, r.fails(lost, wrongAddress(r.host(), resp.StatusCode))
	}
	return nil, r.fails(lost, errIncomplete)
}

// open makes one attempt, within a context of its own, and returns the response
// if it is a success. The caller closes its body.
func (c Client) open(ctx, attempt context.Context, r Request) (*http.Response, *Error) {
	if c.HTTP == nil {
		return nil, r.fails(refused, errNoClient)
	}
	if err := ctx.Err(); err != nil {
		return nil, r.fails(unsent, err)
	}
	if held := c.Call.held(r); held != nil {
		return nil, held
	}
	req, err := r.encode(withAttempt(attempt, Attempt{Op: r.Op, Resends: c.Call.resends(r)}), c.UserAgent)
	if err != nil {
		return nil, r.fails(refused, err)
	}
	resp, err := do(c.HTTP, req)
	if err != nil {
		return nil, unreachable(r, failure(ctx, attempt, err))
	}
	c.Call.answered(resp)
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	failed := readFailure(ctx, attempt, r, resp)
	if failed.Answer != nil {
		c.Call.hold(r, failed.Answer)
	}
	return nil, failed
}

// readFailure returns the error for a response that is not a success.
func readFailure(ctx, attempt context.Context, r Request, resp *http.Response) *Error {
	if resp.StatusCode < 400 {
		host := ""
		if to, err := resp.Location(); err == nil {
			host = to.Host
		}
		return r.fails(refused, fmt.Errorf("%w: it redirects to %q, which is not followed: check the endpoint",
			ErrNotAPI, safetext.Line(host, maxField)))
	}
	body, broken := io.ReadAll(io.LimitReader(resp.Body, maxError))
	a := newAnswer(r.host(), resp.StatusCode, resp.Header, body)
	if a.NotAPI && (broken != nil || isPart(body)) { // its beginning does not show whether it came from the API
		cause := errIncomplete
		if attempt.Err() != nil {
			cause = failure(ctx, attempt, broken)
		}
		return r.fails(lost, fmt.Errorf("HTTP %d: %w", resp.StatusCode, cause))
	}
	return r.refusedBy(a)
}
