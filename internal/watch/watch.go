// Package watch observes something until a judge reaches a verdict about it.
//
// It decides when to look next: polls with back-off and jitter, longer pauses
// after polls that fail, a long poll on an operation where there is one, and a
// stream of changes where the server has one. It also decides when a failure has lasted long enough to be final. It knows
// nothing about what is observed, so that Services, executions and deletions
// are waited for in the same way.
package watch

import (
	"context"
	"time"
)

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
	// Stream follows changes; nil if there is no stream. Its errors are not
	// reported: the polls go on.
	Stream *Stream[T]
	Judge  Judge[T]
	// Observer may be nil. Then the polls beside a long poll are rare, as with Quiet.
	Observer Observer[T]
	Quiet    bool // the Observer wants no polls of its own
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
	l := w.loop()
	return run(ctx, w.Timing.Timeout, l, l.look)
}

// RunFrom is Run with a first observation that has already been made.
func (w Watch[T]) RunFrom(ctx context.Context, first T) (T, error) {
	return run(ctx, w.Timing.Timeout, w.loop(), func(context.Context) (T, error) { return first, nil })
}

// run repeats the loop, which begins with the look first.
func run[T any](ctx context.Context, timeout time.Duration, l *loop[T], first func(context.Context) (T, error)) (T, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer l.operation.stop()
	defer func() { _ = l.stream.stop() }()
	look := first
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

// loop returns the loop that carries out the watch.
func (w Watch[T]) loop() *loop[T] {
	return &loop[T]{
		poll: w.Poll, mayPass: w.MayPass, judge: w.Judge, observer: w.Observer, quiet: w.Quiet || w.Observer == nil,
		pace: newPace(w.Timing), window: &window{length: w.Timing.FailureWindow}, operation: &operation[T]{source: w.LongPoll}, stream: newStream(w.Stream),
	}
}
