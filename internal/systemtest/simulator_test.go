//go:debug randseednop=0
package systemtest

import (
	"flag"
	oldrand "math/rand"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

var (
	simSeedFlag  = flag.Uint64("seed", 0, "the schedule that the simulator runs; 0: many")
	simCountFlag = flag.Int("schedules", 0, "how many schedules the simulator runs; 0: 500, fewer with -short or -race")
	simGoOnFlag  = flag.Bool("go-on", false, "whether the simulators go on after a finding; each is then one line")
)

// TestSimulator runs schedules of faults and concurrent actors. It checks the
// promises of docs/guarantees.md in the server's own history. A schedule takes
// minutes of virtual time, and its seed repeats it exactly. The test is not
// parallel, because the whole process shares the source of the retries' jitter.
func TestSimulator(t *testing.T) {
	first, count := simSeeds()
	calls := map[string]int{}
	for seed := first; seed < first+uint64(count); seed++ {
		s := simulate(t, seed)
		for _, c := range s.calls {
			calls[c.kind+": "+c.verdict()]++
		}
		if problems := s.check(); len(problems) > 0 {
			if s.report(t, problems); !*simGoOnFlag {
				return
			}
		}
		if *simSeedFlag != 0 && testing.Verbose() && count == 1 {
			s.report(t, nil)
		}
	}
	t.Logf("%d schedules, in which calls ended with: %v", count, calls)
}

// simSeeds returns the first seed and the number of seeds that the flags ask for.
func simSeeds() (first uint64, count int) {
	first, count = 1, *simCountFlag
	switch {
	case *simSeedFlag != 0:
		first, count = *simSeedFlag, max(count, 1)
	case count == 0 && (testing.Short() || testkit.UnderRace):
		count = 60
	case count == 0:
		count = 500
	}
	return first, count
}

// simulate runs the schedule of a seed in virtual time.
func simulate(t *testing.T, seed uint64) *sim {
	//lint:ignore SA1019 the backoff package has no other way to make its jitter repeatable
	oldrand.Seed(int64(seed))
	s := &sim{t: t, seed: seed}
	synctest.Test(t, func(*testing.T) { s.play() })
	return s
}

// The same seed gives the same requests at the same times. Otherwise a failure could not be repeated.
func TestSimulatorRepeatsItself(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		first, second := simulate(t, seed).log, simulate(t, seed).log
		slices.Sort(first) // simultaneous requests have no order
		slices.Sort(second)
		require.Equal(t, first, second, "seed %d", seed)
	}
}

// report prints the problems, the calls, and the command that repeats them.
func (s *sim) report(t *testing.T, problems []string) {
	if *simGoOnFlag {
		t.Errorf("seed %d: %q", s.seed, problems)
		return
	}
	if *simSeedFlag != 0 {
		for _, line := range s.log {
			t.Log(line)
		}
		for _, w := range s.writes() {
			t.Logf("%s %s: %s of %.8s, generation %d, revision %q", w.Time.Format("15:04:05.000000"), w.id, w.Kind, w.UID, w.Generation, w.Revision)
		}
		for _, c := range s.calls {
			t.Log(c)
		}
	}
	for _, p := range problems {
		t.Error(p)
	}
	if len(problems) > 0 {
		t.Errorf("repeat it with: go test -run 'TestSimulator$' -v ./internal/systemtest -seed=%d", s.seed)
	}
}
