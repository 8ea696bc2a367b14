package throttle_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/throttle"
)

// quota is a server's way to count requests. It reports whether it admits one, and the delay that it asks for otherwise.
type quota func(now time.Time) (ok bool, after time.Duration)

// window admits a number of requests in each window of time.
func window(requests int, length, after time.Duration) quota {
	var began time.Time
	count := 0
	return func(now time.Time) (bool, time.Duration) {
		if w := now.Truncate(length); !w.Equal(began) {
			began, count = w, 0
		}
		count++
		return count <= requests, after
	}
}

// bucket admits a rate, and a burst after a pause.
func bucket(perSecond, burst float64, after time.Duration) quota {
	tokens, last := burst, time.Time{}
	return func(now time.Time) (bool, time.Duration) {
		if !last.IsZero() {
			tokens = min(burst, tokens+perSecond*now.Sub(last).Seconds())
		}
		last = now
		if tokens < 1 {
			return false, after
		}
		tokens--
		return true, 0
	}
}

// world is a server with a quota, and what it has counted.
type world struct {
	mu                sync.Mutex
	quota             quota
	latency           time.Duration
	jitter            time.Duration
	admitted, refused int
}

func (w *world) send() (refused bool, after time.Duration) {
	half := w.latency / 2
	if w.jitter > 0 {
		half += rand.N(w.jitter)
	}
	time.Sleep(half)
	w.mu.Lock()
	ok, after := w.quota(time.Now())
	if ok {
		w.admitted++
	} else {
		w.refused++
	}
	w.mu.Unlock()
	time.Sleep(w.latency / 2)
	return !ok, after
}

// counts returns what was counted, and starts over.
func (w *world) counts() (admitted, refused int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	admitted, refused, w.admitted, w.refused = w.admitted, w.refused, 0, 0
	return admitted, refused
}

// load keeps requests waiting at a limiter until the context ends.
func (w *world) load(ctx context.Context, l *throttle.Limiter, workers int) *sync.WaitGroup {
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for {
				answered, err := l.Wait(ctx)
				if err != nil {
					return
				}
				answered(w.send())
			}
		})
	}
	return &group
}

// Whatever the server counts with, the limiter uses the quota up and is refused little.
func TestLimiterFindsTheQuota(t *testing.T) {
	t.Parallel()
	const latency = 40 * time.Millisecond
	for name, tc := range map[string]struct {
		quota     func() quota
		perSecond float64
		learning  time.Duration // how long it may take
		jitter    time.Duration
		least     float64 // part of the quota that is used
	}{
		"10 a second":                      {func() quota { return window(10, time.Second, 0) }, 10, 0, 0, 0.93},
		"10 a second, asks for a second":   {func() quota { return window(10, time.Second, time.Second) }, 10, 0, 0, 0.93},
		"50 a second":                      {func() quota { return window(50, time.Second, 0) }, 50, 10 * time.Second, 0, 0.93},
		"50 a second, jitter":              {func() quota { return window(50, time.Second, 0) }, 50, 10 * time.Second, 30 * time.Millisecond, 0.95},
		"a bucket":                         {func() quota { return bucket(10, 10, 0) }, 10, 10 * time.Second, 0, 0.93},
		"a bucket, jitter":                 {func() quota { return bucket(10, 10, time.Second) }, 10, 10 * time.Second, 30 * time.Millisecond, 0.95},
		"a bucket of one":                  {func() quota { return bucket(10, 1, 0) }, 10, 10 * time.Second, 0, 0.93},
		"a large bucket":                   {func() quota { return bucket(20, 1000, 0) }, 20, time.Minute, 0, 0.95},
		"slow":                             {func() quota { return window(1, time.Second, 0) }, 1, time.Minute, 0, 0.9},
		"180 a minute":                     {func() quota { return window(180, time.Minute, 0) }, 3, 5 * time.Minute, 0, 0.93},
		"180 a minute, asks for 5 seconds": {func() quota { return window(180, time.Minute, 5*time.Second) }, 3, 5 * time.Minute, 0, 0.93},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				w := &world{quota: tc.quota(), latency: latency, jitter: tc.jitter}
				l := throttle.New(10)
				group := w.load(ctx, l, 40)
				time.Sleep(tc.learning)
				_, early := w.counts()
				const minutes = 10
				time.Sleep(minutes * time.Minute)
				admitted, refused := w.counts()
				cancel()
				group.Wait()
				used, part := float64(admitted)/(tc.perSecond*minutes*60), float64(refused)/float64(admitted+refused)
				t.Logf("%.1f %% used, %.2f %% refused, %d refused before, rate %.2f", 100*used, 100*part, early, l.Rate())
				require.GreaterOrEqual(t, used, tc.least)
				require.LessOrEqual(t, part, max(0.02, 0.03/tc.perSecond)) // one in half a minute
				require.LessOrEqual(t, early, 100)
			})
		})
	}
}

// A quota that changes is found again.
func TestLimiterFollowsTheQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := &world{quota: window(10, time.Second, 0), latency: 40 * time.Millisecond}
		group := w.load(ctx, throttle.New(10), 40)
		for _, perSecond := range []int{10, 40, 5} {
			w.mu.Lock()
			w.quota = window(perSecond, time.Second, 0)
			w.mu.Unlock()
			time.Sleep(3 * time.Minute)
			w.counts()
			time.Sleep(time.Minute)
			admitted, refused := w.counts()
			t.Logf("%d: %d admitted, %d refused", perSecond, admitted, refused)
			require.GreaterOrEqual(t, admitted, perSecond*60*93/100)
			require.LessOrEqual(t, refused, admitted/50)
		}
		cancel()
		group.Wait()
	})
}

// Requests that come seldom neither wait nor make the limiter forget.
func TestLimiterWithoutLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{quota: window(10, time.Second, 0)}
		l := throttle.New(10)
		ctx, cancel := context.WithCancel(t.Context())
		group := w.load(ctx, l, 40)
		time.Sleep(time.Minute)
		cancel()
		group.Wait()
		learned := l.Rate()
		require.InDelta(t, 10, learned, 0.5)
		for range 100 {
			time.Sleep(time.Minute)
			began := time.Now()
			answered, err := l.Wait(t.Context())
			require.NoError(t, err)
			require.Zero(t, time.Since(began))
			answered(false, 0)
		}
		w.counts()
		ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		w.load(ctx, l, 40).Wait()
		_, refused := w.counts()
		require.LessOrEqual(t, refused, 2, "it remembers the rate")
	})
}

// A context ends the wait in each of its forms, and does not stop the others.
func TestLimiterHonorsContexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := throttle.New(10)
		answered, err := l.Wait(t.Context())
		require.NoError(t, err)
		answered(true, time.Minute)
		for range 3 { // one in the pause, two in the line
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := l.Wait(ctx)
				if err == nil {
					t.Error("the pause was ignored")
				}
			}()
		}
		time.Sleep(2 * time.Second)
		began := time.Now()
		answered, err = l.Wait(t.Context())
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(began), 58*time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = l.Wait(ctx)
		require.Error(t, err, "a request after a pause is answered before the next is sent")
		answered(false, 0)
		answered, err = l.Wait(t.Context())
		require.NoError(t, err)
		answered(false, 0)
	})
}

// A probe whose answer takes long, as that of a long poll, does not hold the others up.
func TestLimiterDoesNotAwaitLongPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := throttle.New(10)
		refused, err := l.Wait(t.Context())
		require.NoError(t, err)
		refused(true, 0)
		late, err := l.Wait(t.Context())
		require.NoError(t, err)
		began := time.Now()
		for range 20 {
			answered, err := l.Wait(t.Context())
			require.NoError(t, err)
			answered(false, 0)
		}
		require.Less(t, time.Since(began), 10*time.Second)
		late(true, 0)
		began = time.Now()
		answered, err := l.Wait(t.Context())
		require.NoError(t, err)
		require.NotZero(t, time.Since(began), "its refusal counts")
		answered(false, 0)
	})
}

// A server cannot stop a limiter for longer than a call is retried.
func TestLimiterBoundsThePause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := throttle.New(10)
		answered, err := l.Wait(t.Context())
		require.NoError(t, err)
		answered(true, 24*time.Hour)
		began := time.Now()
		_, err = l.Wait(t.Context())
		require.NoError(t, err)
		require.Less(t, time.Since(began), 5*time.Minute)
	})
}
