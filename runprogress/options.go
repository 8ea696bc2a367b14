package runprogress

import (
	"io"
	"os"
)

// Option configures a [Renderer].
type Option func(*config)

type config struct {
	title    string
	terminal bool
	color    bool
	size     func() (columns, rows int)
	ascii    bool
}

func newConfig(w io.Writer, opts []Option) config {
	c := config{title: "Deploying", terminal: isTerminal(w), color: os.Getenv("NO_COLOR") == "", size: sizeOf(w)}
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	return c
}

// WithTitle sets the title, such as "Deploying new service". The default is "Deploying".
func WithTitle(title string) Option { return func(c *config) { c.title = title } }

// WithTerminal sets whether the output is a terminal that understands the usual
// control sequences. By default, the output is a terminal if the writer is a
// file that is one, unless the environment variable TERM is "dumb".
func WithTerminal(is bool) Option { return func(c *config) { c.terminal = is } }

// WithColor sets whether a terminal shows colors. By default it does, unless the
// environment variable NO_COLOR is set to something.
func WithColor(on bool) Option { return func(c *config) { c.color = on } }

// WithWidth sets the function that returns the number of columns of the
// terminal. It is called for every drawing. By default, the terminal is asked;
// if its width is unknown, it is 80.
func WithWidth(columns func() int) Option {
	return func(c *config) {
		if columns == nil {
			return
		}
		size := c.size
		c.size = func() (int, int) {
			_, rows := size()
			n := columns()
			if n <= 0 {
				n = defaultColumns
			}
			return n, rows
		}
	}
}

// WithASCII draws with ASCII characters only.
func WithASCII() Option { return func(c *config) { c.ascii = true } }
