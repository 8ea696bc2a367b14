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
	"syscall"
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
		flags.SetOutput(stdout)
		fmt.Fprintln(stdout, "usage:", usage)
		flags.PrintDefaults()
		return err
	}
	return fmt.Errorf("%w: use --help to see all flags", err)
}
