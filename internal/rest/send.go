package rest

import (
	"context"
	"encoding/json"
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
}

var (
	errNoClient   = errors.New("there is no HTTP client")
	errIncomplete = errors.New("the response is not complete JSON")
)

// Send makes one attempt and returns the body of a successful response.
// Its error is an [*Error].
func (c Client) Send(ctx context.Context, r Request) ([]byte, error) {
	resp, err := c.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(&bounded{resp.Body, maxObject})
	switch {
	case err != nil:
		return nil, r.fails(lost, err)
	case json.Valid(body):
		return body, nil
	case isHTML(resp.Header, body):
		return nil, r.fails(lost, wrongAddress(r.host(), resp.StatusCode))
	}
	return nil, r.fails(lost, errIncomplete)
}

// open makes one attempt and returns the response if it is a success. The caller closes its body.
func (c Client) open(ctx context.Context, r Request) (*http.Response, error) {
	if c.HTTP == nil {
		return nil, r.fails(refused, errNoClient)
	}
	if err := ctx.Err(); err != nil {
		return nil, r.fails(unsent, err)
	}
	req, err := r.encode(ctx, c.UserAgent)
	if err != nil {
		return nil, r.fails(refused, err)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, unreachable(r, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, readFailure(r, resp)
}

// readFailure returns the error for a response that is not a success.
func readFailure(r Request, resp *http.Response) *Error {
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
		return r.fails(lost, fmt.Errorf("HTTP %d: %w", resp.StatusCode, errIncomplete))
	}
	return r.refusedBy(a)
}
