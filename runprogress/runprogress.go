// Package runprogress shows people how a deployment goes, for commands that
// are built on package cloudrun:
//
//	r := runprogress.New(os.Stderr)
//	result, err := deployer.Deploy(ctx, name, cloudrun.WithImage(image), cloudrun.WithProgress(r.Handle))
//	r.Done(err)
//
// On a terminal it draws the stages the way gcloud does, and keeps them up to date:
//
//	⠹ Deploying...
//	  ✓ Creating Revision...
//	  ⠹ Routing traffic...
//	  ✓ Setting IAM Policy...
//
// Elsewhere, such as in the log of a build, it writes a line for each change.
// Control characters in the server's messages never reach the output.
package runprogress

import (
	"io"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun"
)

// tick is how often the spinner of a terminal moves.
const tick = 100 * time.Millisecond

// Renderer shows the events of one call, or of one after the other. End it with
// [Renderer.Done] or [Renderer.Close]. It is safe for concurrent use.
type Renderer struct {
	mu    sync.Mutex
	board board
	view  view
	begun bool
	ended bool

	stop    chan struct{}
	spinner sync.WaitGroup
}

// view is a way to show a board.
type view interface {
	// show tells that a line has changed.
	show(b *board, l *line, c change)
	// warn tells of a warning, which the board has as well.
	warn(b *board, message string)
	// end shows the board for the last time.
	end(b *board)
}

// New returns a Renderer that writes to w. Nothing is written before the first event.
func New(w io.Writer, opts ...Option) *Renderer {
	c := config{title: "Deploying", terminal: isTerminal(w), width: widthOf(w)}
	for _, o := range opts {
		o(&c)
	}
	r := &Renderer{board: newBoard(c.title), view: &plain{w: w}, stop: make(chan struct{})}
	if c.terminal {
		r.view = newTerminal(w, c)
	}
	return r
}

// Handle shows an event. It is meant for [cloudrun.WithProgress]. Events after the end are not shown.
func (r *Renderer) Handle(e cloudrun.Event) {
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
		r.spinner.Go(func() { r.spin(t) })
	}
}

// spin keeps the spinner of a terminal moving.
func (r *Renderer) spin(t *terminal) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-ticker.C:
		}
		r.mu.Lock()
		if !r.ended {
			t.frame++
			t.draw(&r.board)
		}
		r.mu.Unlock()
	}
}

// Done shows how the call ended, and stops: no goroutine of the Renderer is
// left when it returns. The error itself is the caller's to print.
func (r *Renderer) Done(err error) {
	to := done
	if err != nil {
		to = failed
	}
	r.finish(to)
}

// Close stops without a word on how the call ended. After Done it does nothing,
// and so may be deferred.
func (r *Renderer) Close() { r.finish(interrupted) }

func (r *Renderer) finish(to state) {
	r.mu.Lock()
	first := !r.ended
	if first {
		r.ended = true
		close(r.stop)
	}
	if first && r.begun {
		r.board.end(to, time.Now())
		r.view.end(&r.board)
	}
	r.mu.Unlock()
	r.spinner.Wait()
}
