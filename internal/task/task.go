// Package task runs functions on goroutines of their own. However such a
// function ends, that reaches the goroutine that waits for it: a panic of code
// that callers pass in must not end the process behind their back.
package task

import (
	"context"
	"runtime"
)

// Task is a function that runs on its own goroutine.
type Task[T any] struct {
	done     chan struct{}
	result   T
	returned bool
	panicked any // the value of the panic; nil if the function did not panic
}

// Go starts f on its own goroutine.
func Go[T any](f func() T) *Task[T] {
	t := &Task[T]{done: make(chan struct{})}
	go func() {
		Deepen()
		defer close(t.done)
		defer func() {
			if !t.returned {
				t.panicked = recover()
			}
		}()
		t.result = f()
		t.returned = true
	}()
	return t
}

// Done returns a channel that is closed when the function has ended. It is nil
// for a nil Task.
func (t *Task[T]) Done() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.done
}

// Wait waits until the function has ended, and returns its result. If the
// function panicked, Wait panics with the same value. If the function ended its
// goroutine, as testing.T.FailNow does, so does Wait.
func (t *Task[T]) Wait() T {
	<-t.done
	switch {
	case t.returned:
	case t.panicked != nil:
		panic(t.panicked)
	default:
		runtime.Goexit()
	}
	return t.result
}

// Beside runs aside on its own goroutine while it runs main on this one. It
// waits for both and returns the result of aside. If one of them panics or ends
// its goroutine, the context of the other is canceled, and then so does Beside.
func Beside[T any](ctx context.Context, aside func(context.Context) T, main func(context.Context)) T {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := Go(func() T {
		ended := false
		defer func() {
			if !ended {
				cancel()
			}
		}()
		result := aside(ctx)
		ended = true
		return result
	})
	defer func() {
		cancel() // in case main panicked
		<-t.Done()
	}()
	main(ctx)
	return t.Wait()
}
