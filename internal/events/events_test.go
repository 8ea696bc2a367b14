package events_test

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/events"
)

// An event that the function adds is delivered after the one that it handles.
func TestAddWithinTheFunction(t *testing.T) {
	t.Parallel()
	var got []int
	var q *events.Queue[int]
	q = events.NewQueue(func(n int) {
		if n < 3 {
			q.Add(n + 1)
		}
		got = append(got, n)
	})
	q.Add(1)
	require.Equal(t, []int{1, 2, 3}, got)
	q.Close()
	q.Add(4)
	require.Equal(t, []int{1, 2, 3}, got)
}

// A function that takes time does not keep others from adding events, and all
// are delivered, one at a time. In a bubble this hangs if
// anybody waits for a mutex meanwhile.
func TestAddWhileTheFunctionRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const adders, each = 10, 20
		inside, last, total := 0, map[int]int{}, 0
		q := events.NewQueue(func(e [2]int) {
			inside++
			require.Equal(t, 1, inside)
			time.Sleep(time.Second)
			require.Equal(t, last[e[0]]+1, e[1], "in order")
			last[e[0]] = e[1]
			inside--
			total++
		})
		var running sync.WaitGroup
		for a := range adders {
			running.Go(func() {
				for n := range each {
					q.Add([2]int{a, n + 1})
				}
			})
		}
		running.Wait()
		q.Close()
		require.Equal(t, adders*each, total)
	})
}

func TestCloseWaitsForTheFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		q := events.NewQueue(func(n int) { time.Sleep(time.Second); got = append(got, n) })
		go q.Add(1)
		synctest.Wait()
		q.Add(2)
		start := time.Now()
		q.Close()
		require.Equal(t, 2*time.Second, time.Since(start))
		require.Equal(t, []int{1, 2}, got)
		q.Add(3)
		require.Equal(t, []int{1, 2}, got)
	})
}

// A function that panics, or ends its goroutine, gets no more events.
func TestFunctionThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){"panic": func() { panic("oops") }, "exit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			q := events.NewQueue(func(int) { calls++; end() })
			var panicked any
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { panicked = recover() }()
				q.Add(1)
			}()
			<-done
			require.Equal(t, name == "panic", panicked == "oops")
			q.Add(2)
			q.Close()
			require.Equal(t, 1, calls)
		})
	}
}
