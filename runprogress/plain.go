package runprogress

import (
	"fmt"
	"io"
)

// plain writes a line of text for each change.
type plain struct{ w io.Writer }

func (p *plain) show(s *screen, b *board, l *line, c change) {
	label := s.prefix(b) + l.label
	switch {
	case c == started && l.message != "":
		p.printf("%s...\n%s: %s\n", label, label, l.message)
	case c == started:
		p.printf("%s...\n", label)
	case c == newMessage && l.message != "":
		p.printf("%s: %s\n", label, l.message)
	case c == ended:
		p.finish(label, l)
	}
}

func (p *plain) finish(label string, l *line) {
	switch {
	case l.state == done:
		p.printf("%s: done (%v)\n", label, round(l.took))
	case l.state == failed && l.message != "":
		p.printf("%s: failed: %s\n", label, l.message)
	case l.state == failed:
		p.printf("%s: failed (%v)\n", label, round(l.took))
	case l.state == interrupted:
		p.printf("%s: interrupted (%v)\n", label, round(l.took))
	}
}

func (p *plain) warn(s *screen, w warning) { p.printf("%sWarning: %s\n", s.prefix(w.of), w.text) }

func (p *plain) end(*screen) {}

func (p *plain) print(w io.Writer, text []byte) (int, error) { return w.Write(text) }

func (p *plain) printf(format string, args ...any) { fmt.Fprintf(p.w, format, args...) }
