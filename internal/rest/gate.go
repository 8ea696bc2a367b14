package rest

import (
	"context"
	"net/http"
	"time"
)

// Gate is asked before each request of a context is sent, also before each retry. It
// returns when the request may be sent. The time until then does not count as
// part of the attempt. If the request is sent, answered is called once: with the status
// of the response, 0 if there is none, and the delay that the server asked for. An
// error of the gate is final.
type Gate func(ctx context.Context, r Request) (answered func(status int, retryAfter time.Duration), err error)

type gateKey struct{}

// WithGate returns a context whose requests pass a gate.
func WithGate(ctx context.Context, g Gate) context.Context {
	return context.WithValue(ctx, gateKey{}, g)
}

// start begins an attempt: it passes the gate of the context, starts the clock
// and returns the response if it is a success. Then the caller stops the clock
// and closes the body.
func (c Client) start(ctx context.Context, limit time.Duration, r Request) (attempt context.Context, k *clock, resp *http.Response, failed *Error) {
	answered := func(int, time.Duration) {}
	if gate, ok := ctx.Value(gateKey{}).(Gate); ok {
		var err error
		if answered, err = gate(ctx, r); err != nil {
			return nil, nil, nil, r.fails(closed(ctx), err)
		}
	}
	status, after := 0, time.Duration(0)
	attempt, k = newClock(ctx, limit)
	defer func() { // also if the transport panics
		if resp == nil {
			k.stop()
		}
		answered(status, after)
	}()
	resp, failed = c.open(ctx, attempt, r)
	switch {
	case failed == nil:
		status = resp.StatusCode
	case failed.Answer != nil:
		status, after = failed.Answer.StatusCode, failed.Answer.RetryAfter
	}
	return attempt, k, resp, failed
}

// closed returns the effect of a request that does not pass the gate. Unless the
// context has ended, another try would not pass either.
func closed(ctx context.Context) effect {
	if ctx.Err() != nil {
		return unsent
	}
	return refused
}
