package pause_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		require.NoError(t, pause.Sleep(t.Context(), time.Minute))
		require.Equal(t, time.Minute, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		require.ErrorIs(t, pause.Sleep(ctx, time.Minute), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
	})
}

// A fleet of clients that got the same Retry-After must not return all at once.
func TestSpread(t *testing.T) {
	t.Parallel()
	for asked, most := range map[time.Duration]time.Duration{
		-time.Second:     0,
		0:                0,
		1:                1,
		time.Second:      2 * time.Second,
		10 * time.Second: 20 * time.Second,
		time.Hour:        time.Hour + 10*time.Second,
	} {
		different := map[time.Duration]bool{}
		for range 200 {
			d := pause.Spread(asked)
			require.GreaterOrEqual(t, d, max(asked, 0))
			require.LessOrEqual(t, d, most)
			different[d] = true
		}
		if asked >= time.Second {
			require.Greater(t, len(different), 100, "of %v", asked)
		}
	}
}

func TestBackOffGrowsWithinItsBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, tries := time.Now(), 0
		b := pause.NewBackOff()
		for mean := 500 * time.Millisecond; ; mean = min(2*mean, pause.MaxInterval) {
			d := b.Next(0)
			if d == pause.Stop {
				break
			}
			require.GreaterOrEqual(t, d, mean/2)
			require.LessOrEqual(t, d, mean+mean/2)
			require.NoError(t, pause.Sleep(t.Context(), d))
			tries++
		}
		require.Greater(t, tries, 7)
		require.LessOrEqual(t, time.Since(start), pause.Budget)
		require.Greater(t, time.Since(start), pause.Budget-45*time.Second)
	})
}

func TestBackOffHonorsTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := pause.NewBackOff()
		require.GreaterOrEqual(t, b.Next(time.Minute), time.Minute)
		require.Less(t, b.Next(0), 2*time.Second, "it asked once")
		require.Equal(t, pause.Stop, b.Next(pause.Budget), "that is past the budget")
		require.NotEqual(t, pause.Stop, b.Next(time.Second))
		require.Equal(t, pause.Stop, b.Next(pause.Budget-time.Minute), "the pauses add up")
		b.Reset()
		require.LessOrEqual(t, b.Next(0), 750*time.Millisecond)
	})
}

// The requests of a call share its allowance.
func TestAllowance(t *testing.T) {
	t.Parallel()
	var a pause.Allowance
	require.Equal(t, pause.Budget, a.Left())
	require.GreaterOrEqual(t, a.BackOff().Next(2*time.Minute), 2*time.Minute)
	require.Equal(t, pause.Stop, a.BackOff().Next(time.Minute))
	a.Spend(time.Minute)
	require.Zero(t, a.Left())
	require.Equal(t, pause.Stop, a.BackOff().Next(0))
}
