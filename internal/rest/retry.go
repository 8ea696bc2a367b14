package rest

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

// Read sends a request that changes nothing. It retries transient failures.
// Its error is an [*Error].
func (c Client) Read(ctx context.Context, r Request) (body []byte, err error) {
	err = c.retry(ctx, Transient, func() error {
		body, err = c.Send(ctx, r)
		return err
	})
	return body, err
}

// Write sends a request that changes something. It retries a transient failure
// only if the failed request had no effect. Its error is an [*Error].
func (c Client) Write(ctx context.Context, r Request) (body []byte, err error) {
	again := func(err error) bool { return Transient(err) && !MayHaveApplied(err) }
	err = c.retry(ctx, again, func() error {
		body, err = c.Send(ctx, r)
		return err
	})
	return body, err
}

// Delete sends a request that deletes an object. It retries transient failures:
// an object that is gone after a lost response was deleted by this call.
// Its error is an [*Error].
func (c Client) Delete(ctx context.Context, r Request) error {
	maybeDeleted := false
	return c.retry(ctx, Transient, func() error {
		_, err := c.Send(ctx, r)
		if maybeDeleted && IsNotFound(err) {
			return nil
		}
		maybeDeleted = maybeDeleted || MayHaveApplied(err)
		return err
	})
}

// retry calls attempt until it succeeds or fails in a way that again rejects,
// or until the budget or the context ends. It returns the error of the last
// attempt, together with the context's if that was the end.
func (c Client) retry(ctx context.Context, again func(error) bool, attempt func() error) error {
	if IsSingleAttempt(ctx) {
		return attempt()
	}
	backOff := pause.NewBackOff()
	for {
		err := attempt()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || !again(err) {
			return interrupted(ctx, err)
		}
		delay := backOff.Next(Delay(err))
		if delay == pause.Stop {
			return err
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
