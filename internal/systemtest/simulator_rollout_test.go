package systemtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	oldrand "math/rand"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
	"github.com/cloudrun-go/cloudrun/rollout"
)

// simRelease is a schedule with one rollout, which its check, the network, its
// context or other actors may end.
type simRelease struct {
	*sim
	moved    bool // another writer moves the traffic
	released *simCall
	result   *rollout.Result
	err      error
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
	if r.cluster = rng.IntN(5) == 0; r.cluster {
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
	if rng.IntN(10) == 0 {
		r.start("recreator", 1, r.recreate)
	}
	r.start("console-0", rng.IntN(3), func(rng *rand.Rand, n int) { r.console(rng, 0, n) })
	if rng.IntN(4) == 0 {
		r.moved = true
		r.start("mover", 1+rng.IntN(2), []func(*rand.Rand, int){r.move, r.moveAlone}[rng.IntN(2)])
	}
	if r.cluster && rng.IntN(2) == 0 {
		r.start("restarter", 1+rng.IntN(2), r.restart)
	}
	r.actors.Wait()
	r.late.Wait()
	r.checkGoroutines()
	problems = append(problems, r.leaks...)
	problems = append(problems, r.released.problems...)
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

// moveAlone sends the traffic to a Revision as other tools do, which keep the
// annotation of the rollout.
func (r *simRelease) moveAlone(rng *rand.Rand, n int) {
	to := []any{map[string]any{"revisionName": "hello-v1", "percent": 100}, map[string]any{"latestRevision": true, "percent": 100}}[rng.IntN(2)]
	r.rewrite(rng, "mover", simServices+"/hello", http.MethodPut, simServices+"/hello", func(o map[string]any) any {
		simAt(o, "spec")["traffic"] = []any{to}
		return o
	})
}

func (r *simRelease) release(rng *rand.Rand, n int) {
	r.call(rng, "releaser", n, "rollout", func(ctx context.Context, client *cloudrun.Client, c *simCall) (*cloudrun.Result, error) {
		r.released, c.faulty = c, 1+rng.IntN(40)
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
		r.result, r.err = rollout.Run(ctx, cloudrun.NewDeployer(client), "hello", how, cloudrun.WithProgress(c.step))
		return nil, r.err
	})
}

// simTraffic is the traffic of a Service after a write.
type simTraffic struct {
	split    rollout.Split
	recorded *traffic.Rollout // nil if there is none
	inForce  bool             // the recorded rollout has this traffic
	deployed bool             // another writer made a Revision before
}

// same reports whether a write left the traffic and the recorded rollout as they
// were, so that nobody can notice it.
func (s *simTraffic) same(was *simTraffic) bool {
	return maps.Equal(s.split, was.split) && (s.recorded == nil) == (was.recorded == nil)
}

// moved reports whether all traffic goes to the candidate, for good. It goes to
// LATEST only if that leads to the candidate.
func (s *simTraffic) moved() bool {
	return s.recorded == nil && (s.split["hello-v2"] == 100 || s.split[cloudrun.Latest] == 100 && !s.deployed)
}

// returned reports whether the traffic is as it was before the rollout, for good.
// If there was a deployment since, the Revision that LATEST led to has its share.
func (s *simTraffic) returned(before rollout.Split) bool {
	pinned := maps.Clone(before)
	pinned["hello-v2"] += pinned[cloudrun.Latest]
	delete(pinned, cloudrun.Latest)
	return s.recorded == nil && (maps.Equal(s.split, before) || s.deployed && maps.Equal(s.split, pinned))
}

// simTrace is what the server's history says about the rollout.
type simTrace struct {
	before      rollout.Split // the split before its first write
	own         *simTraffic   // after its last write; nil if it wrote nothing
	changed     bool          // one of its writes changed the traffic
	others      []*simTraffic // of writers who moved the traffic since
	interrupted bool          // another writer moved the traffic or deleted the Service since
	disturbed   bool          // the same, since the call began
	problems    []string
}

// trace walks through the history. The rollout may not change the traffic that
// another writer has set since, and not write to a Service that was created since.
func (r *simRelease) trace() (t simTrace) {
	now, deleted := &simTraffic{split: simReleaseBefore}, false
	for _, w := range r.writes() {
		actor, _, _ := strings.Cut(w.id, "/")
		t.disturbed = t.disturbed || (w.Kind == "delete" || actor == "mover") && !w.Time.Before(r.released.start)
		switch {
		case w.Kind == "delete":
			deleted, t.interrupted = true, true
			continue
		case w.ofPolicy():
			continue
		}
		next := r.traffic(w.Body)
		next.deployed = now.deployed || w.Revision != ""
		switch {
		case actor != "releaser":
			if actor == "mover" && t.own != nil && !next.same(now) {
				t.others, t.interrupted = append(t.others, next), true
			}
		case deleted:
			t.problems = append(t.problems, "it wrote to a Service that was created since")
		case t.interrupted && !maps.Equal(now.split, next.split):
			t.problems = append(t.problems, fmt.Sprintf("it changed the traffic that another writer had set: %v to %v", now.split, next.split))
		default:
			if t.own == nil {
				t.before = now.split
			}
			t.own, t.changed = next, t.changed || !maps.Equal(now.split, next.split)
		}
		now = next
	}
	return t
}

// check compares the history with what the rollout reported.
func (r *simRelease) check() (problems []string) {
	t := r.trace()
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	problems = append(problems, t.problems...)
	var call *cloudrun.DeployError
	if r.err != nil && !errors.As(r.err, &call) {
		wrong("an error of another type")
	}
	if reason := r.explain(t); reason != "" {
		wrong("%s, but %s", r.end(), reason)
		if t.own != nil {
			wrong("it left %v, annotation: %+v, after %v", t.own.split, t.own.recorded, t.before)
		}
	}
	if !t.interrupted && t.own != nil && t.own.recorded != nil {
		r.abort(t, wrong)
	}
	return problems
}

// explain returns why the result cannot be; empty if it is as the history says.
func (r *simRelease) explain(t simTrace) string {
	if r.err == nil {
		done := t.own == nil && r.moved || t.own != nil && t.own.moved()
		for _, other := range t.others { // who ended the last step as the rollout would have
			done = done || t.own.recorded != nil && t.own.recorded.Percent == 100 && other.moved()
		}
		if !done {
			return "the candidate does not have all traffic"
		}
		return ""
	}
	var failed *rollout.Error
	if !errors.As(r.err, &failed) {
		failed = &rollout.Error{Outcome: rollout.NotBegun}
	}
	switch failed.Outcome {
	case rollout.NotBegun:
		if t.changed {
			return "it changed the traffic"
		}
	case rollout.Restored:
		back := t.own != nil && t.own.returned(t.before)
		for _, other := range t.others { // such as a rollback to the same split
			back = back || other.returned(t.before)
		}
		if !back {
			return "the traffic is another one"
		}
	case rollout.Overridden:
		if !t.disturbed {
			return "nobody else moved the traffic"
		}
	case rollout.Unfinished:
		if !r.released.failedLately() {
			return "the server could be reached"
		}
		step := t.own != nil && t.own.recorded != nil && t.own.inForce && t.own.recorded.Percent <= int64(failed.Percent)
		if ended := t.own != nil && failed.Percent == 100 && t.own.moved(); !step && !ended {
			return "the traffic is of no step"
		}
	case rollout.Unknown:
		if !r.released.failedLately() {
			return "the server could be reached"
		}
		if t.own != nil && !t.own.inForce && !t.own.returned(t.before) {
			return "the traffic is of no step, and not the previous one"
		}
	}
	return ""
}

// abort ends the rollout as its error advises.
func (r *simRelease) abort(t simTrace, wrong func(string, ...any)) {
	client, err := r.client(r.server.Client().Transport)
	if err == nil {
		_, err = rollout.Abort(context.Background(), cloudrun.NewDeployer(client), "hello")
	}
	if err != nil {
		wrong("it cannot be aborted: %v", err)
	}
	raw, _ := r.server.Service("demo", "hello")
	left := r.traffic(raw)
	if left.deployed = t.own.deployed || len(r.server.Revisions("demo", "hello")) > 2; !left.returned(t.before) {
		wrong("after Abort the traffic is %v, annotation: %+v", left.split, left.recorded)
	}
}

// traffic returns the traffic of a Service.
func (r *simRelease) traffic(raw []byte) *simTraffic {
	var s servingv1.Service
	if err := json.Unmarshal(raw, &s); err != nil {
		r.t.Error(err)
	}
	recorded, err := traffic.ReadRollout(&s)
	if err != nil {
		r.t.Error(err)
	}
	split := rollout.Split(traffic.SplitOf(&s))
	return &simTraffic{split: split, recorded: recorded, inForce: recorded != nil && recorded.InForce(&s)}
}
