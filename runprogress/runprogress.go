// Package runprogress shows the progress of a deployment in commands that are
// built on package cloudrun:
//
//	r := runprogress.New(os.Stderr)
//	result, err := deployer.Deploy(ctx, name, cloudrun.WithImage(image), cloudrun.WithProgress(r.Handle))
//	r.Done(err)
//
// On a terminal it draws the stages as gcloud does, and keeps them up to date:
//
//	⠹ Deploying...
//	  ✓ Creating Revision...
//	  ⠹ Routing traffic...
//	  ✓ Setting IAM Policy...
//
// Elsewhere, such as in the log of a build, it writes a line for each change.
// Control characters in server messages never reach the output.
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

// Renderer shows the events of one call, or of several in sequence. End it with
// [Renderer.Done] or [Renderer.Close]. It is safe for concurrent use. A Renderer
// that [New] did not make shows nothing.
type Renderer struct {
	mu    sync.Mutex
	board board
	view  view
	begun bool
	ended bool

	stop    chan struct{}
	spinner *task.Task[struct{}] // nil until it moves
}

// view displays a board.
type view interface {
	// show displays a change of a line.
	show(b *board, l *line, c change)
	// warn displays a warning that was added to the board.
	warn(b *board, message string)
	// end displays the board for the last time.
	end(b *board)
}

// New returns a Renderer that writes to w. It writes nothing before the first
// event. A nil Option is ignored, and so is all that is written to a nil writer.
func New(w io.Writer, opts ...Option) *Renderer {
	if w == nil {
		w = io.Discard
	}
	c := config{title: "Deploying", terminal: isTerminal(w), width: widthOf(w)}
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	r := &Renderer{board: newBoard(c.title), view: &plain{w: w}, stop: make(chan struct{})}
	if c.terminal {
		r.view = newTerminal(w, c)
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
	if !r.begun {
		r.begin(e.Time)
	}
	if e.Kind == cloudrun.Warned {
		r.view.warn(&r.board, r.board.warn(e.Message))
		return
	}
	if l, c := r.board.apply(e); c != unchanged {
		r.view.show(&r.board, l, c)
	}
}

func (r *Renderer) begin(at time.Time) {
	r.begun = true
	r.board.title.start(at)
	r.view.show(&r.board, &r.board.title, started)
	if t, ok := r.view.(*terminal); ok {
		r.spinner = task.Go(func() struct{} {
			r.spin(t)
			return struct{}{}
		})
	}
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
		t.draw(&r.board)
	}
}

// Done shows how the call ended, and stops the Renderer. When it returns, no
// goroutine of the Renderer is left. It does not print the error. If the writer
// panicked while the spinner moved, Done panics with the same value.
func (r *Renderer) Done(err error) {
	to := done
	if err != nil {
		to = failed
	}
	r.finish(to)
}

// Close stops the Renderer without showing how the call ended. After Done it
// does nothing, so it may be deferred.
func (r *Renderer) Close() { r.finish(interrupted) }

func (r *Renderer) finish(to state) {
	if r == nil || r.view == nil {
		return
	}
	spinner, first := r.end(to)
	switch {
	case spinner == nil:
	case first:
		spinner.Wait()
	default:
		<-spinner.Done()
	}
}

// end shows the end. It returns the spinner, and reports whether it is the first call.
func (r *Renderer) end(to state) (spinner *task.Task[struct{}], first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return r.spinner, false
	}
	r.ended = true
	close(r.stop)
	if r.begun {
		r.board.end(to, time.Now())
		r.view.end(&r.board)
	}
	return r.spinner, true
}
