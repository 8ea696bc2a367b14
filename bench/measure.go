package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"
)

// samples are the figures of a peer, one for each round.
type samples map[string][]float64

func (s samples) add(name string, v float64) { s[name] = append(s[name], v) }

func (s samples) median(name string) float64 {
	sorted := slices.Sorted(slices.Values(s[name]))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

// ratios are the medians of the peers, in the order of the columns, relative to one of them.
func (s samples) ratios(base string) (cells []string) {
	for _, name := range names {
		cells = append(cells, fmt.Sprintf("%.2f", s.median(name)/s.median(base)))
	}
	return cells
}

func (s samples) cells(format string, unit float64) (cells []string) {
	for _, name := range names {
		cells = append(cells, fmt.Sprintf(format, s.median(name)/unit))
	}
	return cells
}

// turns lets the peers take turns, each round beginning with another one.
func (b *bench) turns(rounds int, names []string, do func(round int, name string) error) error {
	for round := range rounds {
		for i := range names {
			name := names[(i+round)%len(names)]
			if err := do(round, name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// processes measures whole programs: one that only starts, and one that deploys.
func (b *bench) processes(ctx context.Context) (table, error) {
	if _, err := b.server.control("ready=0s&services=0"); err != nil {
		return table{}, err
	}
	cold, whole, all := samples{}, samples{}, append([]string{"empty"}, names...)
	err := b.turns(2*b.rounds, all, func(round int, name string) error {
		start := time.Now()
		if err := exec.CommandContext(ctx, filepath.Join(b.programs, name)).Run(); err != nil {
			return err
		}
		cold.add(name, time.Since(start).Seconds())
		if name == "empty" {
			return nil
		}
		start = time.Now()
		out, err := exec.CommandContext(ctx, filepath.Join(b.programs, name), b.server.url, fmt.Sprintf("whole-%s-%d", name, round)).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		whole.add(name, time.Since(start).Seconds())
		return nil
	})
	return table{"Whole programs", []row{
		{"cold start, times an empty Go program", cold.ratios("empty")},
		{"a deployment that is ready at once, times raw", whole.ratios("raw")},
	}, nil}, err
}

// calls measures deployments in this process.
func (b *bench) calls(ctx context.Context) (table, error) {
	if _, err := b.server.control("ready=0s&services=0"); err != nil {
		return table{}, err
	}
	const n = 100
	create, redeploy, createBytes, redeployBytes, requests := samples{}, samples{}, samples{}, samples{}, map[string][2]int{}
	err := b.turns(b.rounds, names, func(round int, name string) error {
		_, _ = b.server.control("")
		took, bytes, err := each(n, func(i int) error { return b.peers[name].Create(ctx, fmt.Sprintf("%s-%d-%d", name, round, i)) })
		if err != nil {
			return err
		}
		created, _ := b.server.control("")
		create.add(name, took)
		createBytes.add(name, bytes)
		took, bytes, err = each(n, func(i int) error {
			return b.peers[name].Redeploy(ctx, fmt.Sprintf("%s-%d-%d", name, round, i), fmt.Sprintf("gcr.io/demo/app:%d", i+2))
		})
		redeployed, _ := b.server.control("")
		redeploy.add(name, took)
		redeployBytes.add(name, bytes)
		requests[name] = [2]int{created.Requests / n, redeployed.Requests / n}
		return err
	})
	var creates, redeploys []string
	for _, name := range names {
		creates = append(creates, fmt.Sprint(requests[name][0]))
		redeploys = append(redeploys, fmt.Sprint(requests[name][1]))
	}
	return table{"Deployments in one process", []row{
		{"create, times raw", create.ratios("raw")},
		{"create, KB allocated", createBytes.cells("%.0f", 1000)},
		{"create, requests", creates},
		{"redeploy, times raw", redeploy.ratios("raw")},
		{"redeploy, KB allocated", redeployBytes.cells("%.0f", 1000)},
		{"redeploy, requests", redeploys},
	}, nil}, err
}

// each returns the seconds and the bytes that a call takes.
func each(n int, call func(i int) error) (seconds, bytes float64, err error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	for i := range n {
		if err := call(i); err != nil {
			return 0, 0, err
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return took.Seconds() / float64(n), float64(after.TotalAlloc-before.TotalAlloc) / float64(n), nil
}

// lists measures a list of 1,000 Services.
func (b *bench) lists(ctx context.Context) (table, error) {
	if _, err := b.server.control("services=1000"); err != nil {
		return table{}, err
	}
	times := samples{}
	err := b.turns(2*b.rounds, names, func(_ int, name string) error {
		runtime.GC()
		start := time.Now()
		n, err := b.peers[name].List(ctx)
		if err == nil && n != 1000 {
			err = fmt.Errorf("%d Services", n)
		}
		times.add(name, time.Since(start).Seconds())
		return err
	})
	return table{"A list of 1,000 Services", []row{{"times run/v1", times.ratios("runv1")}}, nil}, err
}

// streams measures a list of 10,000 Services that nobody keeps.
func (b *bench) streams(ctx context.Context) (table, error) {
	if _, err := b.server.control("services=10000"); err != nil {
		return table{}, err
	}
	peaks, times := samples{}, samples{}
	err := b.turns(max(3, b.rounds/3), names, func(_ int, name string) error {
		peak := watchHeap()
		start := time.Now()
		_, err := b.peers[name].List(ctx)
		times.add(name, time.Since(start).Seconds())
		peaks.add(name, peak())
		return err
	})
	return table{"A list of 10,000 Services", []row{
		{"peak of the heap, MiB", peaks.cells("%.1f", 1<<20)},
		{"times typed", times.ratios("typed")},
	}, nil}, err
}

// watchHeap returns a function that returns by how much the heap has grown at most.
func watchHeap() func() float64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	base, peak := sample[0].Value.Uint64(), uint64(0)
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Microsecond):
				metrics.Read(sample)
				peak = max(peak, sample[0].Value.Uint64())
			}
		}
	})
	return func() float64 {
		close(stop)
		done.Wait()
		return float64(peak) - float64(min(base, peak))
	}
}

// readiness measures how long after the Service became ready the call returns.
func (b *bench) readiness(ctx context.Context) (table, error) {
	if _, err := b.server.control("ready=1700ms&services=0"); err != nil {
		return table{}, err
	}
	late, asked := samples{}, samples{}
	err := b.turns(5, names, func(round int, name string) error {
		_, _ = b.server.control("")
		err := b.peers[name].Create(ctx, fmt.Sprintf("ready-%s-%d", name, round))
		now := time.Now()
		c, _ := b.server.control("")
		late.add(name, now.Sub(c.ReadyAt).Seconds())
		asked.add(name, float64(c.Requests))
		return err
	})
	return table{"A Service that is ready after 1.7 s", []row{
		{"seen after it was, ms", late.cells("%.0f", 1e-3)},
		{"requests", asked.cells("%.0f", 1)},
	}, nil}, err
}

// quota deploys 100 Services at once, of which the server takes 20 writes per second.
func (b *bench) quota(ctx context.Context) (table, error) {
	if _, err := b.server.control("ready=0s&services=0&quota=20"); err != nil {
		return table{}, err
	}
	defer func() { _, _ = b.server.control("quota=0") }()
	const n = 100
	deployed, refused, took := samples{}, samples{}, samples{}
	err := b.turns(1, names, func(round int, name string) error {
		_, _ = b.server.control("")
		var all sync.WaitGroup
		ok := make(chan bool, n)
		start := time.Now()
		for i := range n {
			all.Go(func() { ok <- b.peers[name].Create(ctx, fmt.Sprintf("fleet-%s-%d", name, i)) == nil })
		}
		all.Wait()
		close(ok)
		took.add(name, time.Since(start).Seconds())
		c, _ := b.server.control("")
		refused.add(name, float64(c.Refused))
		sum := 0.0
		for done := range ok {
			if done {
				sum++
			}
		}
		deployed.add(name, sum)
		time.Sleep(1100 * time.Millisecond) // another second of the quota
		return nil
	})
	return table{"100 deployments at once, with a quota of 20 writes per second", []row{
		{"succeed", deployed.cells("%.0f", 1)},
		{"requests refused", refused.cells("%.0f", 1)},
		{"seconds", took.cells("%.1f", 1)},
	}, nil}, err
}
