package watch

import (
	"context"
	"iter"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/cloudrun-go/cloudrun/internal/task"
)

// Stream follows what is observed, so that a change is seen when it happens.
type Stream[T any] struct {
	// Version returns the version of an observation; empty if it cannot be followed.
	Version func(T) string
	// Follow yields from, as soon as changes are reported, and then what each
	// change made of it. An error is the last element.
	Follow func(ctx context.Context, from T) iter.Seq2[T, error]
	// MayPass reports whether a stream that failed may succeed later, and how long
	// the server asked to wait until then. Nil judges it like a poll that failed.
	MayPass func(error) (ok bool, atLeast time.Duration)
}

const (
	// briefly is how long a stream lasts at most that counts as one of no use.
	briefly = 5 * time.Second
	// maxBrief is how many such streams in a row end the attempts.
	maxBrief = 5
)

// stream is the stream of a watch. It starts again after a pause when it ends.
type stream[T any] struct {
	source   *Stream[T]
	changes  chan T
	running  *task.Task[error] // nil unless the stream is under way
	cancel   context.CancelFunc
	began    time.Time
	received int    // how many observations of this stream
	at       string // the version that it delivered last
	awaited  string // the version that a poll has seen before the stream did; empty if there is none
	brief    int    // how many streams in a row lasted briefly
	again    *backoff.ExponentialBackOff
	notUntil time.Time // no other one before
	useless  bool      // it is not tried any more
}

func newStream[T any](source *Stream[T]) *stream[T] {
	return &stream[T]{source: source, changes: make(chan T), useless: source == nil, again: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Second), backoff.WithMultiplier(2), backoff.WithRandomizationFactor(0.2), backoff.WithMaxElapsedTime(0))}
}

// start follows an observation, unless a stream is under way.
func (s *stream[T]) start(ctx context.Context, seen T) {
	if s.useless || s.running != nil || time.Now().Before(s.notUntil) {
		return
	}
	version := s.source.Version(seen)
	if version == "" {
		return
	}
	s.began, s.received, s.at, s.awaited = time.Now(), 0, version, ""
	ctx, s.cancel = context.WithCancel(ctx)
	s.running = task.Go(func() error {
		for next, err := range s.source.Follow(ctx, seen) {
			if err != nil {
				return err
			}
			select {
			case s.changes <- next:
			case <-ctx.Done():
				return nil
			}
		}
		return nil
	})
}

// took notes an observation that the stream delivered, and reports whether it is
// news: a poll may have been faster.
func (s *stream[T]) took(seen T) bool {
	s.received++
	version := s.source.Version(seen)
	if version == s.at {
		return false
	}
	s.at = version
	behind := s.awaited != ""
	if version == s.awaited {
		s.awaited = ""
	}
	return !behind
}

// polled notes what a poll has seen, and reports whether the stream is behind. A
// stream that is behind two polls in a row is of no use.
func (s *stream[T]) polled(seen T) (behind bool) {
	if s.running == nil {
		return false
	}
	switch version := s.source.Version(seen); {
	case version == s.at:
		s.awaited = ""
	case s.awaited == "":
		s.awaited = version
	default:
		_ = s.stop()
		s.pause(0)
	}
	return s.awaited != ""
}

// trust is the shortest pause between polls beside the stream; 0 if it may be of
// no use. One that has delivered nothing yet may be held up by a proxy.
func (s *stream[T]) trust(pace *pace) time.Duration {
	switch {
	case s.running == nil || s.received == 0 || s.awaited != "":
		return 0
	case s.received == 1:
		return slowPoll
	}
	return pace.insurance.NextBackOff()
}

// proven reports whether the stream has delivered a change, or lasted long.
func (s *stream[T]) proven() bool { return s.received > 1 || time.Since(s.began) > briefly }

// pause keeps the stream from starting for a while, which is longer each time it
// lasts briefly.
func (s *stream[T]) pause(atLeast time.Duration) {
	if s.brief++; time.Since(s.began) > briefly {
		s.brief = 0
		s.again.Reset()
	}
	s.useless = s.useless || s.brief >= maxBrief
	s.notUntil = time.Now().Add(max(s.again.NextBackOff(), atLeast))
}

// stop ends the stream if it is under way, and waits for it.
func (s *stream[T]) stop() error {
	if s.running == nil {
		return nil
	}
	running := s.running
	s.running = nil
	s.cancel()
	return running.Wait()
}
