package task

import (
	"context"
	"sync"
)

// All runs functions, at most so many at once, and returns their results in their
// order. The first error cancels the context of the others, and All returns it. All
// returns after every function has ended. If one panics, so does All.
func All[T any](ctx context.Context, most int, functions []func(context.Context) (T, error)) ([]T, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var first error
	var fail sync.Once
	slots := make(chan struct{}, most)
	tasks := make([]*Task[T], len(functions))
	for i, f := range functions {
		slots <- struct{}{}
		tasks[i] = Go(func() T {
			defer func() { <-slots }()
			ended := false
			defer func() {
				if !ended {
					cancel()
				}
			}()
			result, err := f(ctx)
			if err != nil {
				fail.Do(func() { first = err; cancel() })
			}
			ended = true
			return result
		})
	}
	for _, t := range tasks {
		<-t.Done()
	}
	results := make([]T, len(tasks))
	for i, t := range tasks {
		results[i] = t.Wait()
	}
	return results, first
}
