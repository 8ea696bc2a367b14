package rest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

// Read sends a request that changes nothing. It retries transient failures.
// Its error is an [*Error].
func (c Client) Read(ctx context.Context, r Request) (body []byte, err error) {
	c = c.inCall()
	err = c.retry(ctx, Transient, func() error {
		body, err = c.Send(ctx, r)
		return err
	})
	return body, err
}

// Write sends a request that changes something. It retries a transient failure
// only if the failed request had no effect. Its error is an [*Error].
func (c Client) Write(ctx context.Context, r Request) (body []byte, err error) {
	c = c.inCall()
	again := func(err error) bool { return Transient(err) && !MayHaveApplied(err) }
	arrived := false
	err = c.retry(ctx, again, func() error {
		body, err = c.Send(ctx, r)
		if e, ok := find(err); ok {
			e.arrived = arrived
		}
		arrived = arrived || Arrived(err)
		return err
	})
	return body, err
}

// Retry calls attempt until it succeeds or fails in a way that does not pass, or
// until the call's time for retries or the context ends. The requests of an
// attempt are not retried by themselves. Its error is that of the last attempt.
func (c Client) Retry(ctx context.Context, attempt func(context.Context) error) error {
	return c.inCall().retry(ctx, Transient, func() error { return attempt(SingleAttempt(ctx)) })
}

// inCall returns a client whose requests belong to the current call, or to a new one.
func (c Client) inCall() Client {
	if c.Call == nil {
		return c.ForCall()
	}
	return c
}

// retry calls attempt until it succeeds or fails in a way that again rejects,
// or until the call's time for retries or the context ends. It returns the error
// of the last attempt, together with the context's if that was the end.
func (c Client) retry(ctx context.Context, again func(error) bool, attempt func() error) error {
	if IsSingleAttempt(ctx) {
		return attempt()
	}
	var backOff *pause.BackOff
	for {
		start := time.Now()
		err := attempt()
		if err == nil {
			return nil
		}
		if Transient(err) {
			c.Call.Retries.Spend(min(time.Since(start), c.limit(Request{}))) // a list also spends its caller's time
		}
		if ctx.Err() != nil || !again(err) {
			return interrupted(ctx, err)
		}
		if backOff == nil {
			backOff = c.Call.Retries.BackOff()
		}
		delay := backOff.Next(Delay(err))
		if delay == pause.Stop {
			return err
		}
		if e, ok := find(err); ok && e.starting {
			delay = min(delay, startup/5) // so that the last try is not long after the startup
		}
		if c.OnRetry != nil {
			c.OnRetry(err, delay)
		}
		if pause.Sleep(ctx, delay) != nil {
			return interrupted(ctx, err)
		}
	}
}

// interrupted adds the context's error to the error of the last attempt.
func interrupted(ctx context.Context, err error) error {
	ended := ctx.Err()
	if ended == nil || errors.Is(err, ended) {
		return err
	}
	if e, ok := find(err); ok {
		last := *e
		last.Interrupted = ended
		return &last
	}
	return fmt.Errorf("%w: %w", ended, err)
}
