// Package throttle finds out how many requests a server admits, and sends no
// more. Nobody has to know the quota.
package throttle

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

const (
	// longestPause bounds the pause after refusals in a row, unless the server asks for more.
	longestPause = 30 * time.Second
	// patience is how long a probe may go without an answer. A refusal comes at
	// once, and the answer to a long poll may take minutes.
	patience = 2 * time.Second
)

// Limiter spaces requests, in the order in which they come. It begins at a rate of its
// own and doubles that every few seconds, until the server refuses a request for its
// quota. From then on it stays a little below the rate that was admitted, comes slowly
// closer and probes beyond. After a refusal, a single request at a time finds out
// when the server admits requests again. If that takes long, what was admitted
// was a burst, and the rate is lowered by as much. A Limiter is safe for concurrent use.
type Limiter struct {
	turn chan struct{} // held by the request that is next
	pace *rate.Limiter

	mu     sync.Mutex
	curve  curve
	active time.Duration // since the last change of the curve, without idle times
	last   time.Time     // when the last request was admitted; zero if there was none

	epoch int           // how many refusals counted so far
	block block         // what the refusals in a row came to
	probe chan struct{} // closed when the request after a pause is answered; nil if none is under way
}

// block is a series of refusals in a row.
type block struct {
	refusals int
	until    time.Time // the end of the pause
	since    time.Time // the end of the first pause, when the server could have admitted a request
}

// New returns a Limiter that begins at a number of requests per second.
func New(perSecond float64) *Limiter {
	return &Limiter{turn: make(chan struct{}, 1), pace: rate.NewLimiter(rate.Limit(perSecond), 1), curve: curve{rate: perSecond}}
}

// Rate returns the rate per second that the server is believed to admit; 0 as
// long as it has refused nothing.
func (l *Limiter) Rate() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.curve.learned {
		return 0
	}
	return l.curve.rate
}

// Wait waits until the next request may be sent. The caller then calls answered once:
// with whether the server refused the request for its quota, and the delay that
// it asked for. The error is that of the context.
func (l *Limiter) Wait(ctx context.Context) (answered func(refused bool, after time.Duration), err error) {
	came := time.Now()
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-l.turn }()
	for {
		if err := l.pass(ctx); err != nil {
			return nil, err
		}
		if epoch, ok := l.admit(came); ok {
			return func(refused bool, after time.Duration) { l.answered(epoch, refused, after) }, nil
		}
	}
}

// pass waits for the end of a pause, then for the answer to a probe, and then for the pace.
func (l *Limiter) pass(ctx context.Context) error {
	l.mu.Lock()
	left, probe := time.Until(l.block.until), l.probe
	l.mu.Unlock()
	if err := pause.Sleep(ctx, left); err != nil {
		return err
	}
	if probe != nil {
		if err := l.await(ctx, probe); err != nil {
			return err
		}
	}
	l.mu.Lock()
	l.pace.SetLimit(rate.Limit(l.curve.at(l.active)))
	l.mu.Unlock()
	token := l.pace.Reserve()
	if err := pause.Sleep(ctx, token.Delay()); err != nil {
		token.Cancel()
		return err
	}
	return nil
}

// await waits for the answer to a probe. One that is not refused in time counts as admitted.
func (l *Limiter) await(ctx context.Context, probe chan struct{}) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-probe:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.probe == probe {
		l.probe = nil
		l.learn()
	}
	return nil
}

// admit counts a request that came at a time, unless there is a reason to wait by now.
func (l *Limiter) admit(came time.Time) (epoch int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Before(l.block.until) || l.probe != nil {
		return 0, false
	}
	if l.block.refusals > 0 {
		l.probe = make(chan struct{})
	} else if !l.last.IsZero() {
		step := time.Duration(float64(time.Second) / l.curve.at(l.active))
		idle := came.Sub(l.last.Add(step))
		l.active += now.Sub(l.last) - max(idle, 0)
	}
	l.last = now
	return l.epoch, true
}

// answered notes the answer to a request that was admitted in an epoch.
func (l *Limiter) answered(epoch int, refused bool, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	current := epoch == l.epoch
	if current && l.probe != nil {
		close(l.probe)
		l.probe = nil
	}
	switch {
	case refused && current:
		l.refuse(after)
	case refused: // it was sent before the refusal that counted
		l.pause(after)
	case current && l.block.refusals > 0:
		l.learn()
	}
}

// refuse begins a pause, which is longer after each refusal in a row. It begins
// with the time of a few requests.
func (l *Limiter) refuse(after time.Duration) {
	l.epoch++
	d := time.Duration(2 * float64(time.Second) / l.curve.at(l.active))
	for range l.block.refusals {
		if d = 2 * d; d >= longestPause {
			break
		}
	}
	l.pause(max(after, min(d, longestPause)))
	if l.block.refusals++; l.block.refusals == 1 {
		l.block.since = l.block.until
	}
}

// pause makes the pause last for a time from now on, within the time for which a
// call is retried at all.
func (l *Limiter) pause(d time.Duration) {
	if until := time.Now().Add(min(d, pause.Budget)); until.After(l.block.until) {
		l.block.until = until
	}
}

// learn adapts the rate when the server admits requests again.
func (l *Limiter) learn() {
	l.curve = l.curve.refused(l.active, max(l.last.Sub(l.block.since), 0))
	l.active, l.block = 0, block{}
}
