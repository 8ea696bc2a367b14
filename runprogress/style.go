package runprogress

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// color is a color of terminals.
type color string

const (
	plainly color = ""
	red     color = "31"
	green   color = "32"
	yellow  color = "33"
	cyan    color = "36"
	bold    color = "1"
	faint   color = "2"
)

func colorOf(s state) color {
	switch s {
	case done:
		return green
	case failed:
		return red
	case interrupted:
		return yellow
	case running:
		return cyan
	}
	return plainly
}

// style is how text looks.
type style struct {
	color bool
	more  string // in place of what was cut off
}

func (s style) paint(c color, text string) string {
	if !s.color || c == plainly || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// entry is the parts of a line.
type entry struct {
	indent, mark, label, time, message string
	color                              color // of the mark
}

// cell is a line as it is written and the columns that it takes.
type cell struct {
	shown string
	width int
}

// cut returns an entry on one line of at most so many columns.
func (s style) cut(e entry, columns int) cell {
	head := e.indent + e.mark + " "
	text := e.label
	for _, part := range []string{e.time, e.message} {
		if part != "" {
			text += " " + part
		}
	}
	room := max(columns-width(head), 0)
	text = s.truncate(text, room)
	shown := text
	if rest, ok := strings.CutPrefix(text, e.label+" "+e.time); ok && e.time != "" {
		shown = e.label + " " + s.paint(faint, e.time) + rest
	}
	return cell{e.indent + s.paint(e.color, e.mark) + " " + shown, width(head + text)}
}

// truncate returns a text on one line of at most so many columns.
func (s style) truncate(text string, columns int) string {
	if width(text) <= columns {
		return text
	}
	return runewidth.Truncate(text, columns, s.more)
}

// full returns an entry whose message is below it, on as many lines as it takes.
func (s style) full(e entry, indent string, columns int) string {
	message := e.message
	e.message = ""
	text := s.cut(e, columns-1).shown + "\n"
	if message != "" {
		text += s.paragraph(indent+message, indent, columns)
	}
	return text
}

// paragraph breaks a text between words. The lines after the first are indented.
func (s style) paragraph(text, indent string, columns int) string {
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			word = text[:len(text)-len(strings.TrimLeft(text, " "))] + word
		case at+1+width(word) > columns-1:
			b.WriteString("\n" + indent)
			at = width(indent)
		default:
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += width(word)
	}
	return b.String() + "\n"
}

// width returns the columns that a text takes, apart from its colors.
func width(text string) int {
	if i := strings.IndexByte(text, '\x1b'); i >= 0 {
		if end := strings.IndexByte(text[i:], 'm'); end > 0 {
			return width(text[:i]) + width(text[i+end+1:])
		}
	}
	return runewidth.StringWidth(text)
}
