package once

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

// Run writes the object. Its error is a [*Failure], which reports whether anything was written.
func (w Writer[D, B]) Run(ctx context.Context) (*Written[D, B], error) {
	r := &run[D, B]{Writer: w, newest: w.Since}
	p := newPauses(w)
	for {
		written, err := r.try(ctx)
		if err == nil {
			return written, nil
		}
		delay := p.after(err)
		if delay == pause.Stop {
			return r.giveUp(ctx, err)
		}
		if p.conflicts.areMany() {
			if err := r.explain(ctx); err != nil {
				return r.giveUp(ctx, err)
			}
		}
		if w.Retrying != nil {
			w.Retrying(cause(err), delay)
		}
		if ended := pause.Sleep(ctx, delay); ended != nil {
			return nil, r.failure(fmt.Errorf("%w: %w", ended, cause(err)), false)
		}
	}
}

// run is one call of [Writer.Run] with what it has seen so far.
type run[D Document, B Body] struct {
	Writer[D, B]
	first    D
	hasRead  bool
	looks    int             // for what a write left behind
	newest   Version         // of what was read
	absence  error           // of the last read of an object that does not exist
	attempts []attempt[D, B] // whose effect is not known, the oldest first
	erased   error           // of the last write that left no trace, but may have taken effect; nil if there is none
}

// attempt is one write that was sent.
type attempt[D Document, B Body] struct {
	trace
	base D
	body B
	err  error
	void bool // as the last read showed
}

// again marks a failure that another try may mend.
type again struct {
	class Class // Conflict or Lost
	err   error
}

func (e *again) Error() string { return e.err.Error() }
func (e *again) Unwrap() error { return e.err }

// cause is a failure without the mark.
func cause(err error) error {
	if marked := (*again)(nil); errors.As(err, &marked) {
		return marked.err
	}
	return err
}

// try reads, composes and writes once.
func (r *run[D, B]) try(ctx context.Context) (*Written[D, B], error) {
	var none, doc D
	for looks := -1; looks != r.looks; { // a read from before looking around is old
		looks = r.looks
		var err error
		if doc, err = r.read(ctx); err != nil {
			return nil, err
		}
		if !r.hasRead {
			r.first, r.hasRead = doc, true
		}
		if w, err := r.recover(ctx, doc); w != nil || err != nil {
			return w, err
		}
	}
	switch {
	case doc != none:
		return r.replace(ctx, doc)
	case r.Create:
		return r.create(ctx)
	}
	return nil, r.absence
}

// create creates the object. If another was created in between, the next try replaces that.
func (r *run[D, B]) create(ctx context.Context) (*Written[D, B], error) {
	var none D
	body, err := r.Compose(ctx, none)
	if err != nil {
		return nil, composing(err)
	}
	answer, err := r.Store.Create(ctx, body)
	return r.judge(attempt[D, B]{trace: trace{create: true}, body: body}, answer, err)
}

// replace writes what is composed from a document.
func (r *run[D, B]) replace(ctx context.Context, base D) (*Written[D, B], error) {
	body, err := r.Compose(ctx, base)
	if err != nil {
		return nil, composing(err)
	}
	if bytes.Equal(body.Bytes(), base.Bytes()) {
		return &Written[D, B]{Doc: base, First: r.first, Base: base, Body: body,
			Changed: r.lost() != nil, Generation: base.Version().Generation}, nil
	}
	answer, err := r.Store.Replace(ctx, base, body)
	return r.judge(attempt[D, B]{trace: trace{base: base.Version()}, base: base, body: body}, answer, err)
}

// composing is the failure of a composition.
func composing(err error) error {
	if errors.Is(err, ErrReadAgain) {
		return &again{Conflict, err}
	}
	if known := (*StepError)(nil); errors.As(err, &known) {
		return err
	}
	return &StepError{StepCompose, err}
}

// judge decides what the answer to a write means.
func (r *run[D, B]) judge(a attempt[D, B], answer D, err error) (*Written[D, B], error) {
	foreign := r.foreign(a, answer, err)
	if a.err = cmp.Or(err, foreign); a.err == nil {
		return &Written[D, B]{Doc: answer, First: r.first, Base: a.base, Body: a.body, Created: a.create,
			Changed: true, Generation: answer.Version().Generation}, nil
	}
	class := Lost
	if foreign == nil {
		class = r.Classify(a.err)
	}
	repeats := r.lost() != nil
	if class != Lost {
		a.refused = refused
	}
	switch class {
	case Missing:
		a.refused = missing
	case Exists:
		a.refused = present
	case Refused:
		a.refused = rejected
	}
	if class != Unsent && !r.DryRun {
		r.remember(a)
	}
	switch {
	case class == Lost && !r.DryRun:
		return nil, &again{Lost, a.err}
	case class == Conflict, class == Exists && a.create, class == Missing && r.Create && !a.create,
		class == Exists && repeats: // such as the name of the Revision that the lost write made
		return nil, &again{Conflict, a.err}
	}
	return nil, &StepError{StepWrite, a.err}
}

// foreign returns an error if a successful answer is not that of the write.
func (r *run[D, B]) foreign(a attempt[D, B], answer D, err error) error {
	if err != nil || r.Answers == nil {
		return nil //nolint:nilerr // only a successful response can be foreign
	}
	return r.Answers(a.base, a.body, answer)
}

// remember keeps a write whose effect is not known. Writes of the same base have
// the same body, so one stands for all: the one of which least is known.
func (r *run[D, B]) remember(a attempt[D, B]) {
	for i, old := range r.attempts {
		if !old.same(a.trace) {
			continue
		}
		if old.refused == missing || a.refused == 0 {
			r.attempts[i] = a
		}
		return
	}
	r.attempts = append(r.attempts, a)
}

// lost is the last write whose response was lost; nil if there is none.
func (r *run[D, B]) lost() *attempt[D, B] {
	for i := len(r.attempts) - 1; i >= 0; i-- {
		if r.attempts[i].refused == 0 {
			return &r.attempts[i]
		}
	}
	return nil
}
