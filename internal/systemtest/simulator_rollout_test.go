package systemtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	oldrand "math/rand"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
	"github.com/cloudrun-go/cloudrun/rollout"
)

// simRelease is a schedule with one rollout, which its check, the network, its
// context or other actors may end.
type simRelease struct {
	*sim
	moved     bool // another writer moved the traffic
	recreated bool // the Service was deleted and created again
	result    *rollout.Result
	err       error
}

var errSimBad = errors.New("too many errors")

var simReleaseBefore = rollout.Split{"hello-v1": 90, cloudrun.Latest: 10}

// TestRolloutSimulator runs schedules of rollouts, and checks that each one
// reports the split that it leaves.
func TestRolloutSimulator(t *testing.T) {
	first, count := simSeeds()
	ends := map[string]int{}
	for seed := first; seed < first+uint64(count); seed++ {
		//lint:ignore SA1019 the backoff package has no other way to make its jitter repeatable
		oldrand.Seed(int64(seed))
		r := &simRelease{sim: &sim{t: t, seed: seed}}
		var problems []string
		synctest.Test(t, func(*testing.T) { problems = r.play() })
		if len(problems) > 0 && *simGoOnFlag {
			r.report(t, problems)
			continue
		}
		if len(problems) > 0 || *simSeedFlag != 0 && count == 1 {
			r.report(t, nil)
		}
		for _, p := range problems {
			t.Error(p)
		}
		if len(problems) > 0 {
			t.Fatalf("the rollout ended with: %v\nrepeat it with: go test -run TestRolloutSimulator -v ./internal/systemtest -seed=%d", r.err, seed)
		}
		ends[r.end()]++
	}
	t.Logf("%d schedules, in which rollouts ended with: %v", count, ends)
}

// end returns a word for how the rollout ended.
func (r *simRelease) end() string {
	var failed *rollout.Error
	switch {
	case r.err == nil && r.result.Candidate.Percent == 100:
		return "success"
	case r.err == nil:
		return fmt.Sprintf("success with %d %%", r.result.Candidate.Percent)
	case errors.As(r.err, &failed):
		return string(failed.Outcome)
	}
	return "not begun at all"
}

func (r *simRelease) play() (problems []string) {
	rng := r.random("rollout")
	if r.cluster = simMay(rng, simCluster, 5); r.cluster {
		r.open(cloudruntest.Cluster())
	} else {
		r.open()
	}
	defer r.server.Close()
	r.exists, r.pace = true, 20*time.Second
	r.rate = []float64{0, 0.1, 0.3, 0.6}[rng.IntN(4)]
	r.stage()
	r.server.Script("hello", cloudruntest.Script{RouteLag: time.Duration(rng.IntN(2_000)) * time.Millisecond, ObservedLag: time.Duration(rng.IntN(800)) * time.Millisecond})
	r.start("releaser", 1, r.release)
	if simMay(rng, simRecreated, 10) {
		r.recreated = true
		r.start("recreator", 1, r.recreate)
	}
	r.start("console-0", rng.IntN(3), func(rng *rand.Rand, n int) { r.console(rng, 0, n) })
	if rng.IntN(4) == 0 {
		r.moved = true
		r.start("mover", 1+rng.IntN(2), r.move)
	}
	if r.cluster && simMay(rng, simRestarts, 2) {
		r.start("restarter", 1+rng.IntN(2), r.restart)
	}
	r.actors.Wait()
	r.late.Wait()
	r.checkGoroutines()
	problems = append(problems, r.leaks...)
	for _, p := range r.calls[0].problems {
		if !strings.HasPrefix(p, "came back") { // the return to the previous split does not wait for the Retry-After of the failed write
			problems = append(problems, p)
		}
	}
	return append(problems, r.check()...)
}

// stage makes a Service with two Revisions. The rollout sends all traffic to the second.
func (r *simRelease) stage() {
	client, err := r.client(r.server.Client().Transport)
	if err == nil {
		_, err = cloudrun.NewDeployer(client).Deploy(context.Background(), "hello", cloudrun.WithImage(testkit.Image), cloudrun.WithRevisionSuffix("v1"))
	}
	if err == nil {
		_, err = cloudrun.NewDeployer(client).Deploy(context.Background(), "hello", cloudrun.WithImage(testkit.Image), cloudrun.WithRevisionSuffix("v2"), cloudrun.WithNoTraffic())
	}
	if err == nil {
		_, err = cloudrun.NewDeployer(client).UpdateTraffic(context.Background(), "hello", cloudrun.ToRevision("hello-v1", 90), cloudrun.ToRevision(cloudrun.Latest, 10))
	}
	if err != nil {
		r.t.Error(err)
	}
	r.server.ResetHistory()
}

func (r *simRelease) release(rng *rand.Rand, n int) {
	r.call(rng, "releaser", n, "rollout", func(ctx context.Context, client *cloudrun.Client, c *simCall) (*cloudrun.Result, error) {
		c.faulty = 1 + rng.IntN(40)
		if c.outage > 0 {
			c.outage = 1 + rng.IntN(20)
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		if rng.IntN(3) == 0 {
			time.AfterFunc(time.Duration(rng.IntN(40_000))*time.Millisecond+simLatency(rng), cancel)
		}
		bad := rng.IntN(12)
		how := rollout.Config{Revision: "hello-v2", Pause: time.Duration(rng.IntN(5_000)) * time.Millisecond, Steps: []int{20, 50, 100}}
		how.Check = func(context.Context, rollout.Candidate) error {
			if bad--; bad < 0 {
				return errSimBad
			}
			return nil
		}
		r.result, r.err = rollout.Run(ctx, cloudrun.NewDeployer(client), "hello", how, cloudrun.WithProgress(c.event))
		return nil, r.err
	})
}

// check compares the Service with what the rollout reported.
func (r *simRelease) check() (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	left, annotated := r.split()
	back := r.isBefore(left)
	var call *cloudrun.DeployError
	var failed *rollout.Error
	switch {
	case r.recreated:
		if whole := left[cloudrun.Latest] == 100; annotated || !whole && !r.moved {
			wrong("the Service is another one, but the traffic is %v, annotation: %v", left, annotated)
		}
		return problems
	case r.moved:
		if annotated && r.err == nil {
			wrong("success, but the annotation is left beside %v", left)
		}
		return problems
	case r.err == nil && (annotated || left["hello-v2"]+left[cloudrun.Latest] != 100):
		wrong("success, but the traffic is %v, annotation: %v", left, annotated)
	case r.err != nil && !errors.As(r.err, &call):
		wrong("an error of another type")
	case r.err == nil:
		return problems
	}
	outcome := rollout.NotBegun
	if errors.As(r.err, &failed) {
		outcome = failed.Outcome
	}
	switch outcome {
	case rollout.NotBegun, rollout.Restored:
		if annotated || !back {
			wrong("%s, but the traffic is %v, annotation: %v", outcome, left, annotated)
		}
	case rollout.Overridden:
		wrong("overridden, but nobody else moved the traffic")
	default:
		// The annotation may stay beside the previous split: it keeps a late write out.
		if !annotated && !back && left["hello-v2"]+left[cloudrun.Latest] != 100 {
			wrong("%s: the traffic is %v, annotation: %v", outcome, left, annotated)
		}
		r.abort(wrong)
	}
	return problems
}

// abort ends the rollout as its error advises.
func (r *simRelease) abort(wrong func(string, ...any)) {
	client, err := r.client(r.server.Client().Transport)
	if err == nil {
		_, err = rollout.Abort(context.Background(), cloudrun.NewDeployer(client), "hello")
	}
	if err != nil {
		wrong("it cannot be aborted: %v", err)
	}
	if left, annotated := r.split(); annotated || !r.isBefore(left) && left["hello-v2"]+left[cloudrun.Latest] != 100 {
		wrong("after Abort the traffic is %v, annotation: %v", left, annotated)
	}
}

// isBefore reports whether a split is the one before the rollout. If there was a
// deployment since, LATEST is replaced by the Revision that it meant.
func (r *simRelease) isBefore(split rollout.Split) bool {
	return maps.Equal(split, simReleaseBefore) || maps.Equal(split, rollout.Split{"hello-v1": 90, "hello-v2": 10})
}

func (r *simRelease) split() (rollout.Split, bool) {
	raw, _ := r.server.Service("demo", "hello")
	var s servingv1.Service
	if err := json.Unmarshal(raw, &s); err != nil {
		r.t.Error(err)
	}
	split := rollout.Split{}
	for _, t := range s.Spec.Traffic {
		key := t.RevisionName
		if t.LatestRevision != nil && *t.LatestRevision {
			key = cloudrun.Latest
		}
		if t.Percent != nil && *t.Percent > 0 {
			split[key] += *t.Percent
		}
	}
	return split, s.Annotations["cloudrun-go.github.io/rollout"] != ""
}
