package watch

import (
	"context"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/task"
)

// LongPoll waits for the operations that observations name.
type LongPoll[T any] struct {
	// Operation returns the ID of the operation that an observation names; empty if there is none.
	Operation func(T) string
	// Wait waits until an operation ends, or until it turns out that it cannot be waited for.
	Wait func(ctx context.Context, id string) End[T]
}

// End is how an operation ended. The zero End says that the end is not known.
type End[T any] struct {
	// Seen is the object at the end of the operation, if Known.
	Seen  T
	Known bool
	// Failure is the error that the operation ended with.
	Failure error
	// NotAgain is how long the server asked to wait before the next long poll.
	NotAgain time.Duration
}

// operation is the long poll on the operation of a watch. One that was waited
// for is not waited for again.
type operation[T any] struct {
	source   *LongPoll[T]
	id       string             // the operation waited for last
	failure  error              // how it failed
	notUntil time.Time          // no other one before
	running  *task.Task[End[T]] // nil unless the long poll is under way
	cancel   context.CancelFunc
}

func (o *operation[T]) underWay() bool { return o.running != nil }

// start starts the long poll on the operation that an observation names.
func (o *operation[T]) start(ctx context.Context, seen T) {
	if o.source == nil || o.underWay() || time.Now().Before(o.notUntil) {
		return
	}
	id := o.source.Operation(seen)
	if id == "" || id == o.id {
		return
	}
	o.id, o.failure = id, nil // an earlier operation says nothing about this one
	ctx, o.cancel = context.WithCancel(ctx)
	o.running = task.Go(func() End[T] { return o.source.Wait(ctx, id) })
}

// ended returns how the operation ended.
func (o *operation[T]) ended() End[T] {
	end := o.stop()
	o.notUntil = time.Now().Add(end.NotAgain)
	if end.Failure != nil {
		o.failure = end.Failure
	}
	return end
}

// stop ends the long poll if it is under way, and waits for it.
func (o *operation[T]) stop() (end End[T]) {
	if !o.underWay() {
		return end
	}
	running := o.running
	o.running = nil
	o.cancel()
	return running.Wait()
}
