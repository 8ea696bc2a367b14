package once

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

// Identity is what a read of an object shows before it is deleted.
type Identity struct {
	UID      string // empty if it is not known
	Deleting bool   // it is being deleted already
}

// Deletion deletes one object, and no later object of the same name. A request to
// delete may name the object only by its name, so the object is read first, and
// again before each retry and after each refusal: a proxy that delivers a request
// twice passes on the response to the second.
type Deletion struct {
	// Read reads the object. Its error is of class [Missing] if there is none.
	Read func(ctx context.Context) (Identity, error)
	// Delete sends one request to delete the object of a UID.
	Delete func(ctx context.Context, uid string) error
	// Classify returns the class of an error of Read and Delete.
	Classify func(error) Class
	// Retry calls attempt until it succeeds or fails for good. The attempts make one try each.
	Retry func(ctx context.Context, attempt func(context.Context) error) error
}

// Deleted is what a [Deletion.Run] came to.
type Deleted struct {
	// UID is that of the object; empty if it is not known.
	UID string
	// Outcome reports whether this run deleted the object. It is Effective if the
	// server accepted the request, or if its response was lost. It is Unknown if the
	// server refused it and the object was gone: somebody else deleted it, unless a
	// proxy passed on the response to the second of two requests.
	Outcome Outcome
}

// Run deletes the object. It has succeeded when the object that it read first is
// gone or being deleted, whoever deleted it. The error is a [*Failure]. Its class
// is [Missing] if there was no object.
func (d Deletion) Run(ctx context.Context) (Deleted, error) {
	var object Identity
	var began time.Time
	err := d.Retry(ctx, func(ctx context.Context) (err error) {
		began = time.Now()
		object, err = d.Read(ctx)
		return err
	})
	if err != nil {
		return Deleted{}, &Failure{Step: StepRead, Err: err}
	}
	if object.Deleting {
		return Deleted{UID: object.UID}, nil
	}
	r := deleting{Deletion: d, uid: object.UID, looks: time.Since(began) > maxAge}
	if err = d.Retry(ctx, r.try); err != nil {
		err = r.giveUp(ctx, err)
	}
	return Deleted{object.UID, r.outcome()}, err
}

// A read whose response took longer than maxAge shows how the object was, not how it
// is. After several such reads, one is believed all the same.
const (
	maxAge    = 2 * time.Second
	slowReads = 3
)

// read reads the object, and reads it again if the response took too long. Another
// object may have taken its place since.
func (d Deletion) read(ctx context.Context) (object Identity, err error) {
	for range slowReads {
		began := time.Now()
		if object, err = d.Read(ctx); err != nil || time.Since(began) <= maxAge {
			break
		}
	}
	return object, err
}

// deleting is a deletion under way.
type deleting struct {
	Deletion
	uid     string
	looks   bool  // at the object before the next request
	done    bool  // the server accepted a request
	arrived bool  // a request may have reached the server
	lost    error // of the last request whose effect is not known; nil if there is none
}

// try sends a request, unless an earlier one turns out to have taken effect.
func (r *deleting) try(ctx context.Context) error {
	if r.looks {
		if gone, err := r.look(ctx); gone || err != nil {
			return err
		}
	}
	r.looks = true
	err := r.Delete(ctx, r.uid)
	if r.done = err == nil; r.done {
		return nil
	}
	class := r.Classify(err)
	r.arrived = r.arrived || class != Unsent
	if class == Lost {
		r.lost = err
	}
	return err
}

// look reports whether the object is gone or being deleted.
func (r *deleting) look(ctx context.Context) (gone bool, err error) {
	now, err := r.read(ctx)
	switch {
	case err == nil:
		return now.Deleting || r.uid != "" && now.UID != r.uid, nil
	case r.Classify(err) == Missing:
		return true, nil
	}
	return false, err
}

// giveUp looks whether a request took effect before the deletion fails.
func (r *deleting) giveUp(ctx context.Context, err error) error {
	done := looks{}
	for r.arrived && done.goOn() {
		if ctx.Err() != nil || pause.Sleep(ctx, done.pause()) != nil {
			break
		}
		var gone bool
		unread := r.Retry(ctx, func(ctx context.Context) (err error) {
			gone, err = r.look(ctx)
			return err
		})
		if gone {
			return nil
		}
		done = done.and(unread)
	}
	return r.failure(err, !r.arrived || done.enough())
}

// outcome reports whether the deletion of an object that is gone is this run's.
func (r *deleting) outcome() Outcome {
	switch {
	case r.done || r.lost != nil:
		return Effective
	case r.arrived:
		return Unknown
	}
	return NotWritten
}

// failure is the error of a deletion that failed. looked reports whether the
// object was seen often enough since the last request.
func (r *deleting) failure(err error, looked bool) error {
	f := &Failure{Step: StepWrite, Err: err}
	if r.lost != nil || !looked {
		f.Outcome = Unknown
	}
	if r.lost != nil && !errors.Is(err, r.lost) {
		f.Err = fmt.Errorf("%w (after the response to an earlier request was lost: %s)", err, r.lost.Error()) // err decides what to do
	}
	return f
}
