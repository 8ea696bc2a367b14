package task_test

import (
	"testing"

	"github.com/cloudrun-go/cloudrun/internal/task"
)

// Deepen must not use the heap.
func TestDeepen(t *testing.T) {
	if n := testing.AllocsPerRun(100, task.Deepen); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// deeply needs as much stack as a request does, with frames that are not large.
func deeply(n int) int {
	var frame [128]byte
	if n == 0 {
		return int(frame[0])
	}
	frame[n%len(frame)] = 1
	return deeply(n-1) + int(frame[(n+1)%len(frame)])
}

// BenchmarkDeepen compares a goroutine whose stack is made at once with one whose stack grows.
func BenchmarkDeepen(b *testing.B) {
	for name, begin := range map[string]func(){"at once": task.Deepen, "growing": func() {}} {
		b.Run(name, func(b *testing.B) {
			done := make(chan int)
			for b.Loop() {
				go func() {
					begin()
					done <- deeply(30)
				}()
				<-done
			}
		})
	}
}
