// Package cli is what the example commands have in common: flags, Ctrl-C and exit codes.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/cloudrun-go/cloudrun/internal/layout"
)

// Run is a command without its name.
type Run func(ctx context.Context, args []string, stdout, stderr io.Writer) error

// Main runs a command and exits with its [Code]. Ctrl-C ends its context; a second
// one ends the process at once. report writes an error for people.
func Main(run Run, report func(stderr io.Writer, err error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		report(os.Stderr, err)
	}
	os.Exit(Code(err))
}

// Code returns the exit code of a command: 0 if it did what was asked for, help
// too, 130 if it was interrupted, as shells do, and 1 if it failed.
func Code(err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, context.Canceled):
		return 130
	}
	return 1
}

// Stopped returns the error of a command with what became of its work, if Ctrl-C
// ended it. Other errors are returned unchanged.
func Stopped(err error, work string) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	return &stopped{work, err}
}

// Local is what becomes of the work of a command that has an embedded control plane.
const Local = "that was local, and the service is gone with this command"

type stopped struct {
	work  string
	cause error
}

func (s *stopped) Error() string { return s.work }

// Is reports whether target is [context.Canceled]. The cause is not unwrapped: it
// has less to say of what became of the work.
func (s *stopped) Is(target error) bool { return errors.Is(s.cause, target) }

// Parse parses flags. With --help it writes the usage to stdout and returns
// [flag.ErrHelp]. It writes nothing else: the caller reports the error.
func Parse(flags *flag.FlagSet, args []string, usage string, stdout io.Writer) error {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	err := flags.Parse(args)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, usages(flags, usage))
		return err
	}
	return fmt.Errorf("%w: use --help to see all flags", err)
}

// WriteLines writes text in lines that fit a terminal of 80 columns. Those after
// the first are indented.
func WriteLines(w io.Writer, text string) {
	fmt.Fprintln(w, strings.Join(layout.Words(text, columns-2), "\n  "))
}

// columns is the width of the usual terminal.
const columns = 80

// usages returns the help of a command, which fits a terminal of 80 columns.
func usages(flags *flag.FlagSet, usage string) string {
	const indent = 30
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s\n\n", usage)
	flags.VisitAll(func(f *flag.Flag) {
		metavar, text := flag.UnquoteUsage(f)
		name := strings.TrimSpace("--" + f.Name + " " + metavar)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "false" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(&b, "  %-*s", indent-2, name)
		if len(name) > indent-4 {
			b.WriteString("\n" + strings.Repeat(" ", indent))
		}
		b.WriteString(strings.Join(layout.Words(text, columns-indent), "\n"+strings.Repeat(" ", indent)) + "\n")
	})
	return b.String()
}
