package once_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/once"
)

// shows returns reads of which some, by their numbers, show another version; nil
// stands for no object.
func shows(d *doc, reads ...int) func(int) (*doc, error) {
	return func(n int) (*doc, error) {
		for _, stale := range reads {
			switch {
			case n == stale && d == nil:
				return nil, errMissing
			case n == stale:
				return d, nil
			}
		}
		return nil, nil
	}
}

// idempotent returns a writer that adds "mine" unless it is there.
func idempotent(s *server, marked bool) once.Writer[*doc, body] {
	w := writer(s, marked)
	add := w.Compose
	w.Compose = func(ctx context.Context, base *doc) (body, error) {
		if base != nil && strings.Contains(base.text, "mine") {
			return body(base.text), nil
		}
		return add(ctx, base)
	}
	return w
}

// A read that is older than an earlier one, or that does not show an object that
// exists, is repeated. Otherwise the run would believe that its write is there
// already, or that the object was deleted.
func TestRunRepeatsStaleReads(t *testing.T) {
	t.Parallel()
	others := func(s *server, err error) func() error {
		return func() error { s.set("others"); return err }
	}
	for name, tc := range map[string]struct {
		start  []string
		marked bool
		faults func(s *server, w *once.Writer[*doc, body])
		want   string
		writes int
	}{
		"older than the base, with the content": {start: []string{"a+mine", "a"}, faults: func(s *server, _ *once.Writer[*doc, body]) {
			s.before = on(1, others(s, errConflict))
			s.read = shows(s.history[0], 2, 3)
		}, want: "others+mine", writes: 2},
		"older than what the caller knows": {start: []string{"a+mine", "a"}, faults: func(s *server, w *once.Writer[*doc, body]) {
			w.Since = s.now.version
			s.read = shows(s.history[0], 1, 2, 3)
		}, want: "a+mine", writes: 1},
		"of no object, after a lost write": {start: []string{"a"}, marked: true, faults: func(s *server, _ *once.Writer[*doc, body]) {
			s.after = on(1, fails(errLost))
			s.read = shows(nil, 2, 3, 4)
		}, want: "a+mine", writes: 1},
		"of no object, which another created": {marked: true, faults: func(s *server, _ *once.Writer[*doc, body]) {
			s.before = on(1, others(s, errExists))
			s.read = shows(nil, 2, 3, 4)
		}, want: "others+mine", writes: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				for _, text := range tc.start {
					s.set(text)
				}
				w := idempotent(s, tc.marked)
				tc.faults(s, &w)
				done, err := w.Run(t.Context())
				require.NoError(t, err)
				require.True(t, done.Changed)
				require.Equal(t, tc.want, s.now.text)
				require.Equal(t, tc.writes, s.writes)
			})
		})
	}
}

// uncounted is a server of an object without generations, such as an IAM policy.
type uncounted struct{ *server }

func plain(d *doc, err error) (*doc, error) {
	if d == nil {
		return nil, err
	}
	return &doc{d.text, once.Version{Resource: d.version.Resource}}, err
}

func (u uncounted) Read(ctx context.Context) (*doc, error) { return plain(u.server.Read(ctx)) }

func (u uncounted) Replace(ctx context.Context, base *doc, b body) (*doc, error) {
	for _, d := range u.history {
		if d.version.Resource == base.version.Resource {
			base = d
		}
	}
	return plain(u.server.Replace(ctx, base, b))
}

// What a write removes is missing in versions from before it was added, too. If
// nothing else shows which version a read is of, one read is not believed.
func TestRunDoesNotBelieveOneReadWithoutAGeneration(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  func(s *server)
		want   string
		writes int
		err    error
	}{
		"lost":                {fault: func(s *server) { s.before = on(1, fails(errLost)) }, want: "a", writes: 2},
		"lost, with effect":   {fault: func(s *server) { s.after = on(1, fails(errLost)) }, want: "a", writes: 1},
		"refused":             {fault: func(s *server) { s.before = on(1, fails(errRefused)) }, want: "a+theirs", writes: 1, err: errRefused},
		"refused, yet it was": {fault: func(s *server) { s.after = on(1, fails(errRefused)) }, want: "a", writes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				s.set("a")
				s.set("a+theirs")
				s.read = shows(s.history[0], 2)
				tc.fault(s)
				w := writer(s, false)
				w.Store = uncounted{s}
				w.Compose = func(_ context.Context, base *doc) (body, error) {
					return body(strings.ReplaceAll(base.text, "+theirs", "")), nil
				}
				w.Holds = func(_ *doc, _ body, now *doc) bool { return !strings.Contains(now.text, "theirs") }
				done, err := w.Run(t.Context())
				require.Equal(t, tc.want, s.now.text)
				require.Equal(t, tc.writes, s.writes)
				if tc.err == nil {
					require.NoError(t, err)
					require.True(t, done.Changed)
					return
				}
				var failed *once.Failure
				require.ErrorAs(t, err, &failed)
				require.Equal(t, once.NotWritten, failed.Outcome)
				require.ErrorIs(t, err, tc.err)
			})
		})
	}
}

// polite is a server that asks to wait after a refusal.
type polite struct {
	*server
	t         *testing.T
	asked     time.Duration
	notBefore *time.Time
}

func (p polite) answer(d *doc, err error) (*doc, error) {
	if errors.Is(err, errRefused) {
		*p.notBefore = time.Now().Add(p.asked)
	}
	return d, err
}

func (p polite) Read(ctx context.Context) (*doc, error) {
	require.False(p.t, time.Now().Before(*p.notBefore), "it came back too early")
	return p.answer(p.server.Read(ctx))
}

func (p polite) Replace(ctx context.Context, base *doc, b body) (*doc, error) {
	return p.answer(p.server.Replace(ctx, base, b))
}

// A run that gives up waits as long as the server asked before it looks once
// more. It does not look if that is too long.
func TestLastLooksHonorRetryAfter(t *testing.T) {
	t.Parallel()
	conflicts := func(int) error { return errConflict }
	refusedOn := func(number int) func(int) (*doc, error) {
		return func(n int) (*doc, error) { return nil, on(number, fails(errRefused))(n) }
	}
	for name, tc := range map[string]struct {
		asked  time.Duration
		faults func(s *server)
		reads  int
		want   string
	}{
		"of the refusal":            {10 * time.Second, func(s *server) { s.after = on(1, fails(errRefused)) }, 2, "written"},
		"of the first look":         {10 * time.Second, func(s *server) { s.after = on(1, fails(errRefused)); s.read = refusedOn(2) }, 3, "written"},
		"of a look after conflicts": {10 * time.Second, func(s *server) { s.before = conflicts; s.read = refusedOn(4) }, 7, "not written"},
		"of an hour":                {time.Hour, func(s *server) { s.after = on(1, fails(errRefused)) }, 1, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				s.set("a")
				tc.faults(s)
				w := writer(s, true)
				w.Delay = func(error) time.Duration { return tc.asked }
				w.Store = polite{s, t, tc.asked, new(time.Time)}
				_, err := w.Run(t.Context())
				require.Equal(t, tc.reads, s.reads)
				var failed *once.Failure
				if !errors.As(err, &failed) {
					require.NoError(t, err)
					require.Equal(t, tc.want, "written")
					return
				}
				require.Equal(t, tc.want, map[once.Outcome]string{once.NotWritten: "not written", once.Unknown: "unknown"}[failed.Outcome])
			})
		})
	}
}
