// Package runprogress shows the progress of a deployment in commands that are
// built on package cloudrun, and how it ended:
//
//	r := runprogress.New(os.Stderr)
//	result, err := deployer.Deploy(ctx, name, cloudrun.WithImage(image), cloudrun.WithProgress(r.Handle))
//	r.Done(err)
//	if err != nil {
//		runprogress.WriteError(os.Stderr, err)
//	} else {
//		runprogress.WriteResult(os.Stderr, result)
//	}
//
// On a terminal it draws the stages as gcloud does, and keeps them up to date:
//
//	⠹ Deploying... 7s
//	  ✓ Creating Revision... 6s
//	  ⠹ Routing traffic... Assigning traffic.
//	  ✓ Setting IAM Policy...
//
// Elsewhere, such as in the log of a build, it writes a line for each change.
// Control characters in server messages never reach the output.
//
// A program that prints while the stages are drawn writes through
// [Renderer.Writer]. Its lines then appear above the drawing.
package runprogress

import (
	"io"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/task"
)

// tick is the interval at which the spinner of a terminal moves.
const tick = 100 * time.Millisecond

// Renderer shows the events of one call, or of several, one after the other or at
// the same time. The calls for each Service have stages of their own. End it with
// [Renderer.Done] or [Renderer.Close]. It is safe for concurrent use. A Renderer
// that [New] did not make shows nothing.
type Renderer struct {
	mu     sync.Mutex
	out    *output
	screen screen
	view   view
	open   []*writer // with the beginning of a line that is not printed yet
	begun  bool
	ended  bool

	stop    chan struct{}
	spinner *task.Task[struct{}] // nil until it moves
}

// New returns a Renderer that writes to w. It writes nothing before the first
// event. A nil Option is ignored, and so is all that is written to a nil writer.
func New(w io.Writer, opts ...Option) *Renderer {
	if w == nil {
		w = io.Discard
	}
	c := newConfig(w, opts)
	out := &output{w: w}
	r := &Renderer{out: out, screen: screen{name: c.title}, view: &plain{w: out}, stop: make(chan struct{})}
	if c.terminal {
		r.view = newTerminal(out, c)
	}
	return r
}

// Handle shows an event. Pass it to [cloudrun.WithProgress]. Events after the end are ignored.
func (r *Renderer) Handle(e cloudrun.Event) {
	if r == nil || r.view == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	r.screen.handle(e, r.view)
	if t, ok := r.view.(*terminal); ok && !r.begun {
		r.spinner = task.Go(func() struct{} {
			r.spin(t)
			return struct{}{}
		})
	}
	r.begun = true
}

// spin moves the spinner of a terminal.
func (r *Renderer) spin(t *terminal) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-ticker.C:
		}
		r.move(t)
	}
}

func (r *Renderer) move(t *terminal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		t.frame++
		t.draw(&r.screen)
	}
}

// Done shows how the call ended, and stops the Renderer. Of several calls, err is
// the error of any. When it returns, no goroutine of the Renderer is left. It does
// not print the error: a terminal shows which stage failed, and why only if that is
// not part of err. If the writer panicked while the spinner moved, Done panics with
// the same value.
func (r *Renderer) Done(err error) { r.finish(endOf(err), err) }

// Close stops the Renderer without showing how the call ended. After Done it
// does nothing, so it may be deferred.
func (r *Renderer) Close() { r.finish(interrupted, nil) }

func (r *Renderer) finish(to state, err error) {
	if r == nil || r.view == nil {
		return
	}
	spinner, first := r.end(to, err)
	switch {
	case spinner == nil:
	case first:
		spinner.Wait()
	default:
		<-spinner.Done()
	}
}

// end shows the end. It returns the spinner, and reports whether it is the first call.
func (r *Renderer) end(to state, err error) (spinner *task.Task[struct{}], first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return r.spinner, false
	}
	r.ended = true
	close(r.stop)
	for _, w := range r.open {
		w.flush()
	}
	if r.begun {
		r.screen.end(to, time.Now(), err, r.view)
	}
	return r.spinner, true
}
