package runprogress

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/term"
)

const defaultWidth = 80

// Control sequences of terminals.
const (
	lineUp     = "\x1b[%dA"
	clearLine  = "\r\x1b[2K"
	clearBelow = "\x1b[J"
)

// terminal redraws the board over the last drawing.
type terminal struct {
	w       io.Writer
	width   func() int
	spinner []string
	marks   map[state]string
	drawn   int // lines of the last drawing
	frame   int
}

func newTerminal(w io.Writer, c config) *terminal {
	t := &terminal{w: w, width: c.width, spinner: []string{"⠏", "⠛", "⠹", "⠼", "⠶", "⠧"},
		marks: map[state]string{waiting: ".", done: "✓", failed: "X", interrupted: "-"}}
	if c.ascii {
		t.spinner, t.marks[done] = []string{"|", "/", "-", "\\"}, "+"
	}
	return t
}

func (t *terminal) show(b *board, _ *line, _ change) { t.draw(b) }
func (t *terminal) warn(*board, string)              {} // shown at the end, below the drawing

func (t *terminal) end(b *board) {
	t.draw(b)
	for _, warning := range b.warnings {
		fmt.Fprintf(t.w, "Warning: %s\n", warning)
	}
}

func (t *terminal) draw(b *board) {
	var out bytes.Buffer
	if t.drawn > 0 {
		fmt.Fprintf(&out, lineUp, t.drawn)
	}
	columns := t.width()
	if columns <= 0 {
		columns = defaultWidth
	}
	t.drawn = 0
	put := func(text string) {
		out.WriteString(clearLine + cut(text, columns-1) + "\n") // a full line could wrap
		t.drawn++
	}
	put(t.render(&b.title))
	for i := range b.stages {
		if b.stages[i].state != hidden {
			put("  " + t.render(&b.stages[i]))
		}
	}
	out.WriteString(clearBelow)
	_, _ = t.w.Write(out.Bytes())
}

func (t *terminal) render(l *line) string {
	mark := t.marks[l.state]
	if l.state == running {
		mark = t.spinner[t.frame%len(t.spinner)]
	}
	text := mark + " " + l.label + "..."
	switch {
	case l.message != "" && l.state != waiting:
		text += " " + l.message
	case l.stage == "" && l.state == done:
		text += " Done."
	}
	return text
}

// cut shortens a text to what certainly fits into the columns: characters
// beyond the first alphabets may take two.
func cut(text string, columns int) string {
	for i, r := range text {
		columns--
		if r >= 0x300 {
			columns--
		}
		if columns < 0 {
			return text[:i]
		}
	}
	return text
}

// file is a writer with a file descriptor, as a terminal has.
type file interface{ Fd() uintptr }

func isTerminal(w io.Writer) bool {
	f, ok := w.(file)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return false
	}
	// the old console of Windows prints control sequences instead of interpreting them
	return runtime.GOOS != "windows" || os.Getenv("WT_SESSION") != "" || os.Getenv("TERM") != ""
}

func widthOf(w io.Writer) func() int {
	f, ok := w.(file)
	if !ok {
		return func() int { return defaultWidth }
	}
	return func() int {
		columns, _, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return defaultWidth
		}
		return columns
	}
}
