package runprogress

import (
	"bytes"
	"io"
	"slices"
)

// longestLine is the most that a writer keeps of a line that has no end yet, in bytes.
const longestLine = 64 << 10

// Writer returns a writer for what the program itself prints while the Renderer
// shows progress. If w is a terminal, or the Renderer's own writer, the lines
// appear above the drawing instead of in it; a line that has no end yet appears
// when it has one, or when the Renderer ends. One that was begun before the first
// event ends there. Anything else is passed on to w as
// it is. The writer is safe for concurrent use, and also works after the end.
//
//	r := runprogress.New(os.Stderr)
//	out := r.Writer(os.Stdout)
//	fmt.Fprintln(out, "5 %: all is well")
func (r *Renderer) Writer(w io.Writer) io.Writer {
	switch {
	case w == nil:
		return io.Discard
	case r == nil || r.view == nil:
		return w
	}
	return &writer{r: r, w: w, shown: same(r.out.w, w) || isTerminal(w)}
}

// output is what a Renderer writes to. What it shows begins on a line of its own.
type output struct {
	w    io.Writer
	open bool // the program has begun a line there, and not ended it
}

func (o *output) Write(p []byte) (int, error) {
	if o.open && len(p) > 0 {
		o.open = false
		if _, err := io.WriteString(o.w, "\n"); err != nil {
			return 0, err
		}
	}
	return o.w.Write(p)
}

// writer writes lines of the program above the drawing of a Renderer.
type writer struct {
	r     *Renderer
	w     io.Writer
	shown bool   // where the drawing is
	line  []byte // that has no end yet
}

func (w *writer) Write(p []byte) (int, error) {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	t, drawn := w.r.view.(*terminal)
	if !drawn || !w.shown || !w.r.begun || w.r.ended {
		return w.pass(p)
	}
	end := bytes.LastIndexByte(p, '\n') + 1
	if end == 0 && len(w.line)+len(p) < longestLine {
		w.keep(p)
		return len(p), nil
	}
	if end == 0 {
		end = len(p)
	}
	text := slices.Concat(w.line, p[:end])
	w.line = nil
	w.keep(p[end:])
	if text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	if _, err := t.print(w.w, text); err != nil {
		return 0, err
	}
	t.draw(&w.r.screen)
	return len(p), nil
}

// pass writes while nothing is drawn.
func (w *writer) pass(p []byte) (int, error) {
	if w.shown && len(p) > 0 {
		w.r.out.open = p[len(p)-1] != '\n'
	}
	return w.w.Write(p)
}

// keep keeps the beginning of a line.
func (w *writer) keep(p []byte) {
	w.line = append(w.line, p...)
	if len(w.line) > 0 && !slices.Contains(w.r.open, w) {
		w.r.open = append(w.r.open, w)
	}
}

// flush prints the line that has no end.
func (w *writer) flush() {
	if len(w.line) > 0 {
		_, _ = w.r.view.print(w.w, append(w.line, '\n'))
		w.line = nil
	}
}
