package watch

import "context"

// Until is a [Judge] of observations that cannot fail: it waits until one is as it
// is to be.
type Until[T any] func(seen T) bool

// Judge returns Done if the observation is as it is to be.
func (u Until[T]) Judge(seen T, _ error) Verdict {
	if u(seen) {
		return Verdict{State: Done}
	}
	return Verdict{State: Pending}
}

// Confirm agrees.
func (Until[T]) Confirm(context.Context, T) (Verdict, error) { return Verdict{State: Done}, nil }

// Failure is never called.
func (Until[T]) Failure(context.Context, T, error) error { return nil }
