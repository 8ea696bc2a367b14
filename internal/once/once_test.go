package once_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/once"
)

// The errors of the server below, one for each class.
var (
	errRefused  = errors.New("refused")
	errMissing  = errors.New("missing")
	errExists   = errors.New("exists")
	errConflict = errors.New("conflict")
	errLost     = errors.New("lost")
	errUnsent   = errors.New("unsent")
)

func classify(err error) once.Class {
	for class, target := range map[once.Class]error{
		once.Missing: errMissing, once.Exists: errExists, once.Conflict: errConflict, once.Lost: errLost, once.Unsent: errUnsent,
	} {
		if errors.Is(err, target) {
			return class
		}
	}
	return once.Refused
}

// doc is a version of the object: a text that lists who wrote to it.
type doc struct {
	text    string
	version once.Version
}

func (d *doc) Bytes() []byte         { return []byte(d.text) }
func (d *doc) Version() once.Version { return d.version }

type body string

func (b body) Bytes() []byte { return []byte(b) }

// server holds the object. before and after are called around the write with
// that number, and may return an error in place of the answer.
type server struct {
	now           *doc
	history       []*doc
	writes, reads int
	read          func(n int) (*doc, error)
	before, after func(n int) error
}

func (s *server) set(text string) {
	v := once.Version{UID: "uid" + strconv.Itoa(len(s.history)), Generation: 1}
	if s.now != nil {
		v = s.now.version
		v.Generation++
	}
	v.Resource = strconv.Itoa(len(s.history) + 1)
	s.now = &doc{text, v}
	s.history = append(s.history, s.now)
}

func (s *server) Read(context.Context) (*doc, error) {
	s.reads++
	if s.read != nil {
		if d, err := s.read(s.reads); d != nil || err != nil {
			return d, err
		}
	}
	if s.now == nil {
		return nil, errMissing
	}
	return s.now, nil
}

func (s *server) Create(_ context.Context, b body) (*doc, error) {
	return s.write(func() error {
		if s.now != nil {
			return errExists
		}
		return nil
	}, b)
}

func (s *server) Replace(_ context.Context, base *doc, b body) (*doc, error) {
	return s.write(func() error {
		switch {
		case s.now == nil:
			return errMissing
		case s.now.version != base.version:
			return errConflict
		}
		return nil
	}, b)
}

func (s *server) write(check func() error, b body) (*doc, error) {
	s.writes++
	n := s.writes
	if s.before != nil {
		if err := s.before(n); err != nil {
			return nil, err
		}
	}
	if err := check(); err != nil {
		return nil, err
	}
	s.set(string(b))
	answer := s.now
	if s.after != nil {
		if err := s.after(n); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// mark is found in the text of the object, and in what the server remembers.
type mark struct{ server *server }

func (mark) In(b body) bool { return strings.Contains(string(b), "mine") }
func (mark) On(d *doc) bool { return strings.Contains(d.text, "mine") }
func (m mark) Left(context.Context) (bool, error) {
	for _, d := range m.server.history {
		if m.On(d) {
			return true, nil
		}
	}
	return false, nil
}

// on returns a fault that strikes write number n only.
func on(n int, do func() error) func(int) error {
	return func(i int) error {
		if i == n {
			return do()
		}
		return nil
	}
}

func fails(err error) func() error { return func() error { return err } }

// writer appends "mine" to the object.
func writer(s *server, marked bool) once.Writer[*doc, body] {
	w := once.Writer[*doc, body]{
		Store: s, Create: true, Classify: classify,
		Compose: func(_ context.Context, base *doc) (body, error) {
			if base == nil {
				return "mine", nil
			}
			return body(base.text + "+mine"), nil
		},
		Holds: func(_ *doc, _ body, now *doc) bool { return strings.Contains(now.text, "mine") },
	}
	if marked {
		w.Mark = mark{s}
	}
	return w
}

// Whatever becomes of requests and answers, the write takes effect once, and
// the result is true.
func TestRunWritesOnce(t *testing.T) {
	t.Parallel()
	others := func(s *server) func() error {
		return func() error { s.set(s.now.text + "+other"); return errConflict }
	}
	for name, tc := range map[string]struct {
		start   string // the object; empty if it does not exist
		faults  func(s *server)
		want    string
		created bool
		writes  int
	}{
		"a new object":            {want: "mine", created: true, writes: 1},
		"an object":               {start: "a", want: "a+mine", writes: 1},
		"a conflict":              {start: "a", faults: func(s *server) { s.before = on(1, others(s)) }, want: "a+other+mine", writes: 2},
		"a lost request":          {start: "a", faults: func(s *server) { s.before = on(1, fails(errLost)) }, want: "a+mine", writes: 2},
		"a lost answer":           {start: "a", faults: func(s *server) { s.after = on(1, fails(errLost)) }, want: "a+mine", writes: 1},
		"a lost creation":         {faults: func(s *server) { s.before = on(1, fails(errLost)) }, want: "mine", created: true, writes: 2},
		"a lost answer to one":    {faults: func(s *server) { s.after = on(1, fails(errLost)) }, want: "mine", created: true, writes: 1},
		"a race to create":        {faults: func(s *server) { s.before = on(1, func() error { s.set("other"); return nil }) }, want: "other+mine", writes: 2},
		"a repeated write":        {start: "a", faults: func(s *server) { s.after = on(1, fails(errConflict)) }, want: "a+mine", writes: 1},
		"a repeated creation":     {faults: func(s *server) { s.after = on(1, fails(errExists)) }, want: "mine", created: true, writes: 1},
		"a deletion":              {start: "a", faults: func(s *server) { s.before = on(1, func() error { s.now = nil; return nil }) }, want: "mine", created: true, writes: 2},
		"a change since the loss": {start: "a", faults: func(s *server) { s.after = on(1, func() error { s.set(s.now.text + "+other"); return errLost }) }, want: "a+mine+other", writes: 1},
		"a stale read after a loss": {start: "a", faults: func(s *server) {
			s.after = on(1, fails(errLost))
			s.read = func(n int) (*doc, error) {
				if n == 2 {
					return s.history[0], nil
				}
				return nil, nil
			}
		}, want: "a+mine", writes: 2},
		"many lost requests": {start: "a", faults: func(s *server) {
			s.before = func(n int) error {
				if n < 6 {
					return errLost
				}
				return nil
			}
		}, want: "a+mine", writes: 6},
		"the name of what the lost write made": {start: "a", faults: func(s *server) {
			s.after = on(1, fails(errLost))
			s.read = func(n int) (*doc, error) {
				if n == 2 {
					return s.history[0], nil
				}
				return nil, nil
			}
			s.before = on(2, fails(errExists))
		}, want: "a+mine", writes: 2},
	} {
		for _, marked := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/marked=%v", name, marked), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &server{}
					if tc.start != "" {
						s.set(tc.start)
					}
					first := s.now
					if tc.faults != nil {
						tc.faults(s)
					}
					w, err := writer(s, marked).Run(t.Context())
					require.NoError(t, err)
					require.Equal(t, tc.want, s.now.text)
					require.Equal(t, tc.created, w.Created)
					require.True(t, w.Changed)
					require.Equal(t, first, w.First)
					require.Equal(t, tc.writes, s.writes)
				})
			})
		}
	}
}

func TestRunTellsWhatFailed(t *testing.T) {
	t.Parallel()
	composes := func(err error) func(*once.Writer[*doc, body], *server) {
		return func(w *once.Writer[*doc, body], _ *server) {
			w.Compose = func(context.Context, *doc) (body, error) { return "", err }
		}
	}
	for name, tc := range map[string]struct {
		change  func(*once.Writer[*doc, body], *server)
		step    once.Step
		outcome once.Outcome
		err     error
	}{
		"a read": {func(_ *once.Writer[*doc, body], s *server) {
			s.read = func(int) (*doc, error) { return nil, errRefused }
		}, once.StepRead, once.NotWritten, errRefused},
		"an object that is gone":  {func(w *once.Writer[*doc, body], s *server) { s.now, w.Create = nil, false }, once.StepRead, once.NotWritten, errMissing},
		"a composition":           {composes(errRefused), once.StepCompose, once.NotWritten, errRefused},
		"a read of a composition": {composes(&once.StepError{Step: once.StepRead, Err: errRefused}), once.StepRead, once.NotWritten, errRefused},
		"a base that stays old":   {composes(once.ErrReadAgain), once.StepWrite, once.NotWritten, once.ErrReadAgain},
		"a refusal":               {func(_ *once.Writer[*doc, body], s *server) { s.before = func(int) error { return errRefused } }, once.StepWrite, once.NotWritten, errRefused},
		"conflicts without end":   {func(_ *once.Writer[*doc, body], s *server) { s.before = func(int) error { return errConflict } }, once.StepWrite, once.NotWritten, errConflict},
		"losses without end":      {func(_ *once.Writer[*doc, body], s *server) { s.before = func(int) error { return errLost } }, once.StepWrite, once.Unknown, errLost},
		"a loss, then a refusal": {func(_ *once.Writer[*doc, body], s *server) {
			s.before = func(n int) error { return []error{errLost, errRefused}[n-1] }
		}, once.StepWrite, once.Unknown, errRefused},
		"a loss of a dry run": {func(w *once.Writer[*doc, body], s *server) {
			w.DryRun, s.before = true, func(int) error { return errLost }
		}, once.StepWrite, once.NotWritten, errLost},
		"the name of something else": {func(_ *once.Writer[*doc, body], s *server) { s.before = func(int) error { return errExists } }, once.StepWrite, once.NotWritten, errExists},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				s.set("a")
				w := writer(s, true)
				tc.change(&w, s)
				_, err := w.Run(t.Context())
				var failed *once.Failure
				require.ErrorAs(t, err, &failed)
				require.ErrorIs(t, err, tc.err)
				require.Equal(t, tc.step, failed.Step)
				require.Equal(t, tc.outcome, failed.Outcome)
			})
		})
	}
}

// A write that another writer replaced has taken effect.
func TestRunIsOvertaken(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(*server){
		"once":          func(s *server) { s.set("other") },
		"several times": func(s *server) { s.set("other"); s.set("others") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				s.set("a")
				s.after = on(1, func() error { replace(s); return errLost })
				_, err := writer(s, true).Run(t.Context())
				var failed *once.Failure
				var overtaken *once.Overtaken[*doc]
				require.ErrorAs(t, err, &failed)
				require.ErrorAs(t, err, &overtaken)
				require.Equal(t, once.Effective, failed.Outcome)
				require.Equal(t, once.StepConfirm, failed.Step)
				require.Equal(t, int64(2), overtaken.Generation)
				require.Same(t, s.now, overtaken.Now)
				require.Equal(t, 1, s.writes)
			})
		})
	}
}

func TestRunWritesNothingIfNothingChanges(t *testing.T) {
	t.Parallel()
	s := &server{}
	s.set("a")
	w := writer(s, false)
	w.Compose = func(_ context.Context, base *doc) (body, error) { return body(base.text), nil }
	done, err := w.Run(t.Context())
	require.NoError(t, err)
	require.False(t, done.Changed)
	require.Zero(t, s.writes)
	require.Same(t, s.now, done.Doc)
	require.Equal(t, int64(1), done.Generation)
}

// The end of the context ends the pauses. The failure reports what is known by then.
func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault error
		want  once.Outcome
	}{
		"after a loss":     {errLost, once.Unknown},
		"after a conflict": {errConflict, once.Unknown}, // a proxy may have delivered it twice
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				s := &server{}
				s.set("a")
				s.before = func(int) error { cancel(); return tc.fault }
				_, err := writer(s, true).Run(ctx)
				var failed *once.Failure
				require.ErrorAs(t, err, &failed)
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, tc.fault)
				require.Equal(t, tc.want, failed.Outcome)
			})
		})
	}
}

func TestRunIsPatient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set("a")
		s.before = func(n int) error {
			if n < 3 {
				return errRefused
			}
			return nil
		}
		w := writer(s, true)
		w.Patience = []once.Patience{{
			Applies: func(err error) bool { return errors.Is(err, errRefused) },
			Pause:   func(error) time.Duration { return time.Hour },
		}}
		var reported []error
		w.Retrying = func(err error, delay time.Duration) {
			require.Equal(t, time.Hour, delay)
			reported = append(reported, err)
		}
		start := time.Now()
		_, err := w.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2*time.Hour, time.Since(start))
		require.Len(t, reported, 2)
	})
}

// The server's own wish is the least that is waited after a loss.
func TestRunHonorsRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set("a")
		s.before = on(1, fails(errLost))
		w := writer(s, true)
		w.Delay = func(error) time.Duration { return time.Minute }
		start := time.Now()
		_, err := w.Run(t.Context())
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(start), time.Minute)
	})
}

// A successful answer that is not of the object counts as lost, whether the write took effect or not.
func TestRunChecksAnswers(t *testing.T) {
	t.Parallel()
	for name, dryRun := range map[string]bool{"a write": false, "a dry run": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				s.set("a")
				w := writer(s, true)
				w.DryRun = dryRun
				asked := 0
				w.Answers = func(base *doc, b body, answer *doc) error {
					require.Equal(t, "a", base.text)
					require.Equal(t, answer.text, string(b))
					asked++
					return errRefused
				}
				done, err := w.Run(t.Context())
				require.Equal(t, 1, asked)
				require.Equal(t, 1, s.writes)
				if dryRun {
					require.ErrorIs(t, err, errRefused)
					return
				}
				require.NoError(t, err)
				require.Same(t, s.now, done.Doc)
			})
		})
	}
}

// A read of another object is repeated.
func TestRunReadsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set("a")
		s.read = func(n int) (*doc, error) {
			if n < 3 {
				return nil, once.ReadAgain(errRefused)
			}
			return nil, nil
		}
		_, err := writer(s, true).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, s.writes)
		s.read = func(int) (*doc, error) { return nil, once.ReadAgain(errRefused) }
		_, err = writer(s, true).Run(t.Context())
		require.ErrorIs(t, err, errRefused)
	})
}

// A run ends when its caller says so, whatever the kind of the failure. It reports what its writes may have done.
func TestRunEndsWhenItsCallerSaysSo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		faults  func(s *server)
		step    once.Step
		outcome once.Outcome
		writes  int
	}{
		"after reads":       {func(s *server) { s.read = func(int) (*doc, error) { return nil, once.ReadAgain(errRefused) } }, once.StepRead, once.NotWritten, 0},
		"after lost writes": {func(s *server) { s.before = func(int) error { return errLost } }, once.StepWrite, once.Unknown, 2},
		"after conflicts":   {func(s *server) { s.before = func(int) error { return errConflict } }, once.StepWrite, once.NotWritten, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				s.set("a")
				tc.faults(s)
				w, tries := writer(s, true), 0
				w.Ends = func(error) bool { tries++; return tries == 2 }
				_, err := w.Run(t.Context())
				require.Equal(t, tc.writes, s.writes)
				var failed *once.Failure
				require.ErrorAs(t, err, &failed)
				require.Equal(t, tc.step, failed.Step)
				require.Equal(t, tc.outcome, failed.Outcome)
				require.Equal(t, 2, tries)
			})
		})
	}
}
