package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/events"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/task"
)

// run is one call of Deploy or Plan.
type run struct {
	config  config
	began   time.Time
	targets []Target
	places  map[location]*place
	events  *events.Queue[Event]

	mu       sync.Mutex
	results  []Result // by the index of the target
	failures int
}

// newRun checks the targets and the options before anything is sent.
func newRun(ctx context.Context, targets []Target, opts []Option) (*run, error) {
	c, err := newConfig(opts)
	if err := errors.Join(err, check(targets)); err != nil {
		return nil, err
	}
	places, err := newPlaces(ctx, targets, c)
	if err != nil {
		return nil, err
	}
	return &run{
		config: c, began: time.Now(), targets: slices.Clone(targets), places: places, results: make([]Result, len(targets)),
		events: events.NewQueue(func(e Event) {
			for _, handle := range c.handlers {
				handle(e)
			}
		}),
	}, nil
}

// waves returns the indices of the targets of each wave.
func (r *run) waves() [][]int {
	waves := make([][]int, len(r.config.waves)+1)
	for i, t := range r.targets {
		wave := slices.IndexFunc(r.config.waves, func(selects func(Target) bool) bool { return selects(t) })
		if wave < 0 {
			wave = len(r.config.waves)
		}
		waves[wave] = append(waves[wave], i)
	}
	return slices.DeleteFunc(waves, func(w []int) bool { return len(w) == 0 })
}

// each calls do for each target of a list, beside each other within the bounds
// of each place, and waits for all. If one panics, the others are canceled, and then so does each.
func (r *run) each(ctx context.Context, indices []int, do func(ctx context.Context, i int)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queues := map[*place]chan int{}
	for _, i := range indices {
		p := r.places[r.targets[i].place()]
		if queues[p] == nil {
			queues[p] = make(chan int, len(indices))
		}
		queues[p] <- i
	}
	var workers []*task.Task[struct{}]
	for _, queue := range queues {
		close(queue)
		for range min(r.config.concurrency, len(queue)) {
			workers = append(workers, task.Go(func() struct{} {
				work(ctx, cancel, queue, do)
				return struct{}{}
			}))
		}
	}
	for _, w := range workers {
		<-w.Done()
	}
	for _, w := range workers {
		w.Wait()
	}
}

// work calls do for each index of a queue. If it does not return, it cancels the others.
func work(ctx context.Context, cancel context.CancelFunc, queue <-chan int, do func(context.Context, int)) {
	returned := false
	defer func() {
		if !returned {
			cancel()
		}
	}()
	for i := range queue {
		do(ctx, i)
	}
	returned = true
}

// finish keeps the result of a target and reports it.
func (r *run) finish(i int, result Result) {
	r.mu.Lock()
	if r.results[i].Status == "" && result.Status == Failed {
		r.failures++
	}
	r.results[i] = result
	r.mu.Unlock()
	e := r.event(TargetFinished, i)
	e.Result = &result
	r.events.Add(e)
}

// stopped returns why no other target is begun; nil if the run goes on.
func (r *run) stopped() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.config.stopAfter == 0 || r.failures < r.config.stopAfter {
		return nil
	}
	return fmt.Errorf("the run stopped after %s", count(r.failures, "failure"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (r *run) event(kind EventKind, i int) Event {
	return Event{Kind: kind, Target: r.targets[i], Index: i, Total: len(r.targets)}
}

// progress returns the option that reports the steps of a target.
func (r *run) progress(i int) cloudrun.ProgressOption {
	return cloudrun.WithProgress(func(step cloudrun.Event) {
		e := r.event(TargetProgress, i)
		e.Progress = &step
		r.events.Add(e)
	})
}

// gated returns a context whose requests wait for the quota of the place.
func (p *place) gated(ctx context.Context) context.Context { return rest.WithGate(ctx, p.gate) }
