package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/examples/internal/cli"
)

func TestCode(t *testing.T) {
	t.Parallel()
	for want, errs := range map[int][]error{
		0:   {nil, flag.ErrHelp},
		1:   {errors.New("oops"), context.DeadlineExceeded},
		130: {fmt.Errorf("waiting: %w", context.Canceled)},
	} {
		for _, err := range errs {
			require.Equal(t, want, cli.Code(err), err)
		}
	}
}

func TestStopped(t *testing.T) {
	t.Parallel()
	require.NoError(t, cli.Stopped(nil, cli.Local))
	require.EqualError(t, cli.Stopped(errors.New("oops"), cli.Local), "oops")
	err := cli.Stopped(fmt.Errorf("waiting: %w", context.Canceled), cli.Local)
	require.EqualError(t, err, "that was local, and the service is gone with this command")
	require.Equal(t, 130, cli.Code(err))
}

func TestParse(t *testing.T) {
	t.Parallel()
	parse := func(args ...string) (printed string, err error) {
		var out bytes.Buffer
		flags := flag.NewFlagSet("x", flag.ContinueOnError)
		flags.SetOutput(&out)
		flags.Bool("local", false, "run here")
		flags.Duration("wait", time.Minute, "how long to wait until everything is done, which may take a while")
		flags.String("a-flag-with-a-long-name", "x", "`file` of that name")
		err = cli.Parse(flags, args, "x [flags] SERVICE", &out)
		return out.String(), err
	}
	printed, err := parse("--local")
	require.NoError(t, err)
	require.Empty(t, printed)
	printed, err = parse("--help")
	require.ErrorIs(t, err, flag.ErrHelp)
	require.Equal(t, "usage: x [flags] SERVICE\n\n"+
		"  --a-flag-with-a-long-name file\n"+
		"                              file of that name (default x)\n"+
		"  --local                     run here\n"+
		"  --wait duration             how long to wait until everything is done, which\n"+
		"                              may take a while (default 1m0s)\n", printed)
	printed, err = parse("--nope")
	require.EqualError(t, err, "flag provided but not defined: -nope: use --help to see all flags")
	require.Empty(t, printed, "the error is printed once, by Main")
}
