package rollout_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/rollout"
)

// A check that does not end does not keep the split, even if it ignores its context.
func TestRolloutOfACheckThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		timeout time.Duration
		cancel  time.Duration // of the caller; 0 for never
		deaf    bool          // it ignores its context
		want    string
		is      error
		after   time.Duration
	}{
		"within its time":                     {time.Hour, 0, false, "the check did not end within 1h0m0s (Config.CheckTimeout): context deadline exceeded", context.DeadlineExceeded, time.Hour},
		"by default":                          {0, 0, false, "within 30m0s", context.DeadlineExceeded, rollout.DefaultCheckTimeout},
		"and ignores its time":                {time.Hour, 0, true, "and was abandoned", context.DeadlineExceeded, time.Hour + time.Second},
		"and ignores its time by default":     {0, 0, true, "within 30m0s (Config.CheckTimeout): the check did not return", context.DeadlineExceeded, rollout.DefaultCheckTimeout + time.Second},
		"before the caller gives up":          {0, time.Minute, false, "failed with 5 % of the traffic: context canceled", context.Canceled, time.Minute},
		"and ignores that the caller gave up": {0, time.Minute, true, "the check did not return when its context ended, and was abandoned: context canceled", context.Canceled, time.Minute + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tc.cancel > 0 {
					time.AfterFunc(tc.cancel, cancel)
				}
				never := make(chan struct{})
				defer close(never)
				start := time.Now()
				_, err := rollout.Run(ctx, r.deployer, "hello", rollout.Config{CheckTimeout: tc.timeout, Check: func(ctx context.Context, _ rollout.Candidate) error {
					if tc.deaf {
						<-never
					}
					<-ctx.Done()
					return ctx.Err()
				}})
				require.ErrorContains(t, err, tc.want)
				require.ErrorIs(t, err, tc.is)
				var failed *rollout.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, rollout.Restored, failed.Outcome)
				require.InDelta(t, tc.after, time.Since(start), float64(10*time.Second))
				r.requireTraffic(onlyV1)
			})
		})
	}
}

// A check that fails after its time has ended has failed for its own reason.
func TestRolloutOfACheckThatFailsLate(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{CheckTimeout: time.Minute, Check: func(ctx context.Context, _ rollout.Candidate) error {
			<-ctx.Done()
			return errBad
		}})
		require.ErrorIs(t, err, errBad)
		require.ErrorContains(t, err, "Config.CheckTimeout")
		r.requireTraffic(onlyV1)
	})
}

var errOops = errors.New("oops")

// A check or a handler that panics, or ends its goroutine, does so on the
// goroutine of the caller, after the traffic was restored.
func TestRolloutThatPanics(t *testing.T) {
	t.Parallel()
	for how, end := range map[string]func(){"panics": func() { panic(errOops) }, "exits": runtime.Goexit} {
		always := func(context.Context, rollout.Candidate) error { end(); return nil }
		broken := false
		for name, tc := range map[string]struct {
			check  func(context.Context, rollout.Candidate) error
			handle func(cloudrun.Event)
		}{
			"a check": {check: always},
			"a check that ignores its context": {check: func(ctx context.Context, c rollout.Candidate) error {
				<-ctx.Done()
				time.Sleep(2 * time.Second) // it is abandoned
				return always(ctx, c)
			}},
			"a handler at the check": {handle: func(e cloudrun.Event) {
				if e.Stage == cloudrun.StageCheck {
					end()
				}
			}},
			"a handler ever after": {
				check: func(context.Context, rollout.Candidate) error { return errBad },
				handle: func(e cloudrun.Event) {
					if broken = broken || e.Stage == cloudrun.StageRestore; broken {
						end()
					}
				},
			},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				inVirtualTime(t, func(t *testing.T) {
					r := newStaged(t)
					r.server.Script("hello", cloudruntest.Script{RouteLag: 10 * time.Second}) // going back takes a while
					var opts []cloudrun.CallOption
					if tc.handle != nil {
						opts = append(opts, cloudrun.WithProgress(tc.handle))
					}
					var panicked any
					returned, done := false, make(chan struct{})
					go func() {
						defer close(done)
						defer func() { panicked = recover() }()
						_, _ = rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: tc.check, CheckTimeout: time.Minute}, opts...)
						returned = true
					}()
					<-done
					r.requireTraffic(onlyV1)
					require.False(t, returned)
					require.Equal(t, how == "panics", panicked == errOops) //nolint:errorlint // the very value
				})
			})
		}
	}
}

// A check that panics when the rollout has ended disturbs nobody.
func TestRolloutOfACheckThatPanicsTooLate(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{CheckTimeout: time.Minute, Check: func(context.Context, rollout.Candidate) error {
			time.Sleep(time.Hour)
			panic(errOops)
		}})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		r.requireTraffic(onlyV1)
		time.Sleep(2 * time.Hour)
	})
}

// The stage of a check that panics does not end as done.
func TestRolloutReportsAPanic(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		var last cloudrun.Event
		require.Panics(t, func() {
			_, _ = rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(context.Context, rollout.Candidate) error { panic(errOops) }},
				cloudrun.WithProgress(func(e cloudrun.Event) {
					if e.Stage == cloudrun.StageCheck {
						last = e
					}
				}))
		})
		require.Equal(t, cloudrun.StageFailed, last.Kind)
		require.ErrorContains(t, last.Err, "panicked")
	})
}
