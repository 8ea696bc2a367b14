// Command emulator runs the embedded Cloud Run control plane on a port, for
// gcloud, this library and other clients of Cloud Run's API. It runs a command,
// or a shell, with the environment that leads to it, and ends with it:
//
//	go run ./examples/emulator -- gcloud run deploy hello --image=gcr.io/cloudrun/hello --allow-unauthenticated
//	go run ./examples/emulator -- bash
//
// The exit code is that of the command; go run turns it into 1. For several
// terminals, it writes the environment to a file once it listens:
//
//	go run ./examples/emulator --env-file=env    # in one
//	. ./env                                      # in the others
//
// A script that starts it in the background waits for that file:
//
//	rm -f env; go run ./examples/emulator --env-file=env &
//	until [ -e env ]; do kill -0 $! || exit 1; sleep 0.1; done; . ./env
//
// Error paths can be tried with flags, which are for every Service, and with
// labels of a single one:
//
//	emulator --outcome=image-not-found -- gcloud run deploy hello --image=missing
//	gcloud run deploy hello --image=img --labels=cloudruntest-outcome=secret-denied,cloudruntest-time-to-ready=30s
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/examples/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs the program, reports its error and returns its exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := run(ctx, args, stdout, stderr)
	var ended *exitError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &ended):
		return ended.code
	}
	cli.WriteLines(stderr, "emulator: "+err.Error())
	return 1
}

// settings are the values of the flags.
type settings struct {
	addr, envFile, outcome, deny string
	timeToReady                  time.Duration
	rateLimit                    int
	forbidAllUsers, log          bool
	command                      []string // after --; empty for none
}

// parse reads the flags and the command. With a command, the port is a free one and requests are not logged, unless flags say otherwise.
func parse(args []string, stdout io.Writer) (settings, error) {
	var s settings
	if i := slices.Index(args, "--"); i >= 0 {
		args, s.command = args[:i], args[i+1:]
		if len(s.command) == 0 {
			return s, errors.New("no command after --")
		}
	}
	addr := "127.0.0.1:8080"
	if s.command != nil {
		addr = "127.0.0.1:0"
	}
	flags := flag.NewFlagSet("emulator", flag.ContinueOnError)
	flags.StringVar(&s.addr, "addr", addr, "`address` to listen on; port 0 picks a free one, and so does a COMMAND")
	flags.StringVar(&s.envFile, "env-file", "", "`file` to write the environment to, as shell code, once the emulator listens")
	flags.BoolVar(&s.log, "log", s.command == nil, "write a line to stderr for each request; not the default with a COMMAND")
	flags.DurationVar(&s.timeToReady, "time-to-ready", 0, "time until a Service becomes ready")
	flags.StringVar(&s.outcome, "outcome", "", "`outcome` of every deployment, such as image-not-found, secret-denied, not-listening, quota-exceeded, never-ready or forbidden; the label cloudruntest-outcome sets that of one Service")
	flags.StringVar(&s.deny, "deny", "", "`permissions` that the caller lacks, separated by commas, such as run.services.setIamPolicy")
	flags.BoolVar(&s.forbidAllUsers, "forbid-all-users", false, "have an organization policy forbid public access")
	flags.IntVar(&s.rateLimit, "rate-limit", 0, "requests in a second beyond which the API responds 429; 0 for no limit")
	if err := cli.Parse(flags, args, "emulator [flags] [-- COMMAND ...]", stdout); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q: write -- before a command", flags.Arg(0))
	}
	return s, nil
}

// run serves until the context or the command ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	set, err := parse(args, stdout)
	if err != nil {
		return err
	}
	s, err := set.start(stderr)
	if err != nil {
		return err
	}
	defer s.Close()
	if set.envFile != "" {
		remove, err := writeEnv(set.envFile, s)
		if err != nil {
			return err
		}
		defer remove()
	}
	if set.command != nil {
		return runCommand(set.command, environ(s), stdout, stderr)
	}
	if set.envFile == "" {
		explain(stdout, s)
	}
	fmt.Fprintf(stderr, "Emulating Cloud Run at %s.\nCtrl-C stops it and discards everything.\n", s.URL)
	<-ctx.Done()
	return nil
}

// start returns a server that behaves as the flags say.
func (set settings) start(stderr io.Writer) (*cloudruntest.Server, error) {
	script := cloudruntest.Script{}
	if set.outcome != "" {
		var err error
		if script, err = cloudruntest.Outcome(set.outcome); err != nil {
			return nil, fmt.Errorf("--outcome: %w", err)
		}
	}
	l, err := net.Listen("tcp", set.addr)
	if err != nil {
		return nil, err
	}
	opts := []cloudruntest.Option{
		cloudruntest.WithListener(l), cloudruntest.WithTimeToReady(set.timeToReady), cloudruntest.WithRecording(0), cloudruntest.WithScriptLabels(),
	}
	if set.log {
		opts = append(opts, cloudruntest.WithRequestLog(logger(stderr)))
	}
	s := cloudruntest.NewServer(opts...)
	s.Script("", script)
	s.RateLimit(set.rateLimit)
	s.ForbidAllUsers(set.forbidAllUsers)
	if set.deny != "" {
		s.DenyPermission(strings.Split(set.deny, ",")...)
	}
	return s, nil
}

// logger writes a line for each request.
func logger(w io.Writer) func(cloudruntest.Request) {
	l := log.New(w, "", log.Ltime)
	return func(r cloudruntest.Request) {
		u := url.URL{Path: r.Path, RawQuery: r.Query.Encode()} // escapes control sequences of terminals
		l.Printf("%d %-6s %s%s %s", r.Status, r.Method, url.PathEscape(r.Host), u.RequestURI(), time.Since(r.Time).Round(time.Microsecond))
	}
}
