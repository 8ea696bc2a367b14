package rest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"
)

// DefaultTimeLimit is the time limit of an attempt, unless the client or the request sets another.
const DefaultTimeLimit = time.Minute

// overdue is the error of an attempt that took too long.
type overdue struct{ limit time.Duration }

func (e *overdue) Error() string {
	return fmt.Sprintf("the server sent no complete response within %v", e.limit)
}

// limit returns the time limit of one attempt.
func (c Client) limit(r Request) time.Duration {
	switch {
	case r.TimeLimit > 0:
		return r.TimeLimit
	case c.TimeLimit > 0:
		return c.TimeLimit
	}
	return DefaultTimeLimit
}

// clock ends the context of an attempt when its time limit is over. Progress
// only moves the deadline: a list makes progress with each item, and to set a
// timer that often costs more than to decode the item.
type clock struct {
	limit  time.Duration
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	timer    *time.Timer
	deadline time.Time
	paused   bool
	stands   bool // the timer went off during a pause
}

func newClock(ctx context.Context, limit time.Duration) (context.Context, *clock) {
	ctx, cancel := context.WithCancelCause(ctx)
	k := &clock{limit: limit, cancel: cancel, deadline: time.Now().Add(limit)}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timer = time.AfterFunc(limit, k.ring)
	return ctx, k
}

// ring is called when the timer goes off.
func (k *clock) ring() {
	k.mu.Lock()
	defer k.mu.Unlock()
	left := time.Until(k.deadline)
	switch {
	case k.paused:
		k.stands = true
	case left > 0:
		k.timer.Reset(left)
	default:
		k.cancel(&overdue{k.limit})
	}
}

// pause stops the clock, while the caller and not the server is at work.
func (k *clock) pause() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.paused = true
}

// restart grants the whole time limit again, because the server has made progress.
func (k *clock) restart() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.deadline, k.paused = time.Now().Add(k.limit), false
	if k.stands {
		k.stands = false
		k.timer.Reset(k.limit)
	}
}

// change sets another time limit and grants it from now on.
func (k *clock) change(limit time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.limit, k.deadline = limit, time.Now().Add(limit)
	k.timer.Reset(limit)
}

// stop ends the context.
func (k *clock) stop() {
	k.timer.Stop()
	k.cancel(nil)
}

// failure returns the cause of a failed attempt. It matches the error of a
// context only if the caller's context has ended: other deadlines, such as that
// of an HTTP client, are the attempt's own.
func failure(caller, attempt context.Context, err error) error {
	if withURL := (*url.Error)(nil); errors.As(err, &withURL) {
		err = withURL.Err // the message names the resource instead
	}
	late := (*overdue)(nil)
	switch {
	case caller.Err() != nil:
		return err
	case errors.As(context.Cause(attempt), &late):
		return late
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &timeout{err}
	}
	return err
}

// timeout is an error of the HTTP client that looks like the end of the caller's
// context, such as a dialer's timeout. It has the types of that error but does not match it.
type timeout struct{ err error }

func (e *timeout) Error() string { return e.err.Error() }

// As finds an error type in the error.
func (e *timeout) As(target any) bool { return errors.As(e.err, target) }
