package once

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

// lastLooks are the pauses before the reads that a run makes when it gives up,
// to find out whether one of its writes took effect.
var lastLooks = []time.Duration{0, lag}

// lastPatience bounds the Retry-After that a run that gives up waits for. After
// a longer one it does not look.
const lastPatience = time.Minute

// giveUp looks once more whether a write took effect before the run fails: the
// one that was refused may have been delivered twice.
func (r *run[D, B]) giveUp(ctx context.Context, err error) (*Written[D, B], error) {
	known := (*Failure)(nil)
	if errors.As(err, &known) {
		return nil, known
	}
	attempts, last := r.attempts, err
	for _, delay := range lastLooks {
		if r.attempts = slices.Clone(attempts); !r.open() {
			break
		}
		delay = max(delay, r.asked(last))
		if ctx.Err() != nil || delay > lastPatience || pause.Sleep(ctx, delay) != nil {
			return nil, r.failure(err, false)
		}
		var w *Written[D, B]
		if w, last = r.look(ctx); w != nil || errors.As(last, &known) {
			return w, last
		}
	}
	return nil, r.failure(err, last == nil)
}

// asked returns how long the server asked to wait, with a spread.
func (r *run[D, B]) asked(err error) time.Duration {
	if r.Delay == nil || err == nil {
		return 0
	}
	return pause.Spread(r.Delay(err))
}

// look reads the object and looks for the writes of this call in it.
func (r *run[D, B]) look(ctx context.Context) (*Written[D, B], error) {
	doc, err := r.readOnce(ctx)
	if err == nil && r.isOlder(doc) {
		err = ErrReadAgain
	}
	if err != nil {
		return nil, err
	}
	if w, err := r.recover(ctx, doc); w != nil || err != nil {
		return w, err
	}
	return r.settled(ctx, doc), nil
}

// settled returns the result if the content alone identifies the writes, and
// composing again shows that nothing has to be written any more.
func (r *run[D, B]) settled(ctx context.Context, doc D) *Written[D, B] {
	var none D
	if !r.open() || r.Mark != nil || r.Holds != nil || doc == none {
		return nil
	}
	body, err := r.Compose(ctx, doc)
	if err != nil || !bytes.Equal(body.Bytes(), doc.Bytes()) {
		return nil
	}
	return &Written[D, B]{Doc: doc, First: r.first, Base: doc, Body: body, Changed: true, Generation: doc.Version().Generation}
}

// failure decides what a run that failed for good may have changed. looked
// reports whether the object was read since the last write.
func (r *run[D, B]) failure(err error, looked bool) error {
	if known := (*Failure)(nil); errors.As(err, &known) {
		return known
	}
	f := &Failure{Step: StepWrite, Err: cause(err)}
	if at := (*StepError)(nil); errors.As(err, &at) {
		f.Step, f.Err = at.Step, at.Err
	}
	switch lost := r.lost(); {
	case lost != nil:
		f.Outcome = Unknown
		if !errors.Is(f.Err, lost.err) {
			f.Err = fmt.Errorf("%w (after the response to an earlier write was lost: %w)", f.Err, lost.err)
		}
	case r.open() && !looked:
		f.Outcome = Unknown
	case r.erased != nil:
		f.Outcome = Unknown
		if !errors.Is(f.Err, r.erased) {
			f.Err = fmt.Errorf("%w (after an earlier write that was refused, although it may have taken effect before other writers changed or deleted the object: %v)", f.Err, r.erased) //nolint:errorlint // it is not the cause
		}
	}
	return f
}
