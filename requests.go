package cloudrun

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

const (
	retryMax    = pause.MaxInterval
	retryBudget = pause.Budget
)

// request is one call of the API.
type request struct {
	op       string // for messages: "get service"
	resource string // for messages: "projects/p/locations/r/services/s"
	method   string
	url      string
	body     []byte
	creates  bool // an object, so that a conflict means that it exists
}

func (r request) rest() rest.Request {
	return rest.Request{Op: r.op, Resource: r.resource, Method: r.method, URL: r.url, Body: r.body, Creates: r.creates}
}

// send makes one attempt and returns the body of a successful response.
func (c *Client) send(ctx context.Context, r request) ([]byte, error) {
	body, err := c.rest.Send(ctx, r.rest())
	return body, apiError(err)
}

// read makes a request that changes nothing, and retries it.
func (c *Client) read(ctx context.Context, r request) ([]byte, error) {
	body, err := c.rest.Read(ctx, r.rest())
	return body, apiError(err)
}

// write makes a request that changes something, and retries it if the failed one had no effect.
func (c *Client) write(ctx context.Context, r request) ([]byte, error) {
	body, err := c.rest.Write(ctx, r.rest())
	return body, apiError(err)
}

// politeBackOff is an exponential backoff that waits at least as long as the server asked for.
type politeBackOff struct {
	*pause.BackOff
	atLeast time.Duration
}

func newBackOff() *politeBackOff { return &politeBackOff{BackOff: pause.NewBackOff()} }

func (b *politeBackOff) NextBackOff() time.Duration { return b.Next(b.atLeast) }

func sleep(ctx context.Context, d time.Duration) error { return pause.Sleep(ctx, d) }

func transient(err error) bool { return rest.Transient(err) }

// outcomeOf returns what a failed write request may have done.
func outcomeOf(err error) WriteOutcome {
	if rest.MayHaveApplied(err) {
		return WriteUnknown
	}
	return NotWritten
}

func askedDelay(err error) time.Duration { return rest.Delay(err) }

// isMissing reports whether a read found that there is no such object.
func isMissing(err error) bool { return apierrors.IsNotFound(err) }

func decode[T any](raw []byte) (*T, error) { return rest.Decode[T](raw) }
