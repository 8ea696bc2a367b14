// Package once makes one conditional write take effect exactly once.
//
// A [Writer] reads an object, composes what replaces it and writes that. After
// a conflict it starts again from a fresh read. When the answer to a write is
// lost, the next read shows whether the write took effect. Every write is
// conditional, on the version that was read or on the object not existing, so
// a repeated write cannot take effect twice.
//
// A [Deletion] deletes one object, and no later one of the same name.
//
// The package knows nothing of HTTP, of Cloud Run or of Kubernetes: a [Store]
// reads and writes, and a function classifies its errors.
package once

import (
	"context"
	"errors"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

// Version identifies one version of one object.
type Version struct {
	// UID identifies the object. It differs between an object and a later one of the same name.
	UID string
	// Resource identifies the version, such as a resourceVersion or an etag.
	Resource string
	// Generation counts the changes of the configuration; 0 if the object does not count them.
	Generation int64
}

// Document is one version of an object as the server sent it. It is not changed once it is made.
type Document interface {
	comparable // the zero value is no document
	Bytes() []byte
	Version() Version
}

// Body is what one composition came to. Bytes returns the text to send. The
// text of the base itself means that nothing has to be written.
type Body interface{ Bytes() []byte }

// Store reads and writes one object.
type Store[D Document, B Body] interface {
	// Read returns the object. Its error is of class [Missing] if there is none. It
	// matches [ErrReadAgain] if the answer was of another object.
	Read(ctx context.Context) (D, error)
	// Create creates the object and returns the answer.
	Create(ctx context.Context, body B) (D, error)
	// Replace replaces the base, of exactly that version, and returns the answer.
	Replace(ctx context.Context, base D, body B) (D, error)
}

// Mark distinguishes the writes of one call from everybody else's.
type Mark[D Document, B Body] interface {
	// In reports whether what was composed has the mark.
	In(B) bool
	// On reports whether a document has the mark.
	On(D) bool
	// Left reports whether a write with the mark took effect, although the
	// object no longer has the mark.
	Left(ctx context.Context) (bool, error)
}

// Class is what an error of a [Store] says about the request.
type Class int

// The classes of errors.
const (
	Refused  Class = iota // the server refused it, and trying again does not help
	Unsent                // it did not reach the server, and trying again does not help
	Missing               // there is no such object
	Exists                // there is an object of that name already
	Conflict              // the object was changed since it was read
	Lost                  // it is not known whether the write took effect
)

// ErrReadAgain is matched by the error of a composition whose base is out of
// date. The object is read again, as after a conflict.
var ErrReadAgain = errors.New("the object has to be read again")

// ErrBuried is matched by the error of a run whose write may have been deleted
// together with the object.
var ErrBuried = errors.New("the object was deleted or created by another writer after the response to a write was lost")

// ReadAgain returns an error with the message of err that matches err and [ErrReadAgain].
func ReadAgain(err error) error { return readAgain{err} }

type readAgain struct{ error }

func (e readAgain) Unwrap() []error { return []error{ErrReadAgain, e.error} }

// Patience retries failures that a call expects to pass, such as those of an
// object that not all servers know yet. It ends when Pause returns [pause.Stop].
type Patience struct {
	Applies func(error) bool
	Pause   func(error) time.Duration
}

// Writer writes an object once. It holds nothing that changes: every [Writer.Run] is a call of its own.
type Writer[D Document, B Body] struct {
	Store Store[D, B]
	// Compose returns what replaces the base, which is the zero value for a new
	// object. It runs once for each version that is read.
	Compose func(ctx context.Context, base D) (B, error)
	// Since is the newest version that the caller has read. Older reads are out of date.
	Since Version
	// Create reports whether an object that does not exist is created; otherwise it is an error.
	Create bool
	// DryRun reports whether the Store's writes change nothing. A lost answer is final then.
	DryRun bool
	// Mark identifies this call's writes; nil if only their content can.
	Mark Mark[D, B]
	// Holds reports whether an object has everything that a write changed. The
	// base is the zero value for a write that creates. Nil means that composing again shows it.
	Holds func(base D, body B, now D) bool
	// Answers returns an error if the answer to a write is not the object as the
	// write made it, such as another object. The base is the zero value for a write
	// that creates. Such an answer counts as [Lost]. Nil accepts every answer.
	Answers func(base D, body B, answer D) error

	// Classify returns the class of an error of the Store.
	Classify func(error) Class
	// Delay returns how long the server asked to wait; 0 if it did not.
	Delay func(error) time.Duration
	// Ends is called with each failure of a try. It reports whether the run ends,
	// although such a failure may be retried; nil if none does.
	Ends func(error) bool
	// Patience retries further failures.
	Patience []Patience
	// Retries is the time that the call may spend on retries; nil for a time of its own.
	Retries *pause.Allowance
	// Retrying is called before each pause; nil if nobody listens.
	Retrying func(err error, delay time.Duration)
}

// Written is what a [Writer.Run] came to.
type Written[D Document, B Body] struct {
	// Doc is the object as the server answered, or as it was read if nothing had to be written.
	Doc D
	// First is the object as it was read first, Base the one that was replaced.
	// They are the zero value if there was none.
	First, Base D
	// Body is what was composed for the base.
	Body B
	// Created reports whether the object was created.
	Created bool
	// Changed reports whether anything was written.
	Changed bool
	// Generation is the one that the write made. Doc is of a newer one if the
	// response was lost and another writer wrote before the object was read back.
	Generation int64
}

// Outcome reports whether a failed run changed the object.
type Outcome int

// The outcomes of a run that failed.
const (
	NotWritten Outcome = iota
	Effective
	Unknown
)

// Step is a part of a run.
type Step int

// The steps of a run.
const (
	StepRead Step = iota
	StepCompose
	StepWrite
	StepConfirm // the write took effect, but the object has another configuration by now
)

// Failure is the error of [Writer.Run].
type Failure struct {
	Step    Step
	Outcome Outcome
	Err     error
}

// Error returns the message of the cause.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// StepError is returned by a composition that fails in another step than in
// composing, such as in a read of its own.
type StepError struct {
	Step Step
	Err  error
}

// Error returns the message of the cause.
func (e *StepError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

// Overtaken is returned, in a [Failure], when the write took effect and another
// writer replaced it before it was confirmed.
type Overtaken[D Document] struct {
	// Generation is the one that the write made.
	Generation int64
	// Now is the object as it is now.
	Now D
}

// Error returns a sentence about the object.
func (*Overtaken[D]) Error() string { return "the object was changed since it was written" }
