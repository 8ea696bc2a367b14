package once

import "context"

// end is the end of a run that failed for good. If that was in a write, the
// object is read once more. Even an error response leaves open what the write
// did: a proxy that delivers it twice passes on the answer to the second.
func (r *run[D, B]) end(ctx context.Context, err error) (*Written[D, B], error) {
	if stepOf(err) == StepWrite && len(r.attempts) > 0 && ctx.Err() == nil {
		if w, failure := r.confirm(ctx); w != nil || failure != nil {
			return w, failure
		}
	}
	return nil, r.failure(err)
}

// confirm looks for the writes of the run in the object. It returns neither a
// result nor an error if none is known to have taken effect.
func (r *run[D, B]) confirm(ctx context.Context) (*Written[D, B], error) {
	doc, err := r.Store.Read(ctx)
	if err != nil {
		if r.Classify(err) == Missing {
			r.drop(func(a attempt[D, B]) bool { return a.rejected })
		}
		return nil, nil
	}
	w, err := r.recover(ctx, doc)
	if _, final := err.(*Failure); final || w != nil {
		return w, err
	}
	return nil, nil
}

// drop forgets writes.
func (r *run[D, B]) drop(forgotten func(attempt[D, B]) bool) {
	var kept []attempt[D, B]
	for _, a := range r.attempts {
		if !forgotten(a) {
			kept = append(kept, a)
		}
	}
	r.attempts = kept
}
