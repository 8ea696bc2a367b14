// Package screen is a model of a terminal, for tests: it shows what a person sees
// of what a program writes, and what has scrolled away.
package screen

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Screen is a terminal. It understands the control sequences that programs of
// this module use and shows any other as text. It is safe for concurrent use.
type Screen struct {
	mu            sync.Mutex
	columns, rows int
	lines         [][]cell // those that scrolled away come first
	row, column   int      // of the cursor; the row counts from the first line
	pending       []byte   // the beginning of a character or a sequence
	style         string   // of the next character
	Colors        bool     // whether String marks colors, such as <32>✓<>
}

// cell is a column of a line. The second column of a wide character has no text.
type cell struct{ text, style string }

// Span is a part of a line in one style.
type Span struct {
	Text            string
	Style           string // the argument of the control sequence, such as 32 for green
	Column, Columns int    // where it begins, and its width
}

// New returns an empty terminal.
func New(columns, rows int) *Screen {
	return &Screen{columns: columns, rows: rows, lines: [][]cell{nil}}
}

// Write shows what a program writes.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, p...)
	for len(s.pending) > 0 {
		n := s.take(s.pending)
		if n == 0 {
			break
		}
		s.pending = s.pending[n:]
	}
	return len(p), nil
}

// take obeys the first character or sequence and returns its length, 0 if it is not complete.
func (s *Screen) take(p []byte) int {
	switch p[0] {
	case '\n':
		s.down()
		return 1
	case '\r':
		s.column = 0
		return 1
	case '\x1b':
		return s.control(p)
	}
	if !utf8.FullRune(p) {
		return 0
	}
	r, n := utf8.DecodeRune(p)
	s.put(string(r), runewidth.RuneWidth(r))
	return n
}

// control obeys a control sequence.
func (s *Screen) control(p []byte) int {
	end := 2
	for ; end < len(p) && (p[end] < '@' || p[end] > '~'); end++ {
	}
	if end >= len(p) {
		return 0
	}
	argument := string(p[2:end])
	switch sequence := string(p[1:2]) + string(p[end]); {
	case sequence == "[A":
		n, _ := strconv.Atoi(argument)
		s.row = max(s.row-n, s.top())
	case sequence == "[J" && argument == "":
		s.lines = s.lines[:s.row+1]
		s.cutLine()
	case sequence == "[K" && argument == "2":
		s.lines[s.row] = nil
	case sequence == "[m" && argument == "0":
		s.style = ""
	case sequence == "[m":
		s.style = argument
	default:
		text := fmt.Sprintf("%q", p[:end+1])
		s.put(text, len(text))
	}
	return end + 1
}

func (s *Screen) cutLine() {
	if len(s.lines[s.row]) > s.column {
		s.lines[s.row] = s.lines[s.row][:s.column]
	}
}

// top returns the first visible row.
func (s *Screen) top() int { return max(0, len(s.lines)-s.rows) }

func (s *Screen) down() {
	s.row, s.column = s.row+1, 0
	if s.row == len(s.lines) {
		s.lines = append(s.lines, nil)
	}
}

// put shows a character that takes so many columns.
func (s *Screen) put(text string, width int) {
	if s.column+width > s.columns {
		s.down()
	}
	line := s.lines[s.row]
	for len(line) < s.column+width {
		line = append(line, cell{text: " "})
	}
	for i := range width {
		line[s.column+i] = cell{style: s.style}
	}
	if width > 0 {
		line[s.column].text = text
	} else if s.column > 0 {
		line[s.column-1].text += text
	}
	s.lines[s.row], s.column = line, s.column+width
}

// Lines returns everything that was shown, the lines that scrolled away first,
// without empty lines at the end.
func (s *Screen) Lines() [][]Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines, last := make([][]Span, len(s.lines)), 0
	for i, line := range s.lines {
		lines[i] = spans(line)
		if len(lines[i]) > 0 {
			last = i + 1
		}
	}
	return lines[:last]
}

// spans joins neighbors of one style, without spaces at the end of the line.
func spans(line []cell) []Span {
	var all []Span
	for column, c := range line {
		if n := len(all); n > 0 && all[n-1].Style == c.style {
			all[n-1].Text += c.text
			all[n-1].Columns++
			continue
		}
		all = append(all, Span{Text: c.text, Style: c.style, Column: column, Columns: 1})
	}
	for n := len(all); n > 0 && all[n-1].Style == ""; n-- {
		text := strings.TrimRight(all[n-1].Text, " ")
		all[n-1].Columns -= len(all[n-1].Text) - len(text)
		all[n-1].Text = text
		if text != "" {
			break
		}
		all = all[:n-1]
	}
	return all
}

// String returns [Screen.Lines] as text.
func (s *Screen) String() string {
	var b strings.Builder
	for _, line := range s.Lines() {
		for _, span := range line {
			if s.Colors && span.Style != "" {
				fmt.Fprintf(&b, "<%s>%s<>", span.Style, span.Text)
				continue
			}
			b.WriteString(span.Text)
		}
		b.WriteString("\n")
	}
	if b.Len() == 0 {
		return "\n"
	}
	return b.String()
}
