package systemtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// apply plans a deployment, and carries the plan out after a pause in which
// others may change the Service.
func (s *sim) apply(rng *rand.Rand, n int) {
	var plan *cloudrun.Plan
	s.call(rng, "applier", 2*n, "plan", func(ctx context.Context, client *cloudrun.Client, c *simCall) (_ *cloudrun.Result, err error) {
		plan, err = cloudrun.NewDeployer(client).Plan(ctx, "hello", cloudrun.WithImage(testkit.Image), cloudrun.WithEnv("APPLIER", fmt.Sprint(n)))
		return nil, err
	})
	if plan == nil {
		return
	}
	time.Sleep(time.Duration(rng.Int64N(int64(s.pace))))
	s.call(rng, "applier", 2*n+1, "apply", func(ctx context.Context, client *cloudrun.Client, c *simCall) (*cloudrun.Result, error) {
		c.want = fmt.Sprint(n)
		return cloudrun.NewDeployer(client).Apply(ctx, plan, cloudrun.WithProgress(c.event))
	})
}

// remove deletes the Service with the library. Perhaps another one is created
// at once, while the call still waits or tries again.
func (s *sim) remove(rng *rand.Rand, n int) {
	if rng.IntN(2) == 0 {
		delay := time.Duration(rng.Int64N(int64(5 * time.Second)))
		s.actors.Go(func() {
			time.Sleep(delay)
			s.create("recreator")
		})
	}
	s.call(rng, "remover", n, "delete", func(ctx context.Context, client *cloudrun.Client, c *simCall) (*cloudrun.Result, error) {
		return nil, cloudrun.NewDeployer(client).Delete(ctx, "hello", cloudrun.WithProgress(c.event))
	})
}
