// Package events delivers events to a function of the caller: in order and one at a time.
package events

import "sync"

// Queue delivers events on the goroutine of whoever adds one, unless another is
// being delivered. Then whoever delivers that one delivers it next. No lock is
// held while the function runs, so it may add events itself, and a goroutine
// that it waits for may, too.
type Queue[T any] struct {
	deliver func(T)

	mu     sync.Mutex
	queued []T
	idle   chan struct{} // closed when nobody delivers any more; nil if nobody does
	closed bool
}

// NewQueue returns a queue that calls deliver for each event.
func NewQueue[T any](deliver func(T)) *Queue[T] { return &Queue[T]{deliver: deliver} }

// Add delivers an event. It drops the event if the queue is closed. If the
// function panics, the queue is closed.
func (q *Queue[T]) Add(event T) {
	if !q.enqueue(event) {
		return
	}
	drained := false
	defer func() {
		if !drained {
			q.abandon()
		}
	}()
	for next, ok := q.next(); ok; next, ok = q.next() {
		q.deliver(next)
	}
	drained = true
}

// enqueue reports whether the caller has to deliver what is queued.
func (q *Queue[T]) enqueue(event T) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.queued = append(q.queued, event)
	if q.idle != nil {
		return false
	}
	q.idle = make(chan struct{})
	return true
}

// next returns the next event. If there is none, the caller no longer delivers.
func (q *Queue[T]) next() (event T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queued) == 0 {
		q.rest()
		return event, false
	}
	event, q.queued = q.queued[0], q.queued[1:]
	return event, true
}

// abandon closes a queue whose function did not return.
func (q *Queue[T]) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.queued = true, nil
	q.rest()
}

func (q *Queue[T]) rest() {
	close(q.idle)
	q.idle = nil
}

// Close waits until all events are delivered, and drops those that are added
// later. The function must not call it.
func (q *Queue[T]) Close() {
	for {
		idle := q.close()
		if idle == nil {
			return
		}
		<-idle
	}
}

// close closes the queue if nobody delivers. Otherwise it returns what to wait for.
func (q *Queue[T]) close() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.idle == nil {
		q.closed = true
	}
	return q.idle
}
