package once

import (
	"errors"
	"math/rand"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

// conflictBudget bounds how long a write is composed again after conflicts. All
// of hundreds of simultaneous writers get through in that time.
const conflictBudget = 4 * time.Minute

// The pause after a conflict is random, between nothing and a bound that doubles.
// So simultaneous writers spread out as far as their number needs.
const (
	firstConflict = 20 * time.Millisecond
	lastConflict  = 5 * time.Second
)

// pauses decides how long to wait before the next try of one run.
type pauses struct {
	conflicts conflicts
	losses    *pause.BackOff
	ends      func(error) bool
	patience  []Patience
	delay     func(error) time.Duration
}

func newPauses[D Document, B Body](w Writer[D, B]) *pauses {
	retries := w.Retries
	if retries == nil {
		retries = new(pause.Allowance)
	}
	return &pauses{
		losses: retries.BackOff(), ends: w.Ends, patience: w.Patience, delay: w.Delay,
	}
}

// after returns the pause after a failure, or [pause.Stop] if the failure is final.
func (p *pauses) after(err error) time.Duration {
	if p.ends != nil && p.ends(cause(err)) {
		return pause.Stop
	}
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
		return p.conflicts.next()
	case p.delay == nil:
		return p.losses.Next(0)
	}
	return p.losses.Next(p.delay(err))
}

// conflicts decides how long to pause after each conflict of a run.
type conflicts struct {
	n     int
	since time.Time // the first one
}

// areMany reports whether several conflicts in a row were met, so that the pauses are long.
func (c *conflicts) areMany() bool { return c.n > 2 }

func (c *conflicts) next() time.Duration {
	if c.n == 0 {
		c.since = time.Now()
	}
	if time.Since(c.since) > conflictBudget {
		return pause.Stop
	}
	bound := min(firstConflict<<min(c.n, 20), lastConflict)
	c.n++
	return time.Duration(rand.Int63n(int64(bound)))
}
