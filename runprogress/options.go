package runprogress

// Option configures a [Renderer].
type Option func(*config)

type config struct {
	title    string
	terminal bool
	width    func() int
	ascii    bool
}

// WithTitle sets the title, such as "Deploying new service". The default is "Deploying".
func WithTitle(title string) Option { return func(c *config) { c.title = title } }

// WithTerminal sets whether the output is a terminal that understands the usual
// control sequences. By default, the output is a terminal if the writer is a
// file that is one, unless the environment variable TERM is "dumb".
func WithTerminal(is bool) Option { return func(c *config) { c.terminal = is } }

// WithWidth sets the function that returns the number of columns of the
// terminal. It is called for every drawing. By default, the terminal is asked;
// if its width is unknown, it is 80.
func WithWidth(columns func() int) Option {
	return func(c *config) {
		if columns != nil {
			c.width = columns
		}
	}
}

// WithASCII draws with ASCII characters only.
func WithASCII() Option { return func(c *config) { c.ascii = true } }
