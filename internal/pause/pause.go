// Package pause decides how long to wait before the next try, and waits.
package pause

import (
	"context"
	"math/rand"
	"sync"
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

// Allowance is the time that one call may still spend on failed attempts and on
// pauses between them. All requests of a call share it. It is safe for concurrent use.
type Allowance struct {
	mu    sync.Mutex
	spent time.Duration
}

// Left returns the rest of [Budget], 0 if it is used up.
func (a *Allowance) Left() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(Budget-a.spent, 0)
}

// Spend subtracts the time of a failed attempt.
func (a *Allowance) Spend(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spent += d
}

// take subtracts a pause if that much is left.
func (a *Allowance) take(d time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if d > Budget-a.spent {
		return false
	}
	a.spent += d
	return true
}

// BackOff is an exponential back-off with jitter that lasts for an [Allowance].
// It is not safe for concurrent use.
type BackOff struct {
	exponential *backoff.ExponentialBackOff
	allowance   *Allowance
}

// NewBackOff returns a BackOff with an allowance of its own.
func NewBackOff() *BackOff { return new(Allowance).BackOff() }

// BackOff returns a BackOff whose pauses count against the allowance.
func (a *Allowance) BackOff() *BackOff {
	return &BackOff{backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(initial),
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(MaxInterval),
		backoff.WithMaxElapsedTime(0),
	), a}
}

// Reset starts over, with the shortest delay and a new allowance.
func (b *BackOff) Reset() {
	b.exponential.Reset()
	b.allowance = new(Allowance)
}

// Next returns the delay before the next try, or [Stop] if the allowance does
// not last until then. It is at least the delay that the server asked for.
func (b *BackOff) Next(asked time.Duration) time.Duration {
	next := b.exponential.NextBackOff() + asked
	if !b.allowance.take(next) {
		return Stop
	}
	return next
}
