package watch

import (
	"context"
	"time"
)

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
	// Of identifies what is Failing. Another one starts a new failure window.
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

// Observer receives what a watch observes. Its methods are called one at a time.
type Observer[T any] interface {
	// Seen is called for each observation that is not Ignored.
	Seen(T)
	// Retrying is called before the pause that follows a failed poll.
	Retrying(err error, pause time.Duration)
}
