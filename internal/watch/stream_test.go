package watch_test

import (
	"context"
	"iter"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/watch"
)

// reported is what a stream yields at a time after its start; an error ends it.
type reported struct {
	at     time.Duration
	state  state
	err    error
	behind chan struct{} // nothing is yielded before it is closed, and times count from then
}

// streams are the streams of a watch, one after the other. The last one repeats.
type streams struct {
	world  *world
	all    [][]reported
	lasts  time.Duration   // how long each stream goes on after the last report
	begins []time.Duration // when each began
	ended  int             // how many have ended
}

func (s *streams) stream() *watch.Stream[state] {
	return &watch.Stream[state]{
		Version: func(seen state) string {
			if seen.of == 0 {
				return ""
			}
			return strconv.FormatInt(seen.of, 10)
		},
		Follow: func(ctx context.Context, from state) iter.Seq2[state, error] {
			this := s.all[min(len(s.begins), len(s.all)-1)]
			s.begins = append(s.begins, time.Since(s.world.start))
			return func(yield func(state, error) bool) {
				defer func() { s.ended++ }()
				s.follow(ctx, from, this, yield)
			}
		},
	}
}

func (s *streams) follow(ctx context.Context, from state, this []reported, yield func(state, error) bool) {
	start := time.Now()
	for _, r := range this {
		if r.behind != nil {
			<-r.behind
			start = time.Now()
			continue
		}
		select {
		case <-time.After(r.at - time.Since(start)):
		case <-ctx.Done():
			return
		}
		if r.state.word == "from" {
			r.state = from
		}
		if !yield(r.state, r.err) || r.err != nil {
			return
		}
	}
	select {
	case <-time.After(s.lasts):
	case <-ctx.Done():
	}
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// at returns a moment at which polls find a state.
func at(n float64, word string, version int64) moment {
	return moment{seconds(n), state{word: word, of: version}, nil}
}

// tells returns the report of a state.
func tells(n float64, word string, version int64) reported {
	return reported{at: seconds(n), state: state{word: word, of: version}}
}

var (
	from   = reported{state: state{word: "from"}}
	silent = []reported(nil)
)

func TestStream(t *testing.T) {
	t.Parallel()
	breaks := func(n float64, err error) reported { return reported{at: seconds(n), err: err} }
	for name, tc := range map[string]struct {
		timeline    []moment
		streams     [][]reported
		lasts       time.Duration // 0: for ever
		err         error
		least, most float64 // seconds
		polls       int     // at most
		began       int     // how many streams; at most
	}{
		"brings the end": {
			timeline: []moment{at(0, "pending", 1), at(60, "ready", 2)},
			streams:  [][]reported{{from, tells(60, "ready", 2)}}, least: 60, most: 60, polls: 21, began: 1,
		},
		"brings changes, and the polls become rare": {
			timeline: []moment{at(0, "pending", 1), at(1, "pending", 2), at(300, "ready", 3)},
			streams:  [][]reported{{from, tells(1, "pending", 2), tells(300, "ready", 3)}}, least: 300, most: 300, polls: 17, began: 1,
		},
		"brings an end that another took": {
			timeline: []moment{at(0, "pending", 1)},
			streams:  [][]reported{{from, tells(7, "other", 2)}}, err: errOther, least: 7, most: 7, polls: 4, began: 1,
		},
		"is held up from the start": {
			timeline: []moment{at(0, "pending", 1), at(20, "ready", 2)},
			streams:  [][]reported{silent}, least: 20, most: 22.5, polls: 20, began: 1,
		},
		"is held up after its start": {
			timeline: []moment{at(0, "pending", 1), at(20, "ready", 2)},
			streams:  [][]reported{{from}}, least: 20, most: 23, polls: 9, began: 1,
		},
		"is held up after a change": {
			timeline: []moment{at(0, "pending", 1), at(1, "pending", 2), at(20, "ready", 3)},
			streams:  [][]reported{{from, tells(1, "pending", 2)}}, least: 20, most: 56, polls: 5, began: 1,
		},
		"is behind two polls, and begins again": {
			timeline: []moment{at(0, "pending", 1), at(10, "pending", 2), at(60, "ready", 3)},
			streams:  [][]reported{{from}, {from, tells(0, "pending", 2), tells(48, "ready", 3)}}, least: 60, most: 63, polls: 16, began: 3,
		},
		"ends after some minutes, and goes on": {
			timeline: []moment{at(0, "pending", 1), at(590, "ready", 2)},
			streams:  [][]reported{{from}}, lasts: 5 * time.Minute, least: 590, most: 593, polls: 205, began: 3,
		},
		"ends at once, five times": {
			timeline: []moment{at(0, "pending", 1), at(300, "ready", 2)},
			streams:  [][]reported{silent}, lasts: time.Nanosecond, least: 300, most: 303, polls: 180, began: 5,
		},
		"breaks at once, five times": {
			timeline: []moment{at(0, "pending", 1), at(300, "ready", 2)},
			streams:  [][]reported{{breaks(0, errPasses)}}, least: 300, most: 303, polls: 180, began: 5,
		},
		"breaks after a while, again and again": {
			timeline: []moment{at(0, "pending", 1), at(60, "ready", 2)},
			streams:  [][]reported{{from, breaks(6, errPasses)}}, least: 60, most: 63, polls: 60, began: 9,
		},
		"four brief ones before one that lasts": {
			timeline: []moment{at(0, "pending", 1), at(300, "ready", 2)},
			streams:  [][]reported{silent, {breaks(0, errPasses)}, {breaks(4, errPasses)}, {from, breaks(4, errPasses)}, {from, tells(10, "pending", 9), breaks(20, errPasses)}, {breaks(0, errPasses)}},
			lasts:    time.Nanosecond, least: 300, most: 303, polls: 180, began: 10,
		},
		"is not possible": {
			timeline: []moment{at(0, "pending", 1), at(60, "ready", 2)},
			streams:  [][]reported{{breaks(0, errFinal)}}, least: 60, most: 63, polls: 45, began: 1,
		},
		"is not possible any more": {
			timeline: []moment{at(0, "pending", 1), at(1, "pending", 2), at(60, "ready", 3)},
			streams:  [][]reported{{from, tells(1, "pending", 2), breaks(30, errFinal)}}, least: 60, most: 63, polls: 40, began: 1,
		},
		"has no version to begin with": {
			timeline: []moment{at(0, "pending", 0), at(60, "ready", 0)},
			streams:  [][]reported{silent}, least: 60, most: 63, polls: 45, began: 0,
		},
		"brings a failure, which a poll confirms": {
			timeline: []moment{at(0, "pending", 1), at(5, "failing", 2)},
			streams:  [][]reported{{from, tells(5, "failing", 2), tells(6, "failing", 2)}}, err: errFailed, least: 7, most: 7, polls: 13, began: 1,
		},
		"brings a failure that heals": {
			timeline: []moment{at(0, "pending", 1), at(5, "failing", 2), at(6.9, "pending", 3), at(60, "ready", 4)},
			streams:  [][]reported{{from, tells(5, "failing", 2), tells(6.9, "pending", 3), tells(60, "ready", 4)}}, least: 60, most: 60, polls: 16, began: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				w := newWorld(tc.timeline...)
				s := &streams{world: w, all: tc.streams, lasts: tc.lasts}
				if s.lasts == 0 {
					s.lasts = 24 * time.Hour
				}
				watched, heard := w.watch(), &ears{}
				watched.Stream, watched.Observer = s.stream(), heard
				_, err := watched.Run(t.Context())
				waited := time.Since(w.start)
				if tc.err == nil {
					require.NoError(t, err)
				}
				require.ErrorIs(t, err, tc.err)
				require.GreaterOrEqual(t, waited, seconds(tc.least))
				require.LessOrEqual(t, waited, seconds(tc.most))
				require.LessOrEqual(t, len(w.polls), tc.polls)
				require.LessOrEqual(t, len(s.begins), tc.began)
				require.Equal(t, len(s.begins), s.ended, "no stream outlives the watch")
				require.Empty(t, heard.due, "errors of streams are not reported")
				for i := range s.begins[min(1, len(s.begins)):] {
					require.Greater(t, s.begins[i+1]-s.begins[i], 700*time.Millisecond, "streams begin after a pause")
				}
			})
		})
	}
}

// Streams that end soon begin again after longer and longer pauses.
func TestStreamBacksOff(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		w := newWorld(at(0, "pending", 1), at(300, "ready", 2))
		s := &streams{world: w, all: [][]reported{silent}, lasts: time.Nanosecond}
		watched := w.watch()
		watched.Stream = s.stream()
		_, err := watched.Run(t.Context())
		require.NoError(t, err)
		require.Len(t, s.begins, 5)
		for i, least := range []float64{0.8, 1.6, 3.2, 6.4} {
			require.GreaterOrEqual(t, s.begins[i+1]-s.begins[i], seconds(least))
			require.LessOrEqual(t, s.begins[i+1]-s.begins[i], seconds(2*least+3))
		}
	})
}

// The server may ask to wait before the next stream.
func TestStreamThatTheServerHoldsOff(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		w := newWorld(at(0, "pending", 1), at(300, "ready", 2))
		s := &streams{world: w, all: [][]reported{{{err: errPasses}}, {from, tells(200, "ready", 2)}}, lasts: time.Hour}
		watched := w.watch()
		watched.Stream = s.stream()
		watched.MayPass = func(error) (bool, time.Duration) { return true, time.Minute }
		_, err := watched.Run(t.Context())
		require.NoError(t, err)
		require.Len(t, s.begins, 2)
		require.GreaterOrEqual(t, s.begins[1], time.Minute)
	})
}

// While the server asks to wait, a change waits, too: the judge may ask the server.
func TestStreamWhileTheServerAsksToWait(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		w := newWorld(at(0, "pending", 1), moment{seconds(2), state{}, errPasses}, at(4, "ready", 2))
		s := &streams{world: w, all: [][]reported{{from, tells(5, "ready", 2)}}, lasts: time.Hour}
		watched := w.watch()
		watched.Stream = s.stream()
		watched.MayPass = func(error) (bool, time.Duration) { return true, time.Minute }
		_, err := watched.Run(t.Context())
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(w.start), time.Minute)
	})
}

// A panic in a stream reaches the goroutine of the watch.
func TestStreamThatPanics(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		w := newWorld(at(0, "pending", 1))
		watched := w.watch()
		watched.Stream = (&streams{world: w, all: [][]reported{silent}}).stream()
		watched.Stream.Follow = func(context.Context, state) iter.Seq2[state, error] { panic("a bug") }
		require.PanicsWithValue(t, "a bug", func() { _, _ = watched.Run(t.Context()) })
	})
}

// The end of the context ends the stream.
func TestStreamEndsWithTheWatch(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		w := newWorld(at(0, "pending", 1))
		s := &streams{world: w, all: [][]reported{{from}}, lasts: time.Hour}
		watched := w.watch()
		watched.Stream = s.stream()
		_, err := watched.Run(ctx)
		var timeout *watch.TimeoutError
		require.ErrorAs(t, err, &timeout)
		require.Equal(t, 7*time.Second, timeout.Waited)
		require.Equal(t, 1, s.ended)
	})
}

// A stream that is one poll behind goes on. What it reports until it has caught up
// is past.
func TestStreamBehindAPoll(t *testing.T) {
	t.Parallel()
	late := tells(0, "other", 2) // would end the watch
	for name, reports := range map[string][]reported{
		"catches up at once":      {tells(0, "pending", 3), tells(30, "ready", 4)},
		"catches up in two steps": {late, tells(0, "pending", 3), tells(30, "ready", 4)},
		"repeats itself":          {late, late, tells(0, "pending", 3), tells(0, "pending", 3), tells(30, "ready", 4)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				w := newWorld(at(0, "pending", 1), at(9, "pending", 3))
				s := &streams{world: w, all: [][]reported{append([]reported{from, {behind: make(chan struct{})}}, reports...)}, lasts: time.Hour}
				released := s.all[0][1].behind
				watched := w.watch()
				watched.Stream = s.stream()
				watched.Poll = func(ctx context.Context) (state, error) {
					seen, err := w.poll(ctx)
					if seen.of == 3 && released != nil {
						close(released)
						released = nil
					}
					return seen, err
				}
				last, err := watched.Run(t.Context())
				require.NoError(t, err)
				require.Equal(t, int64(4), last.of)
				require.Len(t, s.begins, 1)
				require.Less(t, time.Since(w.start), 43*time.Second)
			})
		})
	}
}
