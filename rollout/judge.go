package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/task"
)

// checkGrace is how long a check has to return after its context ended.
const checkGrace = time.Second

// errCheckPanicked is the error in the event of a check that panicked.
var errCheckPanicked = errors.New("the check panicked")

// judge calls the check, and returns its error or that of its timeout. A check
// that ignores the end of its context is abandoned.
func (r *run) judge(ctx context.Context) error {
	check, candidate, timeout := r.edits.cfg.Check, r.result.Candidate, r.edits.cfg.CheckTimeout
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	checking := task.Go(func() error { return check(bounded, candidate) })
	if !endsWith(bounded, checking) {
		r.abandoned = checking
		return late(ctx, timeout, fmt.Errorf("the check did not return when its context ended, and was abandoned: %w", bounded.Err()))
	}
	err := checking.Wait()
	if err != nil && bounded.Err() != nil {
		return late(ctx, timeout, err)
	}
	return err
}

// late returns the error of a check whose context ended. It names the timeout,
// unless the caller's context ended.
func late(ctx context.Context, timeout time.Duration, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("the check did not end within %v (Config.CheckTimeout): %w", timeout, err)
}

// endsWith reports whether a check returns before its context ends, or soon after.
func endsWith(ctx context.Context, checking *task.Task[error]) bool {
	select {
	case <-checking.Done():
		return true
	case <-ctx.Done():
	}
	grace := time.NewTimer(checkGrace)
	defer grace.Stop()
	select {
	case <-checking.Done():
		return true
	case <-grace.C:
		return false
	}
}

// takeUpPanic panics if the check that was abandoned has panicked meanwhile.
func (r *run) takeUpPanic() {
	if r.abandoned == nil {
		return
	}
	select {
	case <-r.abandoned.Done():
		_ = r.abandoned.Wait() // its error comes too late
	default:
	}
}
