package logging

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Cloud Logging allows 60 reads a minute and project. The rest is for others.
const (
	readsPerMinute = 40
	minute         = time.Minute
)

// maxShare is how many Revisions a read is for at most.
const maxShare = 20

// ErrBusy is returned when the reads that are allowed in a minute are used up.
var ErrBusy = errors.New("too many reads of logs in the last minute, which has a quota of 60")

// errUnfinished is the error of a read that panicked.
var errUnfinished = errors.New("the read of the log was not finished")

// Want is what one caller wants to read: the newest entries of a Revision.
type Want struct {
	Revision string
	Since    time.Time
	Entries  int
}

// Queue reads logs for concurrent callers, so that many failures at once do not
// use up the quota. One read at a time is sent, for all who wait at that time. The
// zero value is ready for use.
type Queue struct {
	mu      sync.Mutex
	busy    bool
	waiting []*waiter
	sent    []time.Time // the reads of the last minute
}

// waiter is one caller.
type waiter struct {
	want   Want
	alone  bool          // the read is not shared
	turn   chan struct{} // closed when the caller has to read, for itself and others
	leads  bool          // turn is closed
	gone   bool          // the caller has given up
	done   chan struct{} // closed when there is an answer
	answer answer
}

// answer is what a caller gets.
type answer struct {
	entries []Entry
	crowded bool // there are none, and others have filled the page
	err     error
}

// query sends one read.
type query func(context.Context, Query) (Page, error)

// Read returns the newest entries that a caller wants, the newest first. It does
// not wait for the quota. send sends the read of one of the callers that share
// it, within the context of that one. Its error is that of all of them, unless
// that context has ended.
func (q *Queue) Read(ctx context.Context, want Want, send func(context.Context, Query) (Page, error)) ([]Entry, error) {
	got := q.read(ctx, newWaiter(want, false), send)
	if got.crowded {
		got = q.read(ctx, newWaiter(want, true), send)
	}
	return got.entries, got.err
}

func newWaiter(want Want, alone bool) *waiter {
	return &waiter{want: want, alone: alone, turn: make(chan struct{}), done: make(chan struct{})}
}

// read waits for an answer, or for the turn to get one.
func (q *Queue) read(ctx context.Context, w *waiter, send query) answer {
	q.enter(w)
	select {
	case <-w.done:
		return w.answer
	case <-w.turn:
	case <-ctx.Done():
		if q.leave(w) {
			return answer{err: ctx.Err()}
		}
	}
	q.lead(ctx, w, send)
	return w.answer
}

// enter adds a caller. It gets the turn if nobody has it.
func (q *Queue) enter(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
	if !q.busy {
		q.pass()
	}
}

// pass gives the turn to the one who has waited longest. q.mu is held.
func (q *Queue) pass() {
	q.busy = len(q.waiting) > 0
	if q.busy {
		q.waiting[0].leads = true
		close(q.waiting[0].turn)
	}
}

// leave removes a caller that has given up. It returns false if the caller has the turn.
func (q *Queue) leave(w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.leads {
		return false
	}
	w.gone = true
	q.waiting = slices.DeleteFunc(q.waiting, func(other *waiter) bool { return other == w })
	return true
}

// lead reads for a caller and those who wait, and passes the turn on.
func (q *Queue) lead(ctx context.Context, w *waiter, send query) {
	page, err := Page{}, ctx.Err()
	shared := q.take(w)
	defer func() { q.finish(ctx, shared, page, err) }()
	if err != nil {
		return
	}
	if err = ErrBusy; q.allows(time.Now()) {
		err = errUnfinished // if it panics
		page, err = send(ctx, queryFor(shared))
	}
}

// take returns those whom the read is for, the leader first.
func (q *Queue) take(w *waiter) []*waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	shared := []*waiter{w}
	q.waiting = slices.DeleteFunc(q.waiting, func(other *waiter) bool {
		shares := other != w && !other.alone && !w.alone && len(shared) < maxShare
		if shares {
			shared = append(shared, other)
		}
		return shares || other == w
	})
	return shared
}

// allows counts a read, unless the quota is used up.
func (q *Queue) allows(now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent = slices.DeleteFunc(q.sent, func(at time.Time) bool { return now.Sub(at) > minute })
	if len(q.sent) >= readsPerMinute {
		return false
	}
	q.sent = append(q.sent, now)
	return true
}

// queryFor returns the query for all who share a read.
func queryFor(shared []*waiter) Query {
	query := Query{Newest: true, Since: shared[0].want.Since}
	for _, w := range shared {
		query.Revisions = append(query.Revisions, w.want.Revision)
		query.PageSize = min(query.PageSize+w.want.Entries, MaxPage)
		if w.want.Since.Before(query.Since) {
			query.Since = w.want.Since
		}
	}
	return query
}

// finish gives everyone the entries of the Revision that they want. Where the
// leader, the first one, has given up, the others wait for the next one.
func (q *Queue) finish(ctx context.Context, shared []*waiter, page Page, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.pass()
	if err != nil && ctx.Err() != nil {
		others := slices.DeleteFunc(slices.Clone(shared[1:]), func(w *waiter) bool { return w.gone })
		q.waiting = slices.Concat(others, q.waiting)
		shared = shared[:1]
	}
	for _, w := range shared {
		w.answer = answerTo(w.want, page, err)
		w.answer.crowded = w.answer.crowded && len(shared) > 1
		close(w.done)
	}
}

func answerTo(want Want, page Page, err error) answer {
	a := answer{err: err}
	for _, e := range page.Entries {
		if e.Revision() == want.Revision && len(a.entries) < want.Entries {
			a.entries = append(a.entries, e)
		}
	}
	a.crowded = len(a.entries) == 0 && page.Next != ""
	return a
}
