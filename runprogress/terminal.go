package runprogress

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

// Control sequences of terminals.
const (
	lineUp     = "\x1b[%dA"
	clearLine  = "\r\x1b[2K"
	clearBelow = "\x1b[J"
)

// terminal redraws the screen over the last drawing.
type terminal struct {
	w       io.Writer
	size    func() (columns, rows int)
	style   style
	spinner []string
	marks   map[state]string
	drawn   []int // the widths of the lines of the last drawing
	frame   int
}

func newTerminal(w io.Writer, c config) *terminal {
	t := &terminal{w: w, size: c.size, style: style{color: c.color}, spinner: []string{"⠏", "⠛", "⠹", "⠼", "⠶", "⠧"},
		marks: map[state]string{waiting: ".", done: "✓", failed: "X", interrupted: "-"}}
	if c.ascii {
		t.spinner, t.marks[done] = []string{"|", "/", "-", "\\"}, "+"
		t.style.more = "..."
	} else {
		t.style.more = "…"
	}
	return t
}

// show draws the changed screen. The end of a board is drawn by end.
func (t *terminal) show(s *screen, b *board, l *line, c change) {
	if l != &b.title || c != ended {
		t.draw(s)
	}
}

func (t *terminal) warn(*screen, warning) {} // shown at the end, below the drawing

// end draws the screen for the last time, whole: with messages that take several
// lines, and the warnings.
func (t *terminal) end(s *screen) {
	columns, _ := t.size()
	var out bytes.Buffer
	out.WriteString(t.erasure(columns))
	for _, b := range s.boards {
		out.WriteString(t.style.full(t.title(s, b), "", columns))
		for i := range b.stages {
			if b.stages[i].state != hidden {
				out.WriteString(t.style.full(t.stage(&b.stages[i]), "    ", columns))
			}
		}
	}
	for _, w := range s.warnings {
		out.WriteString(t.style.paragraph(t.style.paint(yellow, "Warning:")+" "+s.prefix(w.of)+w.text, "  ", columns))
	}
	_, _ = t.w.Write(out.Bytes())
	t.drawn = nil
}

// print writes lines of the program where the drawing was. The next drawing is
// below them.
func (t *terminal) print(w io.Writer, text []byte) (int, error) {
	columns, _ := t.size()
	if _, err := io.WriteString(t.w, t.erasure(columns)); err != nil {
		return 0, err
	}
	t.drawn = nil
	return w.Write(text)
}

func (t *terminal) draw(s *screen) {
	columns, rows := t.size()
	// A full line could wrap, and a full screen scroll. A screen that is cleared as a
	// whole is kept by terminals such as tmux, so one more line stays.
	t.redraw(t.lines(s, columns-1, rows-2))
}

// redraw draws lines over the last drawing.
func (t *terminal) redraw(lines []cell) {
	columns, _ := t.size()
	var out bytes.Buffer
	erasure := t.erasure(columns)
	t.drawn = nil
	for _, text := range lines {
		if erasure == "" {
			out.WriteString(clearLine)
		}
		out.WriteString(text.shown + "\n")
		t.drawn = append(t.drawn, text.width)
	}
	_, _ = io.WriteString(t.w, erasure+out.String())
}

// erasure returns what removes the last drawing. A terminal that has become
// narrower wrapped its lines.
func (t *terminal) erasure(columns int) string {
	up := 0
	for _, width := range t.drawn {
		up += max(1, (width+columns-1)/columns)
	}
	if up == 0 {
		return ""
	}
	return fmt.Sprintf(lineUp, up) + "\r" + clearBelow
}

// lines returns the drawing in at most so many columns and rows. Where the
// stages have no room, it has the titles only.
func (t *terminal) lines(s *screen, columns, rows int) []cell {
	var all, titles []cell
	for _, b := range s.boards {
		title := t.style.cut(t.title(s, b), columns)
		all, titles = append(all, title), append(titles, title)
		for i := range b.stages {
			if b.stages[i].state != hidden {
				all = append(all, t.style.cut(t.stage(&b.stages[i]), columns))
			}
		}
	}
	if len(all) > rows {
		all = titles
	}
	return all[:min(len(all), max(rows, 1))]
}

func (t *terminal) title(s *screen, b *board) entry {
	e := t.entry(&b.title)
	e.label = s.prefix(b) + e.label
	switch b.title.state {
	case running:
		e.time = elapsed(time.Since(b.title.began).Truncate(time.Second))
	case done:
		e.label += " Done."
	case failed:
		e.label += " Failed."
	case interrupted:
		e.label += " Interrupted."
	}
	return e
}

func (t *terminal) stage(l *line) entry {
	e := t.entry(l)
	e.indent = "  "
	return e
}

func (t *terminal) entry(l *line) entry {
	e := entry{mark: t.marks[l.state], label: l.label + "...", message: l.message, color: colorOf(l.state)}
	switch l.state {
	case running:
		e.mark = t.spinner[t.frame%len(t.spinner)]
	case waiting:
		e.message = ""
	default:
		e.time = elapsed(l.took)
	}
	return e
}

// elapsed returns a duration for people; empty if it is too short to matter.
func elapsed(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return ""
	case d < 10*time.Second:
		return round(d).String()
	}
	return d.Round(time.Second).String()
}
