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
	r := &run[D, B]{Writer: w}
	p := newPauses(w)
	for {
		written, err := r.try(ctx)
		if err == nil {
			return written, nil
		}
		delay := p.after(err)
		if delay == pause.Stop {
			return r.end(ctx, err)
		}
		if w.Retrying != nil {
			w.Retrying(cause(err), delay)
		}
		if ended := pause.Sleep(ctx, delay); ended != nil {
			return nil, r.failure(fmt.Errorf("%w: %w", ended, cause(err)))
		}
	}
}

// run is one call of [Writer.Run] with what it has seen so far.
type run[D Document, B Body] struct {
	Writer[D, B]
	first    D
	hasRead  bool
	attempts []attempt[D, B] // whose effect is not known, the oldest first
}

// attempt is one write that was sent.
type attempt[D Document, B Body] struct {
	trace
	base D
	body B
	err  error
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
	var none D
	doc, err := r.Store.Read(ctx)
	if errors.Is(err, ErrReadAgain) {
		return nil, &again{Conflict, &StepError{StepRead, err}}
	}
	if err != nil && (!r.Create || r.Classify(err) != Missing) {
		return nil, &StepError{StepRead, err}
	}
	if err != nil {
		doc = none
	}
	if !r.hasRead {
		r.first, r.hasRead = doc, true
	}
	if doc == none {
		return r.create(ctx)
	}
	if w, err := r.recover(ctx, doc); w != nil || err != nil {
		return w, err
	}
	return r.replace(ctx, doc)
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
	switch {
	case class == Lost && !r.DryRun:
		r.remember(a)
		return nil, &again{Lost, a.err}
	case class == Conflict, class == Exists && a.create, class == Missing && r.Create && !a.create:
		a.refused = true
		r.remember(a)
		return nil, &again{Conflict, a.err}
	case class == Exists && r.lost() != nil: // such as the name of the Revision that the lost write made
		return nil, &again{Conflict, a.err}
	case class != Unsent && !r.DryRun:
		a.refused, a.rejected = true, true
		r.remember(a)
	}
	return nil, &StepError{StepWrite, a.err}
}

// foreign returns an error if a successful answer is not that of the write.
func (r *run[D, B]) foreign(a attempt[D, B], answer D, err error) error {
	if err != nil || r.Answers == nil {
		return nil //nolint:nilerr // only a successful answer can be foreign
	}
	return r.Answers(a.base, a.body, answer)
}

// remember keeps a write whose effect is not known. Writes of the same base have
// the same body, so one stands for all; that one of them was lost, or met a
// conflict, must not be forgotten.
func (r *run[D, B]) remember(a attempt[D, B]) {
	for i, old := range r.attempts {
		if old.trace.create != a.trace.create || old.trace.base != a.trace.base {
			continue
		}
		if old.refused || !a.refused {
			a.rejected = a.rejected && old.rejected
			r.attempts[i] = a
		}
		return
	}
	r.attempts = append(r.attempts, a)
}

// lost is the last write whose answer was lost; nil if there is none.
func (r *run[D, B]) lost() *attempt[D, B] {
	for i := len(r.attempts) - 1; i >= 0; i-- {
		if !r.attempts[i].refused {
			return &r.attempts[i]
		}
	}
	return nil
}

// recover looks for the earlier writes of this call in the object as it is
// now. It returns neither a result nor an error if none is known to have taken effect.
func (r *run[D, B]) recover(ctx context.Context, doc D) (*Written[D, B], error) {
	found := make([]finding, len(r.attempts))
	for i, a := range r.attempts {
		found[i] = recognize(a.trace, r.sight(a, doc))
		if found[i] == effective {
			return r.recovered(a, doc), nil
		}
	}
	for i, f := range found {
		if f == replaced {
			return nil, r.overtaken(r.attempts[i], doc)
		}
	}
	left, err := r.lookForHidden(ctx, found)
	if err != nil {
		return nil, &StepError{StepRead, err}
	}
	if left >= 0 {
		return nil, r.overtaken(r.attempts[left], doc)
	}
	r.forget(found, doc.Version())
	return nil, nil
}

func (r *run[D, B]) sight(a attempt[D, B], doc D) sight {
	s := sight{version: doc.Version(), markable: r.Mark != nil}
	s.marked = s.markable && r.Mark.On(doc)
	if s.marked || !s.markable {
		s.held = r.Holds != nil && r.Holds(a.base, a.body, doc)
	}
	return s
}

// lookForHidden returns the index of a write that left its mark elsewhere; -1
// if none did, and then none of the hidden ones took effect.
func (r *run[D, B]) lookForHidden(ctx context.Context, found []finding) (int, error) {
	for i, f := range found {
		if f != hidden {
			continue
		}
		left, err := r.Mark.Left(ctx)
		if err != nil {
			return -1, err
		}
		if left {
			return i, nil
		}
		break
	}
	return -1, nil
}

// forget drops the writes that are known to have had no effect.
func (r *run[D, B]) forget(found []finding, now Version) {
	i := -1
	r.drop(func(a attempt[D, B]) bool {
		i++
		return found[i] != pending || a.rejectedFor(now)
	})
}

// recovered is the result of a write that took effect after all.
func (r *run[D, B]) recovered(a attempt[D, B], doc D) *Written[D, B] {
	return &Written[D, B]{Doc: doc, First: r.first, Base: a.base, Body: a.body, Created: a.create, Changed: true,
		Generation: min(a.generation(), doc.Version().Generation)}
}

func (r *run[D, B]) overtaken(a attempt[D, B], doc D) error {
	return &Failure{Step: StepConfirm, Outcome: Effective, Err: &Overtaken[D]{Generation: a.generation(), Now: doc}}
}

// stepOf returns the step that failed.
func stepOf(err error) Step {
	if at := (*StepError)(nil); errors.As(err, &at) {
		return at.Step
	}
	return StepWrite
}

// failure decides what a run that failed for good may have changed.
func (r *run[D, B]) failure(err error) error {
	if known := (*Failure)(nil); errors.As(err, &known) {
		return known
	}
	f := &Failure{Step: stepOf(err), Err: cause(err)}
	if at := (*StepError)(nil); errors.As(err, &at) {
		f.Err = at.Err
	}
	conflict := (*again)(nil)
	exhausted := errors.As(err, &conflict) && conflict.class == Conflict
	switch lost := r.lost(); {
	case lost != nil:
		f.Outcome = Unknown
		if !errors.Is(f.Err, lost.err) {
			f.Err = fmt.Errorf("%w (after the answer to an earlier write was lost: %w)", f.Err, lost.err)
		}
	case len(r.attempts) > 0 && !exhausted: // the end came before it was seen whose write stood in the way, or what a refused write did
		f.Outcome = Unknown
	}
	return f
}
