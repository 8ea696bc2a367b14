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

// A run that gives up looks at the object to find out whether one of its writes
// took effect. That none did is known only after several reads, because any of them
// may be out of date. Not many may fail: one look at what a write left behind can be
// a hundred requests.
const (
	looksNeeded   = 3
	looksThatFail = 1
)

// looks counts the last looks of a run.
type looks struct{ seen, failed int }

// enough reports whether the object was seen as often as needed.
func (l looks) enough() bool { return l.seen >= looksNeeded }

// goOn reports whether another look may help.
func (l looks) goOn() bool { return !l.enough() && l.failed <= looksThatFail }

// pause returns how long to wait before the next look. All looks together are as
// long as reads may be behind.
func (l looks) pause() time.Duration {
	if l == (looks{}) {
		return 0
	}
	return lag / (looksNeeded - 1)
}

// and returns the looks with one more, which ended with an error or nil.
func (l looks) and(err error) looks {
	if err != nil {
		return looks{l.seen, l.failed + 1}
	}
	return looks{l.seen + 1, l.failed}
}

// lastPatience bounds the Retry-After that a run that gives up waits for. After
// a longer one it does not look.
const lastPatience = time.Minute

// giveUp looks whether a write took effect before the run fails: the one that was
// refused may have been delivered twice.
func (r *run[D, B]) giveUp(ctx context.Context, err error) (*Written[D, B], error) {
	known := (*Failure)(nil)
	if errors.As(err, &known) {
		return nil, known
	}
	attempts, last := r.attempts, err
	done := looks{}
	for done.goOn() {
		if r.attempts = slices.Clone(attempts); !r.open() {
			break
		}
		delay := max(done.pause(), r.asked(last))
		if ctx.Err() != nil || delay > lastPatience || pause.Sleep(ctx, delay) != nil {
			return nil, r.failure(err, false)
		}
		var w *Written[D, B]
		if w, last = r.look(ctx); w != nil || errors.As(last, &known) {
			return w, last
		}
		done = done.and(last)
	}
	return nil, r.failure(err, done.enough())
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
// reports whether the object was read often enough since the last write.
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
