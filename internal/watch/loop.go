package watch

import (
	"context"
	"time"
)

// loop is a watch under way.
type loop[T any] struct {
	poll      func(context.Context) (T, error)
	mayPass   func(error) (ok bool, atLeast time.Duration)
	judge     Judge[T]
	observer  Observer[T]
	quiet     bool // polls beside a long poll are rare
	pace      *pace
	window    *window
	operation *operation[T]
	stream    *stream[T]
	last      T         // the last observation that was not Ignored
	asked     time.Time // when the present observation was asked for; zero if it comes from a stream
	elsewhere bool      // what decides does not show in observations, so only polls find it
}

// pollTimeout bounds one poll, so that a connection that died unnoticed does
// not end the watch.
const pollTimeout = 30 * time.Second

// look polls once.
func (l *loop[T]) look(ctx context.Context) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	l.asked = time.Now()
	seen, err := l.poll(ctx)
	if err == nil && l.stream.polled(seen) {
		l.pace.reset()
	}
	return seen, err
}

// take handles the result of one look. It reports whether that ends the watch,
// and with which error.
func (l *loop[T]) take(ctx context.Context, seen T, err error) (done bool, _ error) {
	if err != nil {
		return l.trouble(ctx, err)
	}
	l.pace.succeeded()
	v := l.judge.Judge(seen, l.operation.failure)
	if v.State == Ignored {
		return false, nil
	}
	l.last = seen
	if l.observer != nil {
		l.observer.Seen(seen)
	}
	l.elsewhere = v.State == Done && v.Err == nil
	if l.elsewhere {
		if v, err = l.judge.Confirm(ctx, seen); err != nil {
			l.pace.failed(err, 0) // so that a timeout reports it
			return l.trouble(ctx, err)
		}
	}
	switch {
	case v.State == Done:
		return true, v.Err
	case v.State != Failing:
		l.window.close()
	case l.window.failed(v.Of, l.asked):
		return true, l.judge.Failure(ctx, seen, l.operation.failure)
	}
	l.operation.start(ctx, seen)
	l.stream.start(ctx, seen)
	return false, nil
}

// trouble handles the error of a poll, which ends the watch if it cannot pass.
func (l *loop[T]) trouble(ctx context.Context, err error) (done bool, _ error) {
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // the watch times out
	}
	ok, atLeast := l.mayPass(err)
	if !ok {
		return true, err
	}
	l.pace.failed(err, atLeast)
	return false, nil
}

// next returns the next observation: at the end of the operation, at a change that
// the stream reports, or at the next poll.
func (l *loop[T]) next(ctx context.Context) (none T, _ error) {
	pause := l.pace.pause(l.window, l.least())
	if l.pace.err != nil && l.observer != nil {
		l.observer.Retrying(l.pace.err, pause)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	changes := l.stream.changes
	if l.pace.asked() {
		changes = nil // the judge may ask the server about a change, which has to wait, too
	}
	for {
		select {
		case <-ctx.Done():
			return none, ctx.Err()
		case <-timer.C:
			return l.look(ctx)
		case <-l.operation.running.Done():
			return l.ended(ctx, l.operation.ended())
		case seen := <-changes:
			if l.stream.took(seen) {
				l.asked = time.Time{} // it does not prove that a failure has lasted
				l.pace.insurance.Reset()
				return seen, nil
			}
			if least := l.least(); least > pause && l.pace.err == nil && !l.window.open() {
				timer.Reset(least)
			}
		case <-l.stream.running.Done():
			if l.lostStream() {
				return l.look(ctx)
			}
		}
	}
}

// least returns the shortest pause before the next poll. A long poll may never
// end, even if the server holds it, so polls go on beside it in any case.
func (l *loop[T]) least() time.Duration {
	switch {
	case l.operation.underWay() && l.quiet:
		return l.pace.insurance.NextBackOff()
	case l.operation.underWay():
		return slowPoll
	case l.pace.err != nil || l.elsewhere:
		return 0
	}
	return l.stream.trust(l.pace)
}

// streamMayPass reports whether a stream that failed may succeed later.
func (l *loop[T]) streamMayPass(err error) (ok bool, atLeast time.Duration) {
	if l.stream.source.MayPass != nil {
		return l.stream.source.MayPass(err)
	}
	return l.mayPass(err)
}

// lostStream handles the end of the stream. It reports whether to poll at once.
func (l *loop[T]) lostStream() bool {
	proven, err := l.stream.proven(), l.stream.stop()
	ok, atLeast := true, time.Duration(0)
	if err != nil {
		ok, atLeast = l.streamMayPass(err)
	}
	l.stream.useless = !ok
	l.stream.pause(atLeast)
	if proven {
		l.pace.reset()
	}
	return (proven || err == nil) && !l.pace.asked()
}

// ended handles the end of the operation. If the end has no observation, it
// polls, or pauses first if the server asked to wait.
func (l *loop[T]) ended(ctx context.Context, end End[T]) (T, error) {
	l.pace.reset()
	switch {
	case end.Known && end.Failure == nil:
		l.asked = time.Now()
		return end.Seen, nil
	case l.pace.asked():
		return l.next(ctx)
	}
	return l.look(ctx)
}
