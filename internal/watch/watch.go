// Package watch observes something until a judge reaches a verdict about it.
//
// It decides when to look next: polls with back-off and jitter, longer pauses
// after polls that fail, and a long poll on an operation where there is one. It
// also decides when a failure has lasted long enough to be final. It knows
// nothing about what is observed, so that Services, executions and deletions
// are waited for in the same way.
package watch

import (
	"context"
	"time"
)

// Timing bounds a watch and its pauses.
type Timing struct {
	Timeout       time.Duration // of the watch as a whole
	FailureWindow time.Duration // how long a failure must last to be final
	PollInitial   time.Duration // the first pause between polls
	PollMax       time.Duration // the longest pause between polls that succeed
}

// State is what a [Verdict] decides.
type State int

// The states of a verdict. The zero State is none of them and counts as Pending.
const (
	// Pending goes on.
	Pending State = iota + 1
	// Ignored goes on as if the observation had not been made.
	Ignored
	// Done ends the watch.
	Done
	// Failing ends the watch once it has lasted for the failure window.
	Failing
)

// Verdict is what a judge decides about one observation.
type Verdict struct {
	State State
	// Of identifies what is Failing. The failure window of another one starts anew.
	Of int64
	// Err is the error of a watch that is Done; nil if it succeeded.
	Err error
}

// Judge decides what observations mean.
type Judge[T any] interface {
	// Judge returns the verdict on an observation. The error is that of the last
	// operation; nil unless it failed.
	Judge(seen T, operation error) Verdict
	// Confirm is called when Judge found that the watch has succeeded. It may ask
	// the server, and returns the final verdict. Its error counts as that of a poll.
	Confirm(ctx context.Context, seen T) (Verdict, error)
	// Failure returns the error of a watch whose failure is final.
	Failure(ctx context.Context, seen T, operation error) error
}

// Observer is told what a watch observes. Its methods are called one at a time.
type Observer[T any] interface {
	// Seen is called for each observation that is not Ignored.
	Seen(T)
	// Retrying is called before the pause that follows a failed poll.
	Retrying(err error, pause time.Duration)
}

// Watch describes one watch. It is built whole and does not change.
type Watch[T any] struct {
	Timing Timing
	// Poll makes one attempt to observe.
	Poll func(ctx context.Context) (T, error)
	// MayPass reports whether a poll that failed may succeed later, and how long
	// the server asked to wait until then.
	MayPass func(error) (ok bool, atLeast time.Duration)
	// LongPoll waits for operations; nil if there is no long poll.
	LongPoll *LongPoll[T]
	Judge    Judge[T]
	// Observer listens; nil if nobody does. The long poll is then enough, and
	// no polls are made beside it.
	Observer Observer[T]
}

// TimeoutError is returned by a watch that ended without a verdict.
type TimeoutError struct {
	Waited  time.Duration
	Err     error // of the context
	LastErr error // of the last poll; nil if it succeeded
}

// Error returns the message of the context's error.
func (e *TimeoutError) Error() string { return e.Err.Error() }

// Unwrap returns the context's error.
func (e *TimeoutError) Unwrap() error { return e.Err }

// Run polls at once and goes on until there is a verdict. It returns the last
// observation that was not Ignored, with an error too. The error is that of the
// judge, that of a poll that cannot succeed later, or a [*TimeoutError].
func (w Watch[T]) Run(ctx context.Context) (T, error) {
	return w.run(ctx, w.poll)
}

// RunFrom is Run with a first observation that has already been made.
func (w Watch[T]) RunFrom(ctx context.Context, first T) (T, error) {
	return w.run(ctx, func(context.Context) (T, error) { return first, nil })
}

func (w Watch[T]) run(ctx context.Context, look func(context.Context) (T, error)) (T, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, w.Timing.Timeout)
	defer cancel()
	l := newLoop(w)
	defer l.operation.stop()
	for {
		seen, err := look(ctx)
		done, err := l.take(ctx, seen, err)
		switch {
		case done:
			return l.last, err
		case ctx.Err() != nil:
			return l.last, &TimeoutError{Waited: time.Since(start), Err: ctx.Err(), LastErr: l.pace.err}
		}
		look = l.next
	}
}

// pollTimeout bounds one poll, so that a connection that died unnoticed does
// not end the watch.
const pollTimeout = 30 * time.Second

func (w Watch[T]) poll(ctx context.Context) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	return w.Poll(ctx)
}
