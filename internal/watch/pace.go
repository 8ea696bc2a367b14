package watch

import (
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Timing bounds a watch and its pauses.
type Timing struct {
	Timeout       time.Duration // of the watch as a whole
	FailureWindow time.Duration // how long a failure must last to be final
	PollInitial   time.Duration // the first pause between polls
	PollMax       time.Duration // the longest pause between polls that succeed
}

const (
	// troubleMax bounds the pause between polls that fail.
	troubleMax = 30 * time.Second
	// slowPoll is the shortest pause between polls beside a long poll whose
	// observer wants to see what changes meanwhile.
	slowPoll = 3 * time.Second
	// Without an observer, the polls beside a long poll only insure against one
	// that never ends. Their pauses grow from insuranceMin to insuranceMax.
	insuranceMin = 10 * time.Second
	insuranceMax = 30 * time.Second
)

// pace decides how long to pause before the next poll.
type pace struct {
	interval  *backoff.ExponentialBackOff
	trouble   *backoff.ExponentialBackOff // between polls that fail
	insurance *backoff.ExponentialBackOff // beside a long poll without an observer
	err       error                       // of the last poll; nil if it succeeded
	notUntil  time.Time                   // the server asked to wait until then
}

func newPace(t Timing) *pace {
	return &pace{
		interval: backoff.NewExponentialBackOff(backoff.WithInitialInterval(t.PollInitial), backoff.WithMultiplier(1.4),
			backoff.WithRandomizationFactor(0.2), backoff.WithMaxInterval(t.PollMax), backoff.WithMaxElapsedTime(0)),
		trouble: backoff.NewExponentialBackOff(backoff.WithInitialInterval(t.PollInitial), backoff.WithMultiplier(2),
			backoff.WithMaxInterval(troubleMax), backoff.WithMaxElapsedTime(0)),
		insurance: backoff.NewExponentialBackOff(backoff.WithInitialInterval(insuranceMin), backoff.WithMultiplier(1.5),
			backoff.WithRandomizationFactor(0.2), backoff.WithMaxInterval(insuranceMax), backoff.WithMaxElapsedTime(0)),
	}
}

// reset makes the pauses short again.
func (p *pace) reset() {
	p.interval.Reset()
	p.insurance.Reset()
}

func (p *pace) failed(err error, atLeast time.Duration) {
	p.err, p.notUntil = err, time.Now().Add(atLeast)
}

func (p *pace) succeeded() { p.err = nil }

// asked reports whether the server asked to wait longer.
func (p *pace) asked() bool { return time.Now().Before(p.notUntil) }

// pause returns the pause before the next poll. A failure that has to last is
// looked at again when its window ends.
// Otherwise it lasts at least as long as told.
func (p *pace) pause(failing *window, least time.Duration) time.Duration {
	d := p.interval.NextBackOff()
	if p.err != nil {
		d = max(d, p.trouble.NextBackOff())
	} else {
		p.trouble.Reset()
	}
	switch {
	case p.err == nil && failing.open():
		d = min(d, failing.left())
	default:
		d = max(d, least)
	}
	return d + max(time.Until(p.notUntil), 0)
}

// window is the time that a failure must last to be final.
type window struct {
	length time.Duration
	since  time.Time // when the present failure was first seen; zero if there is none
	of     int64     // what fails
}

func (w *window) open() bool { return !w.since.IsZero() }

func (w *window) close() { w.since = time.Time{} }

// failed notes that an observation shows a failure, and reports whether that is
// final. The observation is of the time when it was asked for: a slow response
// does not prove that a failure lasted.
func (w *window) failed(of int64, asked time.Time) (final bool) {
	if !w.open() || w.of != of {
		w.since, w.of = time.Now(), of
	}
	return max(asked.Sub(w.since), 0) >= w.length
}

// left returns how long the failure still has to last.
func (w *window) left() time.Duration { return max(w.length-time.Since(w.since), 0) }
