package once

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

// maxConflicts bounds how often a write is composed again after a conflict.
const maxConflicts = 30

// pauses decides how long to wait before the next try of one run.
type pauses struct {
	conflicts backoff.BackOff
	losses    *pause.BackOff
	patience  []Patience
	delay     func(error) time.Duration
}

func newPauses[D Document, B Body](w Writer[D, B]) *pauses {
	retries := w.Retries
	if retries == nil {
		retries = new(pause.Allowance)
	}
	return &pauses{
		losses: retries.BackOff(), patience: w.Patience, delay: w.Delay,
		conflicts: backoff.WithMaxRetries(backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(20*time.Millisecond), backoff.WithMultiplier(2),
			backoff.WithMaxInterval(2*time.Second), backoff.WithMaxElapsedTime(pause.Budget)), maxConflicts),
	}
}

// after returns the pause after a failure, or [pause.Stop] if the failure is final.
func (p *pauses) after(err error) time.Duration {
	for _, extra := range p.patience {
		if extra.Applies(cause(err)) {
			return extra.Pause(cause(err))
		}
	}
	var marked *again
	switch {
	case !errors.As(err, &marked):
		return pause.Stop
	case marked.class == Conflict:
		return p.conflicts.NextBackOff()
	case p.delay == nil:
		return p.losses.Next(0)
	}
	return p.losses.Next(p.delay(err))
}
