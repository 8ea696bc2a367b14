package rollout_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/rollout"
)

const historyAnnotation = "cloudrun-go.github.io/history"

// A rollback goes to the Revision that served before, not to one that was only rolled out for a time.
func TestRollbackGoesToWhatServed(t *testing.T) {
	t.Parallel()
	passes := func(context.Context, rollout.Candidate) error { return nil }
	fails := func(context.Context, rollout.Candidate) error { return errBad }
	run := func(check func(context.Context, rollout.Candidate) error) func(*staged) {
		return func(r *staged) {
			_, _ = rollout.Run(r.Context(), r.deployer, "hello", rollout.Config{Check: check})
		}
	}
	plain := func(r *staged) {
		_, err := r.deployer.Deploy(r.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v3"), cloudrun.ToLatest())
		require.NoError(r, err)
	}
	release := func(r *staged) {
		r.candidate("v3")
		_, err := rollout.Run(r.Context(), r.deployer, "hello", rollout.Config{Check: passes})
		require.NoError(r, err)
	}
	canceled := func(r *staged) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		_, err := rollout.Run(ctx, r.deployer, "hello", rollout.Config{Pause: time.Minute})
		require.ErrorIs(r, err, context.DeadlineExceeded)
	}
	abandoned := func(then func(*staged)) func(*staged) {
		return func(r *staged) {
			_, _ = rollout.Run(r.Context(), r.deployer, "hello", rollout.Config{Steps: []int{5, 100}, Check: func(_ context.Context, c rollout.Candidate) error {
				if c.Percent == 5 {
					then(r)
				}
				return nil
			}})
		}
	}
	for name, tc := range map[string]struct {
		second, third func(*staged)
		want, history string
	}{
		"a check failed":                    {run(fails), plain, "hello-v1", "hello-v2=rejected"},
		"a check failed, then a release":    {run(fails), release, "hello-v1", "hello-v3=served,hello-v1=served,hello-v2=rejected"},
		"the context ended":                 {canceled, plain, "hello-v1", "hello-v2=withdrawn"},
		"it was never rolled out":           {func(*staged) {}, release, "hello-v1", "hello-v3=served,hello-v1=served"},
		"it was released":                   {run(passes), plain, "hello-v2", "hello-v2=served,hello-v1=served"},
		"it was released, and so the third": {run(passes), release, "hello-v2", "hello-v3=served,hello-v2=served,hello-v1=served"},
		"it was aborted": {abandoned(func(r *staged) {
			_, err := rollout.Abort(context.Background(), r.deployer, "hello")
			require.NoError(r, err)
		}), plain, "hello-v1", "hello-v2=rejected"},
		"a rollback ended it": {abandoned(func(r *staged) {
			_, err := r.deployer.Rollback(context.Background(), "hello", cloudrun.RollbackTo("hello-v1"))
			require.NoError(r, err)
		}), plain, "hello-v1", "hello-v1=served,hello-v2=rejected"},
		"others moved the traffic": {abandoned(func(r *staged) {
			_, err := r.deployer.UpdateTraffic(context.Background(), "hello", cloudrun.ToRevision("hello-v1", 100))
			require.NoError(r, err)
		}), plain, "hello-v1", "hello-v2=withdrawn"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				r := newStaged(t)
				tc.second(r)
				time.Sleep(time.Minute)
				tc.third(r)
				require.Equal(t, tc.history, r.service().Annotations[historyAnnotation])
				p, err := r.deployer.Rollback(t.Context(), "hello", cloudrun.DryRun())
				require.NoError(t, err)
				require.Equal(t, tc.want, p.Revision)
			})
		})
	}
}

// A Revision that served before is still one to go back to if another rollout of it ends early.
func TestWithdrawnRevisionHasServed(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = rollout.Run(ctx, r.deployer, "hello", rollout.Config{Revision: "hello-v1", Pause: time.Minute})
		require.Error(t, err)
		require.Equal(t, "hello-v2=served,hello-v1=served", r.service().Annotations[historyAnnotation])
	})
}
