package watch

import (
	"context"
	"sync"
	"time"
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
	id       string      // the operation waited for last
	failure  error       // how it failed
	notUntil time.Time   // no other one before
	result   chan End[T] // nil unless the long poll is under way
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

func (o *operation[T]) underWay() bool { return o.result != nil }

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
	result := make(chan End[T], 1)
	o.running.Go(func() { result <- o.source.Wait(ctx, id) })
	o.result = result
}

// ended takes up how the operation ended.
func (o *operation[T]) ended(end End[T]) {
	o.stop()
	o.notUntil = time.Now().Add(end.NotAgain)
	if end.Failure != nil {
		o.failure = end.Failure
	}
}

// stop ends the long poll if it is under way.
func (o *operation[T]) stop() {
	if !o.underWay() {
		return
	}
	o.cancel()
	o.running.Wait()
	o.result = nil
}
