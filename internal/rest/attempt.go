package rest

import "context"

// Attempt is one attempt of a request, for the transport that sends it.
type Attempt struct {
	Op      string // that of the request
	Resends int    // how often in a row the call has sent the request before, and it failed in a way that may pass
}

type attemptKey struct{}

func withAttempt(ctx context.Context, a Attempt) context.Context {
	return context.WithValue(ctx, attemptKey{}, a)
}

// AttemptOf returns the attempt that the context of an HTTP request belongs to. It
// is empty if a [Client] did not send it.
func AttemptOf(ctx context.Context) Attempt {
	a, _ := ctx.Value(attemptKey{}).(Attempt)
	return a
}

// count counts the failures in a row that may pass. Any other ends the row.
func (c *Call) count(e *Error) {
	if c == nil || e.held {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	what := Request{Op: e.Op, Resource: e.Resource}.what()
	if !Transient(e) {
		delete(c.failed, what)
		return
	}
	if c.failed == nil {
		c.failed = map[string]int{}
	}
	c.failed[what]++
}

// succeeded notes the success of a request.
func (c *Call) succeeded(r Request) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failed) > 0 {
		delete(c.failed, r.what())
	}
}

// resends returns how often a request has failed in a row, in a way that may pass.
func (c *Call) resends(r Request) int {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failed) == 0 {
		return 0
	}
	return c.failed[r.what()]
}

type singleAttempt struct{}

// SingleAttempt returns a context whose requests are not retried. A caller that
// repeats a whole call by itself passes it, also through functions that know
// nothing of retries.
func SingleAttempt(ctx context.Context) context.Context {
	return context.WithValue(ctx, singleAttempt{}, true)
}

// IsSingleAttempt reports whether the requests of a context are not to be retried.
func IsSingleAttempt(ctx context.Context) bool {
	single, _ := ctx.Value(singleAttempt{}).(bool)
	return single
}
