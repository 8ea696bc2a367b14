package runprogress

import (
	"fmt"
	"io"
)

// plain writes a line of text for each change.
type plain struct{ w io.Writer }

func (p *plain) show(_ *board, l *line, c change) {
	switch {
	case c == started && l.message != "":
		p.printf("%s...\n%s: %s\n", l.label, l.label, l.message)
	case c == started:
		p.printf("%s...\n", l.label)
	case c == newMessage && l.message != "":
		p.printf("%s: %s\n", l.label, l.message)
	case c == ended:
		p.finish(l)
	}
}

func (p *plain) finish(l *line) {
	switch {
	case l.state == done:
		p.printf("%s: done (%v)\n", l.label, round(l.took))
	case l.state == failed && l.message != "":
		p.printf("%s: failed: %s\n", l.label, l.message)
	case l.state == failed:
		p.printf("%s: failed (%v)\n", l.label, round(l.took))
	case l.state == interrupted:
		p.printf("%s: interrupted (%v)\n", l.label, round(l.took))
	}
}

func (p *plain) warn(_ *board, message string) { p.printf("Warning: %s\n", message) }

func (p *plain) end(b *board) {
	for i := range b.stages {
		if b.stages[i].state == interrupted {
			p.finish(&b.stages[i])
		}
	}
	p.finish(&b.title)
}

func (p *plain) printf(format string, args ...any) { fmt.Fprintf(p.w, format, args...) }
