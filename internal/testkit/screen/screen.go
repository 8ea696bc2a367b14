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
	lines         [][]string // the characters in each line; those that scrolled away come first
	row, column   int        // of the cursor; the row counts from the first line
	pending       []byte     // the beginning of a character or a sequence
	style         string     // of the next character
	Colors        bool       // whether String marks colors, such as <32>✓<>
}

// New returns an empty terminal.
func New(columns, rows int) *Screen {
	return &Screen{columns: columns, rows: rows, lines: [][]string{nil}}
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
	if s.Colors && s.style != "" {
		text = "<" + s.style + ">" + text + "<>"
	}
	line := s.lines[s.row]
	for len(line) < s.column+width {
		line = append(line, " ")
	}
	for i := range width {
		line[s.column+i] = ""
	}
	if width > 0 {
		line[s.column] = text
	} else if s.column > 0 {
		line[s.column-1] += text
	}
	s.lines[s.row], s.column = line, s.column+width
}

// String returns everything that was shown, the lines that scrolled away first,
// without spaces at the ends of lines and without empty lines at the end.
func (s *Screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, line := range s.lines {
		b.WriteString(strings.TrimRight(strings.Join(line, ""), " ") + "\n")
	}
	return joinColors(strings.TrimRight(b.String(), "\n") + "\n")
}

// joinColors joins characters next to one another that have the same color.
func joinColors(text string) string {
	var b strings.Builder
	last := ""
	for text != "" {
		open, rest, found := strings.Cut(text, "<>")
		at := strings.LastIndexByte(open, '<')
		if !found || at < 0 {
			break
		}
		mark := open[at : strings.IndexByte(open[at:], '>')+at+1]
		if at == 0 && mark == last {
			out := strings.TrimSuffix(b.String(), "<>")
			b.Reset()
			b.WriteString(out + open[len(mark):] + "<>")
		} else {
			b.WriteString(open + "<>")
		}
		last, text = mark, rest
	}
	return b.String() + text
}
