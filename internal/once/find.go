package once

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

// staleReads are the pauses before a read that was out of date is repeated.
var staleReads = []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, time.Second, time.Second, 1500 * time.Millisecond}

// lag is how far reads may be behind when a run decides by what it does not see.
const lag = 500 * time.Millisecond

// read reads the object. The zero value stands for an object that does not exist.
// A read that is out of date is repeated, within a bound.
func (r *run[D, B]) read(ctx context.Context) (D, error) {
	var none D
	doc, err := r.readOnce(ctx)
	for _, delay := range staleReads {
		if err != nil || !r.isStale(doc) {
			break
		}
		if err = pause.Sleep(ctx, delay); err != nil {
			return none, &StepError{StepRead, err}
		}
		doc, err = r.readOnce(ctx)
	}
	if err == nil && doc != none {
		r.newest = doc.Version()
	}
	return doc, err
}

func (r *run[D, B]) readOnce(ctx context.Context) (D, error) {
	var none D
	doc, err := r.Store.Read(ctx)
	switch {
	case err == nil:
		return doc, nil
	case errors.Is(err, ErrReadAgain):
		return none, &again{Conflict, &StepError{StepRead, err}}
	case r.Classify(err) == Missing:
		r.absence = &StepError{StepRead, err}
		return none, nil
	}
	return none, &StepError{StepRead, err}
}

// isOlder reports whether a read is older than an earlier one.
func (r *run[D, B]) isOlder(doc D) bool {
	var none D
	return doc != none && doc.Version().UID == r.newest.UID && doc.Version().Generation < r.newest.Generation
}

// isStale reports whether a read is older than an earlier one, or may be older
// than a write whose effect is not known.
func (r *run[D, B]) isStale(doc D) bool {
	var none D
	if doc != none && doc.Version().UID == r.newest.UID {
		return r.isOlder(doc)
	}
	for _, a := range r.attempts { // is it deleted, or does this server not know it yet?
		if a.create && doc == none && a.refused == present || !a.create && a.refused != missing {
			return true
		}
	}
	return false
}

// recover looks for the earlier writes of this call in the object as it is
// now. It returns neither a result nor an error if none is known to have taken effect.
func (r *run[D, B]) recover(ctx context.Context, doc D) (*Written[D, B], error) {
	found := r.findings(doc)
	if i := r.newestOf(found, effective); i >= 0 {
		return r.confirm(ctx, r.attempts[i], doc)
	}
	if i := r.newestOf(found, replaced); i >= 0 {
		return nil, r.overtaken(r.attempts[i], doc)
	}
	if i := r.unexplained(found); i >= 0 {
		r.looks++
		if w, err := r.lookForRest(ctx, r.attempts[i], found[i], doc); w != nil || err != nil {
			return w, err
		}
	}
	r.forget(found)
	return nil, nil
}

// confirm returns the result of a write that the object shows. An object without
// generations, whose content alone identifies the write, is read once more: the
// first read may be older than the base, from a time when the content was the same.
func (r *run[D, B]) confirm(ctx context.Context, a attempt[D, B], doc D) (*Written[D, B], error) {
	s := r.sight(a, doc)
	if s.markable || s.version.Generation > 0 {
		return r.recovered(a, doc), nil
	}
	if err := pause.Sleep(ctx, lag); err != nil {
		return nil, &StepError{StepRead, err}
	}
	now, err := r.readOnce(ctx)
	if err != nil {
		return nil, err
	}
	if recognize(a.trace, r.sight(a, now)) != effective {
		return nil, &again{Conflict, &StepError{StepWrite, a.err}}
	}
	return r.recovered(a, now), nil
}

// unexplained returns the index of the write to look for beyond the object; -1 if there is none.
func (r *run[D, B]) unexplained(found []finding) int {
	for _, f := range []finding{buried, hidden, erased} {
		i := r.newestOf(found, f)
		if i < 0 || r.attempts[i].refused == missing || f == erased && !r.isMarked(r.attempts[i]) {
			continue
		}
		return i
	}
	return -1
}

func (r *run[D, B]) findings(doc D) []finding {
	found := make([]finding, len(r.attempts))
	for i, a := range r.attempts {
		found[i] = recognize(a.trace, r.sight(a, doc))
	}
	return found
}

// explain reads the object right after a conflict, and forgets the write if
// the read shows another writer's in its place. An error is final. After the pause, so many
// others may have written that this would take looking for what the write left behind.
func (r *run[D, B]) explain(ctx context.Context) error {
	var none D
	doc, err := r.readOnce(ctx)
	if err != nil && !errors.Is(err, ErrReadAgain) {
		return err
	}
	if doc == none {
		return nil // the next try reads again
	}
	found := r.findings(doc)
	for i, f := range found {
		if f != void {
			found[i] = pending
		}
	}
	r.forget(found)
	return nil
}

// newestOf returns the index of the write with a finding that made the newest generation; -1 if there is none.
func (r *run[D, B]) newestOf(found []finding, f finding) int {
	best := -1
	for i := range found {
		if found[i] == f && (best < 0 || r.attempts[i].generation() >= r.attempts[best].generation()) {
			best = i
		}
	}
	return best
}

func (r *run[D, B]) sight(a attempt[D, B], doc D) sight {
	var none D
	s := sight{absent: doc == none, markable: r.isMarked(a)}
	if s.absent {
		return s
	}
	s.version = doc.Version()
	s.marked = s.markable && r.Mark.On(doc)
	if s.marked || !s.markable {
		s.held = r.Holds != nil && r.Holds(a.base, a.body, doc)
	}
	return s
}

// isMarked reports whether a write has the mark of this call.
func (r *run[D, B]) isMarked(a attempt[D, B]) bool { return r.Mark != nil && r.Mark.In(a.body) }

// lookForRest looks for what a write left behind that the object does not show.
// It returns an error if the write took effect, or if that cannot be known. The
// object is read again: it may have been deleted, and what was left behind with it.
func (r *run[D, B]) lookForRest(ctx context.Context, a attempt[D, B], f finding, was D) (*Written[D, B], error) {
	var none D
	left := false
	if r.isMarked(a) {
		var err error
		if left, err = r.Mark.Left(ctx); err != nil {
			return nil, &StepError{StepRead, err}
		}
	}
	if !left && f == erased {
		return nil, nil
	}
	if err := pause.Sleep(ctx, lag); err != nil {
		return nil, &StepError{StepRead, err}
	}
	now, err := r.readOnce(ctx)
	if err != nil {
		return nil, err
	}
	switch exists := now != none; {
	case exists && recognize(a.trace, r.sight(a, now)) == effective:
		return r.recovered(a, now), nil
	case left:
		return nil, r.overtaken(a, now)
	case f == hidden && exists && now.Version().UID == was.Version().UID:
		return nil, nil
	case a.refused != 0:
		r.erased = a.err // a trace would have gone with the object
		return nil, nil
	}
	return nil, &Failure{Step: StepWrite, Outcome: Unknown, Err: fmt.Errorf("%w: %w", ErrBuried, a.err)}
}

// forget drops the writes that are known to have had no effect. Those that create
// are kept: the object may be a stale read of a predecessor.
func (r *run[D, B]) forget(found []finding) {
	var kept []attempt[D, B]
	for i, a := range r.attempts {
		if found[i] == erased {
			r.erased = a.err
		}
		a.void = found[i] != pending
		if !a.void || a.create && found[i] == void {
			kept = append(kept, a)
		}
	}
	r.attempts = kept
}

// open reports whether the effect of a write is not known.
func (r *run[D, B]) open() bool {
	return slices.ContainsFunc(r.attempts, func(a attempt[D, B]) bool { return !a.void })
}

// recovered is the result of a write that took effect after all.
func (r *run[D, B]) recovered(a attempt[D, B], doc D) *Written[D, B] {
	return &Written[D, B]{Doc: doc, First: r.first, Base: a.base, Body: a.body, Created: a.create, Changed: true,
		Generation: min(a.generation(), doc.Version().Generation)}
}

func (r *run[D, B]) overtaken(a attempt[D, B], doc D) error {
	var none D
	if doc == none {
		return &Failure{Step: StepConfirm, Outcome: Effective, Err: r.absence}
	}
	return &Failure{Step: StepConfirm, Outcome: Effective, Err: &Overtaken[D]{Generation: a.generation(), Now: doc}}
}
