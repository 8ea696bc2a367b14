// Package pause decides how long to wait before the next try, and waits.
package pause

import (
	"context"
	"math/rand"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Stop is returned by [BackOff.Next] when there is to be no other try.
const Stop = backoff.Stop

// Every retry is exponential, jittered and bounded.
const (
	initial = 500 * time.Millisecond

	// MaxInterval bounds one delay, before what the server asked for is added.
	MaxInterval = 30 * time.Second
	// Budget bounds how long one call is retried.
	Budget = 3 * time.Minute
)

// maxSpread bounds what [Spread] adds.
const maxSpread = 10 * time.Second

// Sleep waits for d. It returns the context's error if the context ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Spread returns a random delay that is a little longer than the one a server
// asked for, so that clients that got the same Retry-After don't return all at once.
func Spread(asked time.Duration) time.Duration {
	if asked <= 0 {
		return 0
	}
	return asked + time.Duration(rand.Int63n(int64(min(asked, maxSpread))))
}

// BackOff is an exponential back-off with jitter that lasts for [Budget].
// It is not safe for concurrent use.
type BackOff struct{ exponential *backoff.ExponentialBackOff }

// NewBackOff returns a BackOff whose budget starts now.
func NewBackOff() *BackOff {
	return &BackOff{backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(initial),
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(MaxInterval),
		backoff.WithMaxElapsedTime(Budget),
	)}
}

// Reset starts over, with the shortest delay and a new budget.
func (b *BackOff) Reset() { b.exponential.Reset() }

// Next returns the delay before the next try, or [Stop] if that try would be
// past the budget. It is at least the delay that the server asked for.
func (b *BackOff) Next(asked time.Duration) time.Duration {
	next := b.exponential.NextBackOff()
	if next == Stop {
		return Stop
	}
	next += asked
	if b.exponential.GetElapsedTime()+next > Budget {
		return Stop
	}
	return next
}
