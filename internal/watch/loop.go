package watch

import (
	"context"
	"time"
)

// loop is a [Watch] under way.
type loop[T any] struct {
	watch     Watch[T]
	pace      *pace
	window    *window
	operation *operation[T]
	last      T // the last observation that was not Ignored
}

func newLoop[T any](w Watch[T]) *loop[T] {
	return &loop[T]{
		watch: w, pace: newPace(w.Timing), window: &window{length: w.Timing.FailureWindow},
		operation: &operation[T]{source: w.LongPoll},
	}
}

// take takes up what one look at the object found. It reports whether that
// ends the watch, and with which error.
func (l *loop[T]) take(ctx context.Context, seen T, err error) (done bool, _ error) {
	if err != nil {
		return l.trouble(ctx, err)
	}
	l.pace.succeeded()
	v := l.watch.Judge.Judge(seen, l.operation.failure)
	if v.State == Ignored {
		return false, nil
	}
	l.last = seen
	if l.watch.Observer != nil {
		l.watch.Observer.Seen(seen)
	}
	if v.State == Done && v.Err == nil {
		if v, err = l.watch.Judge.Confirm(ctx, seen); err != nil {
			l.pace.failed(err, 0) // known even if the time is up by now
			return l.trouble(ctx, err)
		}
	}
	switch {
	case v.State == Done:
		return true, v.Err
	case v.State != Failing:
		l.window.close()
	case l.window.failed(v.Of):
		return true, l.watch.Judge.Failure(ctx, seen, l.operation.failure)
	}
	l.operation.start(ctx, seen)
	return false, nil
}

// trouble takes up the error of a poll. It ends the watch if it cannot pass.
func (l *loop[T]) trouble(ctx context.Context, err error) (done bool, _ error) {
	if ctx.Err() != nil {
		return false, nil // the time is up, whatever the poll says of that
	}
	ok, atLeast := l.watch.MayPass(err)
	if !ok {
		return true, err
	}
	l.pace.failed(err, atLeast)
	return false, nil
}

// next returns the next observation: at the end of the operation, or at the next poll.
func (l *loop[T]) next(ctx context.Context) (none T, _ error) {
	pause := l.pace.pause(l.window, l.operation.underWay())
	if l.pace.err != nil && l.watch.Observer != nil {
		l.watch.Observer.Retrying(l.pace.err, pause)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	polls := timer.C
	if l.operation.underWay() && l.watch.Observer == nil && !l.window.open() {
		polls = nil
	}
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case <-polls:
		return l.watch.poll(ctx)
	case end := <-l.operation.result:
		return l.ended(ctx, end)
	}
}

// ended takes up the end of the operation. If that brought no observation, a
// poll does, unless the server asked to wait.
func (l *loop[T]) ended(ctx context.Context, end End[T]) (T, error) {
	l.operation.ended(end)
	l.pace.interval.Reset()
	switch {
	case end.Known && end.Failure == nil:
		return end.Seen, nil
	case l.pace.asked():
		return l.next(ctx)
	}
	return l.watch.poll(ctx)
}
