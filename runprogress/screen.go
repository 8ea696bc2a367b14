package runprogress

import (
	"io"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// screen is everything that is displayed: a board for each Service.
type screen struct {
	name     string // the title of each board
	boards   []*board
	warnings []warning
}

// warning is a warning about the Service of a board.
type warning struct {
	of   *board
	text string
}

// view displays a screen.
type view interface {
	// show displays a change of a line.
	show(s *screen, b *board, l *line, c change)
	// warn displays a warning that was added to the screen.
	warn(s *screen, w warning)
	// end displays the screen for the last time.
	end(s *screen)
	// print writes lines of the program to w, apart from what is displayed.
	print(w io.Writer, text []byte) (int, error)
}

// board returns the board of a Service, and whether it is new. Events without a
// Service belong to the first.
func (s *screen) board(service string) (b *board, isNew bool) {
	for _, b := range s.boards {
		if b.service == service || service == "" {
			return b, false
		}
	}
	if len(s.boards) == 1 && s.boards[0].service == "" {
		s.boards[0].service = service
		return s.boards[0], false
	}
	b = newBoard(service, s.name)
	s.boards = append(s.boards, b)
	return b, true
}

// prefix names the Service of a board if there are several.
func (s *screen) prefix(b *board) string {
	if len(s.boards) < 2 {
		return ""
	}
	return "[" + safetext.Line(b.service, maxMessage) + "] "
}

func (s *screen) warn(b *board, message string) warning {
	w := warning{of: b, text: safetext.Line(message, maxMessage)}
	s.warnings = append(s.warnings, w)
	return w
}

// handle updates the screen with an event, and the view with the screen.
func (s *screen) handle(e cloudrun.Event, v view) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	b, isNew := s.board(e.Service)
	if isNew {
		b.title.start(e.Time)
		v.show(s, b, &b.title, started)
	}
	if e.Kind == cloudrun.Warned {
		v.warn(s, s.warn(b, e.Message))
		return
	}
	if l, c := b.apply(e); c != unchanged {
		v.show(s, b, l, c)
	}
}

// end closes all boards, whose calls ended with to, because of err if they failed.
func (s *screen) end(to state, at time.Time, err error, v view) {
	for _, b := range s.boards {
		own := to
		if len(s.boards) > 1 {
			own = b.verdict(to)
		}
		for _, l := range append(b.end(own, at, err), &b.title) {
			v.show(s, b, l, ended)
		}
	}
	v.end(s)
}
