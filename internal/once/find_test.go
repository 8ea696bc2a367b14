package once_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/once"
)

// A proxy delivers a write twice and passes on the refusal of the second. The
// object shows what the first one did.
func TestRunLooksAfterARefusal(t *testing.T) {
	t.Parallel()
	refused := func(s *server) { s.after = on(1, fails(errRefused)) }
	for name, tc := range map[string]struct {
		faults  func(s *server, end func())
		created bool
		reads   int
		outcome once.Outcome // unless it succeeds
		err     error
	}{
		"with an effect":             {faults: func(s *server, _ func()) { refused(s) }, reads: 2},
		"a creation with an effect":  {faults: func(s *server, _ func()) { s.now = nil; refused(s) }, created: true, reads: 2},
		"the name of what it made":   {faults: func(s *server, _ func()) { s.after = on(1, fails(errExists)) }, reads: 2},
		"a conflict, then a refusal": {faults: func(s *server, _ func()) { s.before = conflictThenRefusal }, reads: 5, outcome: once.NotWritten, err: errRefused},
		"without an effect":          {faults: func(s *server, _ func()) { s.before = on(1, fails(errRefused)) }, reads: 4, outcome: once.NotWritten, err: errRefused},
		"a creation without one":     {faults: func(s *server, _ func()) { s.now = nil; s.before = on(1, fails(errRefused)) }, reads: 4, outcome: once.NotWritten, err: errRefused},
		"another writer in between":  {faults: func(s *server, _ func()) { s.before = on(1, func() error { s.set("other"); return errRefused }) }, reads: 4, outcome: once.NotWritten, err: errRefused},
		"an object that is gone":     {faults: func(s *server, _ func()) { s.before = on(1, func() error { s.now = nil; return errRefused }) }, reads: 4, outcome: once.Unknown, err: errRefused},
		"another object since": {faults: func(s *server, _ func()) {
			s.after = on(1, func() error { s.now, s.history = nil, s.history[:1]; s.set("other"); return errRefused })
		}, reads: 4, outcome: once.Unknown, err: errRefused},
		"a creation, and another since": {faults: func(s *server, _ func()) {
			s.now, s.history = nil, nil
			s.after = on(1, func() error { s.now, s.history = nil, s.history[:0]; s.set("other"); return errRefused })
		}, reads: 4, outcome: once.Unknown, err: errRefused},
		"a creation, and another's": {faults: func(s *server, _ func()) {
			s.now, s.history = nil, nil
			s.before = on(1, func() error { s.set("other"); return errRefused })
		}, reads: 4, outcome: once.Unknown, err: errRefused},
		"the end of the context":                     {faults: func(s *server, end func()) { s.after = on(1, func() error { end(); return errRefused }) }, reads: 1, outcome: once.Unknown, err: errRefused},
		"a read that fails":                          {faults: func(s *server, _ func()) { refused(s); s.read = failsAfter(1, errRefused) }, reads: 3, outcome: once.Unknown, err: errRefused},
		"a read that is out of date":                 {faults: func(s *server, _ func()) { s.set("b"); refused(s); s.read = showsFirst(s) }, reads: 3, outcome: once.Unknown, err: errRefused},
		"an effect that two looks do not show":       {faults: func(s *server, _ func()) { refused(s); s.read = ends(s, errStale, errStale) }, reads: 4},
		"a look that fails, and a stale one":         {faults: func(s *server, _ func()) { refused(s); s.read = ends(s, errRefused, errStale) }, reads: 4},
		"stale looks, and one that fails in between": {faults: func(s *server, _ func()) { refused(s); s.read = ends(s, errStale, errRefused, errStale) }, reads: 5},
		"a look at another object, and a stale one":  {faults: func(s *server, _ func()) { refused(s); s.read = ends(s, once.ReadAgain(errRefused), errStale) }, reads: 4},
		"no effect, and a look that fails": {faults: func(s *server, _ func()) {
			s.before = on(1, fails(errRefused))
			s.read = ends(s, nil, errRefused)
		}, reads: 5, outcome: once.NotWritten, err: errRefused},
		"no effect, and too many looks that fail": {faults: func(s *server, _ func()) {
			s.before = on(1, fails(errRefused))
			s.read = ends(s, errRefused, nil, nil, errRefused)
		}, reads: 5, outcome: once.Unknown, err: errRefused},
		"replaced by another":         {faults: func(s *server, _ func()) { s.after = on(1, func() error { s.set("other"); return errRefused }) }, reads: 3, outcome: once.Effective},
		"a request that was not sent": {faults: func(s *server, _ func()) { s.before = on(1, fails(errUnsent)) }, reads: 1, outcome: once.NotWritten, err: errUnsent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s := &server{}
				s.set("a")
				tc.faults(s, cancel)
				w, err := writer(s, true).Run(ctx)
				require.Equal(t, tc.reads, s.reads)
				if tc.outcome == once.NotWritten && tc.err == nil {
					require.NoError(t, err)
					require.Equal(t, tc.created, w.Created)
					require.True(t, w.Changed)
					require.Equal(t, 1, s.writes)
					return
				}
				var failed *once.Failure
				require.ErrorAs(t, err, &failed)
				require.Equal(t, tc.outcome, failed.Outcome)
				if tc.err != nil {
					require.ErrorIs(t, err, tc.err)
					require.Equal(t, once.StepWrite, failed.Step)
				}
			})
		})
	}
}

func conflictThenRefusal(n int) error { return []error{errConflict, errRefused}[n-1] }

// failsAfter returns reads of which only the first ones succeed.
func failsAfter(reads int, err error) func(int) (*doc, error) {
	return func(n int) (*doc, error) {
		if n <= reads {
			return nil, nil
		}
		return nil, err
	}
}

// errStale stands for a read that shows the oldest version.
var errStale = errors.New("stale")

// ends returns reads of which those after the first end in turn with an error, or with a stale version.
func ends(s *server, each ...error) func(int) (*doc, error) {
	return func(n int) (*doc, error) {
		switch i := n - 2; {
		case i < 0 || i >= len(each) || each[i] == nil:
			return nil, nil
		case each[i] == errStale: //nolint:errorlint // it is a mark
			return s.history[0], nil
		default:
			return nil, each[i]
		}
	}
}

// showsFirst returns reads of which all but the first show the oldest version.
func showsFirst(s *server) func(int) (*doc, error) {
	return func(n int) (*doc, error) {
		if n == 1 {
			return nil, nil
		}
		return s.history[0], nil
	}
}
