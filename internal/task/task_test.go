package task_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/task"
)

// ways are the ways in which a function ends.
var ways = map[string]func(){
	"returns": func() {},
	"panics":  func() { panic(errOops) },
	"exits":   runtime.Goexit,
}

var errOops = errors.New("oops")

// ending reports in which of the ways a function ends.
func ending(f func()) (way string, value any) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		way = "exits"
		defer func() {
			if value = recover(); value != nil {
				way = "panics"
			}
		}()
		f()
		way = "returns"
	}()
	<-done
	return way, value
}

func TestWait(t *testing.T) {
	t.Parallel()
	for name, end := range ways {
		running := task.Go(func() int { end(); return 7 })
		got := 0
		way, value := ending(func() { got = running.Wait() })
		require.Equal(t, name, way)
		<-running.Done()
		switch name {
		case "returns":
			require.Equal(t, 7, got)
		case "panics":
			require.Equal(t, errOops, value, "the original value")
		}
	}
	require.Nil(t, (*task.Task[int])(nil).Done())
}

// If one of two functions does not return, the other is canceled and waited for.
func TestBeside(t *testing.T) {
	t.Parallel()
	for name, end := range ways {
		for _, aside := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				slow := func(ctx context.Context) int {
					select {
					case <-ctx.Done():
						time.Sleep(time.Second) // it takes a while to end
						return 1
					case <-time.After(time.Minute):
						return 2
					}
				}
				quick := func(context.Context) int { end(); return 2 }
				start, first, second := time.Now(), 0, 0
				way, value := ending(func() {
					if aside {
						first = task.Beside(t.Context(), quick, func(ctx context.Context) { second = slow(ctx) })
						return
					}
					first = task.Beside(t.Context(), slow, func(ctx context.Context) { second = quick(ctx) })
				})
				require.Equal(t, name, way)
				if name == "returns" {
					require.Equal(t, []int{2, 2}, []int{first, second})
					require.Equal(t, time.Minute, time.Since(start))
					return
				}
				require.Equal(t, time.Second, time.Since(start), "the other one has ended")
				if name == "panics" {
					require.Equal(t, errOops, value)
				}
			})
		}
	}
}
