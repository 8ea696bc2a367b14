package runprogress

// Option configures a [Renderer].
type Option func(*config)

type config struct {
	title    string
	terminal bool
	width    func() int
	ascii    bool
}

// WithTitle says what is going on, such as "Deploying new service"; "Deploying" without it.
func WithTitle(title string) Option { return func(c *config) { c.title = title } }

// WithTerminal says whether the output is a terminal that obeys the usual
// control sequences. Without it, that is found out from the writer, if it is a
// file, and from the environment variable TERM, which must not be "dumb".
func WithTerminal(is bool) Option { return func(c *config) { c.terminal = is } }

// WithWidth tells how many columns the terminal has. It is called for every
// drawing. Without it, the terminal is asked; one that does not tell has 80.
func WithWidth(columns func() int) Option {
	return func(c *config) {
		if columns != nil {
			c.width = columns
		}
	}
}

// WithASCII draws without characters beyond ASCII.
func WithASCII() Option { return func(c *config) { c.ascii = true } }
