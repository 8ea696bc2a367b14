package runprogress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun/fleet"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
	"github.com/cloudrun-go/cloudrun/internal/task"
)

// Fleet shows the progress of many deployments at once:
//
//	progress := runprogress.NewFleet(os.Stderr)
//	report, err := fleet.Deploy(ctx, targets, fleet.WithProgress(progress.Handle))
//	progress.Done()
//	runprogress.WriteReport(os.Stdout, report)
//
// On a terminal it draws what is under way, and below it a bar with the counts and
// the elapsed time. Each target that has ended moves above the drawing, with its
// result. Elsewhere it writes a line for each target that has ended. It is safe for
// concurrent use. A Fleet that [NewFleet] did not make shows nothing.
type Fleet struct {
	mu       sync.Mutex
	w        io.Writer
	terminal *terminal // nil if the output is none
	crowd    crowd
	ended    bool

	stop    chan struct{}
	spinner *task.Task[struct{}] // nil until it moves
}

// NewFleet returns a Fleet that writes to w. It writes nothing before the first
// event. A nil Option is ignored, and so is all that is written to a nil writer.
func NewFleet(w io.Writer, opts ...Option) *Fleet {
	if w == nil {
		w = io.Discard
	}
	f := &Fleet{w: w, stop: make(chan struct{})}
	if c := newConfig(w, opts); c.terminal {
		f.terminal = newTerminal(w, c)
	}
	return f
}

// Handle shows an event. Pass it to [fleet.WithProgress]. Events after the end are ignored.
func (f *Fleet) Handle(e fleet.Event) {
	if f == nil || f.w == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	f.crowd.note(e, time.Now())
	if f.terminal == nil {
		if e.Result != nil {
			fmt.Fprintf(f.w, "[%d/%d] %s: %s\n", f.crowd.ended(), f.crowd.total, place(e.Target), outcome(e.Result, true))
		}
		return
	}
	if e.Result != nil {
		columns, _ := f.terminal.size()
		_, _ = f.terminal.print(f.w, []byte(f.terminal.style.cut(f.terminal.result(&f.crowd, e.Result), columns-1).shown+"\n"))
	}
	f.terminal.redraw(f.terminal.crowd(&f.crowd, time.Now()))
	if f.spinner == nil {
		f.spinner = task.Go(func() struct{} {
			f.spin()
			return struct{}{}
		})
	}
}

// spin moves the spinner of a terminal.
func (f *Fleet) spin() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-ticker.C:
		}
		f.mu.Lock()
		if !f.ended {
			f.terminal.frame++
			f.terminal.redraw(f.terminal.crowd(&f.crowd, time.Now()))
		}
		f.mu.Unlock()
	}
}

// Done removes the drawing, writes the counts, and stops the Fleet. When it returns, no
// goroutine of the Fleet is left. Calling it again does nothing, so it may be
// deferred.
func (f *Fleet) Done() {
	if f == nil || f.w == nil {
		return
	}
	if spinner := f.end(); spinner != nil {
		<-spinner.Done()
	}
}

// end shows the end, and returns the spinner.
func (f *Fleet) end() *task.Task[struct{}] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return f.spinner
	}
	f.ended = true
	close(f.stop)
	if f.crowd.total == 0 {
		return nil
	}
	text := fmt.Sprintf("%d of %d targets, %s\n", f.crowd.ended(), f.crowd.total, f.crowd.counts(time.Now()))
	if f.terminal != nil {
		_, _ = f.terminal.print(f.w, []byte(text))
	} else {
		_, _ = io.WriteString(f.w, text)
	}
	return f.spinner
}

// place names a target and where it is.
func place(t fleet.Target) string {
	return safetext.Line(t.String(), maxMessage)
}

// outcome says what became of a target: the action, the Revision if it is wanted,
// how long it took, and the cause of a failure.
func outcome(r *fleet.Result, revision bool) string {
	text := r.Outcome()
	if name := r.Revision(); name != "" && revision && r.Status == fleet.Deployed {
		text += " " + safetext.Line(name, maxMessage)
	}
	if took := seconds(r.Duration); took != "" {
		text += " (" + took + ")"
	}
	if r.Err != nil {
		text += ": " + r.Cause()
	}
	return text
}

// seconds returns a duration for people, in whole seconds unless it is shorter.
func seconds(d time.Duration) string {
	if d < time.Second {
		return elapsed(d)
	}
	return d.Round(time.Second).String()
}
