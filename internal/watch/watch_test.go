package watch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/watch"
)

var timing = watch.Timing{Timeout: 10 * time.Minute, FailureWindow: 2 * time.Second, PollInitial: 250 * time.Millisecond, PollMax: 2 * time.Second}

// state is what the tests observe: a word that the judge knows.
type state struct {
	word      string // pending, stale, ready, other, failing
	of        int64  // what fails
	operation string
}

var (
	errPasses  = errors.New("unavailable")
	errOther   = errors.New("another took its place")
	errFinal   = errors.New("forbidden")
	errFailed  = errors.New("it failed")
	errUnknown = errors.New("it cannot be confirmed yet")
)

// judge is a judge of states. Its confirmations come from a list.
type judge struct{ confirmations []error }

func (j *judge) Judge(s state, operation error) watch.Verdict {
	switch {
	case s.word == "stale":
		return watch.Verdict{State: watch.Ignored}
	case s.word == "ready":
		return watch.Verdict{State: watch.Done}
	case s.word == "other":
		return watch.Verdict{State: watch.Done, Err: errOther}
	case s.word == "failing" || operation != nil:
		return watch.Verdict{State: watch.Failing, Of: s.of}
	}
	return watch.Verdict{State: watch.Pending}
}

func (j *judge) Confirm(context.Context, state) (watch.Verdict, error) {
	done := watch.Verdict{State: watch.Done}
	if len(j.confirmations) == 0 {
		return done, nil
	}
	next := j.confirmations[0]
	j.confirmations = j.confirmations[1:]
	if errors.Is(next, errOther) {
		return watch.Verdict{State: watch.Done, Err: next}, nil
	}
	return done, next
}

func (j *judge) Failure(_ context.Context, s state, operation error) error {
	return errors.Join(fmt.Errorf("%d: %w", s.of, errFailed), operation)
}

// ears record the calls of an observer.
type ears struct {
	start time.Time
	seen  []string
	due   []time.Duration // when the poll after a failed one is due
}

func (e *ears) Seen(s state) { e.seen = append(e.seen, s.word) }
func (e *ears) Retrying(_ error, pause time.Duration) {
	e.due = append(e.due, time.Since(e.start)+pause)
}

// moment is what polls find from a time on.
type moment struct {
	from  time.Duration
	state state
	err   error
}

// world is what there is to observe, and when it was looked at.
type world struct {
	start    time.Time
	timeline []moment
	polls    []time.Duration
}

func newWorld(timeline ...moment) *world { return &world{start: time.Now(), timeline: timeline} }

func (w *world) poll(context.Context) (state, error) {
	at := time.Since(w.start)
	w.polls = append(w.polls, at)
	found := w.timeline[0]
	for _, m := range w.timeline {
		if m.from <= at {
			found = m
		}
	}
	return found.state, found.err
}

// watch watches the world; the caller may change the watch before it runs.
func (w *world) watch() watch.Watch[state] {
	return watch.Watch[state]{Timing: timing, Poll: w.poll, Judge: &judge{}, MayPass: func(err error) (bool, time.Duration) {
		return !errors.Is(err, errFinal), 0
	}}
}

func inVirtualTime(t *testing.T, f func(*testing.T)) { t.Helper(); synctest.Test(t, f) }

func TestVerdicts(t *testing.T) {
	t.Parallel()
	second := func(n int) time.Duration { return time.Duration(n) * time.Second }
	for name, tc := range map[string]struct {
		timeline      []moment
		confirmations []error
		err           error // nil for success
		last          string
		least, most   time.Duration
		polls         int // 0 for any number
	}{
		"ready at once":           {timeline: []moment{{0, state{word: "ready"}, nil}}, last: "ready", polls: 1},
		"ready later":             {timeline: []moment{{0, state{word: "pending"}, nil}, {second(60), state{word: "ready"}, nil}}, last: "ready", least: second(60), most: second(63)},
		"overtaken":               {timeline: []moment{{0, state{word: "other"}, nil}}, err: errOther, last: "other", polls: 1},
		"stale reads do not end":  {timeline: []moment{{0, state{word: "stale"}, nil}, {second(3), state{word: "ready"}, nil}}, last: "ready", least: second(3), most: second(6)},
		"a final error":           {timeline: []moment{{0, state{word: "pending"}, nil}, {1, state{}, errFinal}}, err: errFinal, last: "pending", polls: 2},
		"an error that passes":    {timeline: []moment{{0, state{}, errPasses}, {second(9), state{word: "ready"}, nil}}, last: "ready", least: second(9), most: second(30)},
		"a failure is final late": {timeline: []moment{{0, state{word: "failing"}, nil}}, err: errFailed, last: "failing", least: second(2), most: second(2)},
		"a false alarm": {
			timeline: []moment{{0, state{word: "failing"}, nil}, {1900 * time.Millisecond, state{word: "pending"}, nil}, {second(4), state{word: "ready"}, nil}},
			last:     "ready", least: second(4), most: second(7),
		},
		"two false alarms": {
			timeline: []moment{{0, state{word: "failing", of: 1}, nil}, {1900 * time.Millisecond, state{word: "failing", of: 2}, nil}, {second(3), state{word: "ready"}, nil}},
			last:     "ready", least: second(3), most: second(6),
		},
		"an error does not end a failure": {
			timeline: []moment{{0, state{word: "failing"}, nil}, {1, state{}, errPasses}, {second(5), state{word: "failing"}, nil}},
			err:      errFailed, last: "failing", least: second(5), most: second(20),
		},
		"confirmed late":   {timeline: []moment{{0, state{word: "ready"}, nil}}, confirmations: []error{errUnknown, errUnknown}, last: "ready", polls: 3},
		"not confirmed":    {timeline: []moment{{0, state{word: "ready"}, nil}}, confirmations: []error{errUnknown, errOther}, err: errOther, last: "ready", polls: 2},
		"cannot confirm":   {timeline: []moment{{0, state{word: "ready"}, nil}}, confirmations: []error{errFinal}, err: errFinal, last: "ready", polls: 1},
		"never, it passes": {timeline: []moment{{0, state{}, errPasses}}, err: context.DeadlineExceeded, least: timing.Timeout, most: timing.Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				w := newWorld(tc.timeline...)
				watched := w.watch()
				watched.Judge = &judge{tc.confirmations}
				last, err := watched.Run(t.Context())
				if tc.err == nil {
					require.NoError(t, err)
				}
				require.ErrorIs(t, err, tc.err)
				require.Equal(t, tc.last, last.word)
				if tc.polls > 0 {
					require.Len(t, w.polls, tc.polls)
				}
				if tc.most > 0 {
					require.GreaterOrEqual(t, time.Since(w.start), tc.least)
					require.LessOrEqual(t, time.Since(w.start), tc.most)
				}
			})
		})
	}
}

// A first observation that is there already saves a poll.
func TestRunFrom(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		w := newWorld(moment{0, state{word: "pending"}, nil})
		_, err := w.watch().RunFrom(t.Context(), state{word: "ready"})
		require.NoError(t, err)
		require.Empty(t, w.polls)
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		timeline moment
		context  time.Duration
		waited   time.Duration
		last     error
	}{
		"of the watch":   {moment{0, state{word: "pending"}, nil}, time.Hour, timing.Timeout, nil},
		"of the context": {moment{0, state{word: "pending"}, nil}, 7 * time.Second, 7 * time.Second, nil},
		"of failing":     {moment{0, state{}, errPasses}, time.Minute, time.Minute, errPasses},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tc.context)
				defer cancel()
				_, err := newWorld(tc.timeline).watch().Run(ctx)
				var timeout *watch.TimeoutError
				require.ErrorAs(t, err, &timeout)
				require.Equal(t, tc.waited, timeout.Waited)
				require.Equal(t, tc.last, timeout.LastErr)
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		})
	}
	inVirtualTime(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := newWorld(moment{0, state{word: "pending"}, nil}).watch().Run(ctx)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// A poll that hangs is given up, and is no reason to end.
func TestPollThatHangs(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		w := newWorld(moment{0, state{word: "pending"}, nil}, moment{30 * time.Second, state{word: "ready"}, nil})
		watched := w.watch()
		watched.Poll = func(ctx context.Context) (state, error) {
			if len(w.polls) == 1 {
				<-ctx.Done()
				_, _ = w.poll(ctx)
				return state{}, ctx.Err()
			}
			return w.poll(ctx)
		}
		_, err := watched.Run(t.Context())
		require.NoError(t, err)
		require.Less(t, time.Since(w.start), 33*time.Second)
	})
}

// Polls become less frequent, those that fail even more so, and an observer
// receives the pause that follows.
func TestPauses(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		w := newWorld(moment{0, state{word: "pending"}, nil}, moment{5 * time.Minute, state{word: "ready"}, nil})
		_, err := w.watch().Run(t.Context())
		require.NoError(t, err)
		require.Less(t, w.polls[1], 350*time.Millisecond)
		for i := range w.polls[1:] {
			require.LessOrEqual(t, w.polls[i+1]-w.polls[i], timing.PollMax*6/5)
		}
		require.Less(t, len(w.polls), 200)
	})
	inVirtualTime(t, func(t *testing.T) {
		w := newWorld(moment{0, state{}, errPasses}, moment{5 * time.Minute, state{word: "ready"}, nil})
		watched, heard := w.watch(), &ears{start: time.Now()}
		watched.Observer = heard
		_, err := watched.Run(t.Context())
		require.NoError(t, err)
		require.Less(t, len(w.polls), 30)
		require.Equal(t, w.polls[1:], heard.due)
		require.Equal(t, []string{"ready"}, heard.seen)
	})
}

func TestServerAsksToWait(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		w := newWorld(moment{0, state{}, errPasses}, moment{time.Second, state{word: "ready"}, nil})
		watched := w.watch()
		watched.MayPass = func(error) (bool, time.Duration) { return true, time.Minute }
		_, err := watched.Run(t.Context())
		require.NoError(t, err)
		require.Len(t, w.polls, 2)
		require.GreaterOrEqual(t, w.polls[1], time.Minute)
	})
}

// operations answer the long polls on operations by their ID.
type operations map[string]func(context.Context) watch.End[state]

func (o operations) longPoll() *watch.LongPoll[state] {
	return &watch.LongPoll[state]{
		Operation: func(s state) string { return s.operation },
		Wait:      func(ctx context.Context, id string) watch.End[state] { return o[id](ctx) },
	}
}

func after(d time.Duration, end watch.End[state]) func(context.Context) watch.End[state] {
	return func(ctx context.Context) watch.End[state] {
		select {
		case <-time.After(d):
			return end
		case <-ctx.Done():
			return watch.End[state]{}
		}
	}
}

func TestLongPoll(t *testing.T) {
	t.Parallel()
	pending := state{word: "pending", operation: "a"}
	errOperation := errors.New("out of quota")
	for name, tc := range map[string]struct {
		operations  operations
		timeline    []moment
		listens     bool
		err         error
		least, most time.Duration
		polls       int // at most
	}{
		"brings the end": {
			operations: operations{"a": after(7*time.Second, watch.End[state]{Known: true, Seen: state{word: "ready"}})},
			timeline:   []moment{{0, pending, nil}}, least: 7 * time.Second, most: 7 * time.Second, polls: 1,
		},
		"brings the end beside slow polls": {
			operations: operations{"a": after(7*time.Second, watch.End[state]{Known: true, Seen: state{word: "ready"}})},
			timeline:   []moment{{0, pending, nil}}, listens: true, least: 7 * time.Second, most: 7 * time.Second, polls: 3,
		},
		"never ends": {
			operations: operations{"a": after(time.Hour, watch.End[state]{})},
			timeline:   []moment{{0, pending, nil}, {2 * time.Minute, state{word: "ready"}, nil}}, least: 2 * time.Minute, most: 156 * time.Second, polls: 8,
		},
		"never ends, and the Service is ready soon": {
			operations: operations{"a": after(time.Hour, watch.End[state]{})},
			timeline:   []moment{{0, pending, nil}, {2 * time.Second, state{word: "ready"}, nil}}, least: 8 * time.Second, most: 12 * time.Second, polls: 2,
		},
		"ends without an observation": {
			operations: operations{"a": after(7*time.Second, watch.End[state]{})},
			timeline:   []moment{{0, pending, nil}, {6 * time.Second, state{word: "ready"}, nil}}, least: 7 * time.Second, most: 7 * time.Second, polls: 2,
		},
		"is of no use": {
			operations: operations{"a": after(0, watch.End[state]{NotAgain: time.Hour})},
			timeline:   []moment{{0, pending, nil}, {20 * time.Second, state{word: "ready", operation: "b"}, nil}}, least: 20 * time.Second, most: 23 * time.Second, polls: 30,
		},
		"is not repeated before the server wants": {
			operations: operations{"a": after(0, watch.End[state]{NotAgain: time.Minute})}, // "b" would panic
			timeline:   []moment{{0, pending, nil}, {time.Second, state{word: "pending", operation: "b"}, nil}, {30 * time.Second, state{word: "ready"}, nil}}, least: 30 * time.Second, most: 33 * time.Second, polls: 40,
		},
		"goes on with the next operation": {
			operations: operations{"a": after(time.Second, watch.End[state]{}), "b": after(time.Minute, watch.End[state]{Known: true, Seen: state{word: "ready"}})},
			timeline:   []moment{{0, pending, nil}, {time.Second, state{word: "pending", operation: "b"}, nil}}, least: 61 * time.Second, most: 61 * time.Second, polls: 6,
		},
		"fails": {
			operations: operations{"a": after(5*time.Second, watch.End[state]{Failure: errOperation})},
			timeline:   []moment{{0, pending, nil}}, err: errOperation, least: 7 * time.Second, most: 7 * time.Second, polls: 10,
		},
		"fails, and a later operation replaces it": {
			operations: operations{"a": after(5*time.Second, watch.End[state]{Failure: errOperation}), "b": after(time.Minute, watch.End[state]{Known: true, Seen: state{word: "ready"}})},
			timeline:   []moment{{0, pending, nil}, {6 * time.Second, state{word: "pending", operation: "b"}, nil}}, least: time.Minute, most: 70 * time.Second, polls: 20,
		},
		"sees a failure, which polls follow": {
			operations: operations{"a": after(time.Hour, watch.End[state]{})},
			timeline:   []moment{{0, state{word: "failing", operation: "a"}, nil}}, err: errFailed, least: 2 * time.Second, most: 2 * time.Second, polls: 10,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				w := newWorld(tc.timeline...)
				watched := w.watch()
				watched.LongPoll = tc.operations.longPoll()
				if tc.listens {
					watched.Observer = &ears{}
				}
				_, err := watched.Run(t.Context())
				waited := time.Since(w.start)
				if tc.err == nil {
					require.NoError(t, err)
				}
				require.ErrorIs(t, err, tc.err)
				require.GreaterOrEqual(t, waited, tc.least)
				require.LessOrEqual(t, waited, tc.most)
				require.LessOrEqual(t, len(w.polls), tc.polls)
			})
		})
	}
}

// After a poll that the server refused for a while, neither the end of an
// operation nor another success makes the watch poll too early.
func TestLongPollThatEndsWhileTheServerAsksToWait(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		w := newWorld(moment{0, state{word: "pending", operation: "a"}, nil}, moment{time.Second, state{}, errPasses}, moment{5 * time.Second, state{word: "ready"}, nil})
		watched := w.watch()
		watched.Observer = &ears{}
		watched.MayPass = func(error) (bool, time.Duration) { return true, time.Minute }
		watched.LongPoll = operations{
			"a": after(4*time.Second, watch.End[state]{Known: true, Seen: state{word: "pending", operation: "b"}}), // a success in between
			"b": after(time.Second, watch.End[state]{}),
		}.longPoll()
		_, err := watched.Run(t.Context())
		require.NoError(t, err)
		require.Len(t, w.polls, 3)
		require.GreaterOrEqual(t, w.polls[2]-w.polls[1], time.Minute)
	})
}

// A slow response shows how things were when it was asked for. It does not prove
// that a failure lasted.
func TestSlowResponseWithinTheFailureWindow(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		w := newWorld(moment{0, state{word: "failing"}, nil}, moment{time.Second, state{word: "pending"}, nil}, moment{30 * time.Second, state{word: "ready"}, nil})
		x := w.watch()
		x.Poll = func(ctx context.Context) (state, error) {
			seen, err := w.poll(ctx)
			if len(w.polls) == 2 {
				time.Sleep(10 * time.Second)
			}
			return seen, err
		}
		last, err := x.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, "ready", last.word)
		require.Less(t, w.polls[1], time.Second, "the second poll is asked for while it fails")
	})
}
