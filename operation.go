package cloudrun

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

const (
	// longPoll is how long the server is asked to hold a request.
	longPoll = 30 * time.Second
	// longPollGrace is how much longer a response may take before the connection counts as dead.
	longPollGrace = 15 * time.Second
	// longPollFailures bounds how often in a row a long poll may fail.
	longPollFailures = 3
)

var errNotHeld = errors.New("the server does not hold the request until the operation ends")

// WaitOperation waits until an operation has ended and returns the Service at
// that time, nil if the operation ended without one. The annotation
// run.googleapis.com/operation-id of a Service names the operation of its last
// change. [WaitReady] uses this method, see [OperationWaiter].
//
// The error is an [*OperationError] if the operation failed. It matches
// [ErrNotOnCluster] on a cluster. Otherwise the operation cannot be waited for,
// because the server refuses it or does not hold the request: poll the Service
// instead.
func (c *Client) WaitOperation(ctx context.Context, id string) (*servingv1.Service, error) {
	const op = "wait for operation"
	if err := c.checkOperation(id); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	again := pause.NewBackOff()
	for failures := 0; ; {
		start := time.Now()
		o, err := c.askOperation(ctx, op, id)
		if err == nil && o.Done {
			return o.end(id)
		}
		if err == nil && time.Since(start) > longPoll/2 {
			failures = 0
			again.Reset()
			continue // the server held the request: ask again at once
		}
		if err == nil {
			err = errNotHeld
		}
		if failures++; failures > longPollFailures || !errors.Is(err, errNotHeld) && !transient(err) {
			return nil, err
		}
		delay := again.Next(askedDelay(err))
		if delay == pause.Stop || pause.Sleep(ctx, delay) != nil {
			return nil, err
		}
	}
}

func (c *Client) checkOperation(id string) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.region == "" {
		return ErrNotOnCluster
	}
	if id == "" {
		return errors.New("the ID of the operation is empty")
	}
	return nil
}

// operation is a google.longrunning.Operation.
type operation struct {
	Done  bool `json:"done"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
	Response json.RawMessage `json:"response"`
}

// end returns how an operation that is done ended. A response that is not a
// Service counts as none.
func (o *operation) end(id string) (*servingv1.Service, error) {
	if o.Error != nil {
		message := printable(o.Error.Message, maxMessage)
		if message == "" {
			message = "the server does not say why"
		}
		return nil, &OperationError{Operation: id, Message: message}
	}
	if len(bytes.TrimSpace(o.Response)) == 0 {
		return nil, nil
	}
	s, err := decodeService(o.Response)
	if err != nil {
		return nil, nil
	}
	return s, nil
}

func (c *Client) askOperation(ctx context.Context, op, id string) (*operation, error) {
	ctx, cancel := context.WithTimeout(ctx, longPoll+longPollGrace)
	defer cancel()
	raw, err := c.send(ctx, request{
		op: op, resource: c.resource("operations", id), method: http.MethodPost,
		url:  c.regional + "/v1/projects/" + url.PathEscape(c.project) + "/locations/" + c.region + "/operations/" + url.PathEscape(id) + ":wait",
		body: []byte(`{"timeout":"30s"}`),
	})
	if err != nil {
		return nil, err
	}
	return decode[operation](raw)
}
