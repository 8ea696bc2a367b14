package cloudrun

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

const annotationOperation = "run.googleapis.com/operation-id"

// longPoll is how long the server is asked to hold a request for an operation's end.
const longPoll = 30 * time.Second

// longPollGrace is how much longer an answer may take before the connection counts as dead.
const longPollGrace = 15 * time.Second

// operationWait is a long poll under way.
type operationWait struct {
	result chan operationEnd
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// operationEnd is how an operation ended. Without service and failure, it is
// not known: the operation cannot be waited for.
type operationEnd struct {
	service *servingv1.Service
	failure error
	again   time.Time // not to ask for another one before
}

func (o *operationWait) stop() {
	o.cancel()
	o.done.Wait()
}

// startOperation begins the long poll on the operation that a Service names,
// unless it is under way or was waited for already.
func (w *waiter) startOperation(ctx context.Context, s *servingv1.Service) {
	c, ok := w.services.(*Client)
	id := s.Annotations[annotationOperation]
	if !ok || c.region == "" || id == "" || id == w.asked || w.operation != nil || s.Generation < w.cfg.anchor || time.Now().Before(w.askAgain) {
		return
	}
	w.asked, w.operationErr = id, nil // how an earlier operation ended says nothing of this one
	ctx, cancel := context.WithCancel(ctx)
	o := &operationWait{result: make(chan operationEnd, 1), cancel: cancel}
	o.done.Go(func() { o.result <- c.waitOperation(ctx, id) })
	w.operation = o
}

func (w *waiter) stopOperation() {
	if w.operation != nil {
		w.operation.stop()
		w.operation = nil
	}
}

// waitOperation waits until an operation has ended, or cannot be waited for:
// a server that does not hold the request is better polled for the Service.
func (c *Client) waitOperation(ctx context.Context, id string) operationEnd {
	again := newBackOff()
	for failures := 0; ; {
		start := time.Now()
		op, err := c.askOperation(ctx, id)
		if err == nil && op.Done {
			return op.end()
		}
		if err == nil && time.Since(start) > longPoll/2 {
			failures = 0
			again.Reset()
			continue // it was held: ask again at once
		}
		if failures++; failures > 3 || err != nil && !transient(err) {
			return operationEnd{again: time.Now().Add(askedDelay(err))}
		}
		again.atLeast = askedDelay(err)
		pause := again.NextBackOff()
		if pause == backoff.Stop || sleep(ctx, pause) != nil {
			return operationEnd{}
		}
	}
}

// operation is a google.longrunning.Operation.
type operation struct {
	Done  bool `json:"done"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
	Response json.RawMessage `json:"response"`
}

func (o *operation) end() operationEnd {
	if o.Error != nil {
		message := printable(o.Error.Message, maxMessage)
		if message == "" {
			message = "the operation failed"
		}
		return operationEnd{failure: errors.New(message)}
	}
	if len(bytes.TrimSpace(o.Response)) == 0 {
		return operationEnd{}
	}
	s, err := decodeService(o.Response)
	if err != nil {
		return operationEnd{} // not a Service of this API: the polls will tell
	}
	return operationEnd{service: s}
}

func (c *Client) askOperation(ctx context.Context, id string) (*operation, error) {
	ctx, cancel := context.WithTimeout(ctx, longPoll+longPollGrace)
	defer cancel()
	raw, err := c.send(ctx, request{
		op: "wait for operation", resource: c.resource("operations", id), method: http.MethodPost,
		url:  c.regional + "/v1/projects/" + url.PathEscape(c.project) + "/locations/" + c.region + "/operations/" + url.PathEscape(id) + ":wait",
		body: []byte(`{"timeout":"30s"}`),
	})
	if err != nil {
		return nil, err
	}
	return decode[operation](raw)
}
