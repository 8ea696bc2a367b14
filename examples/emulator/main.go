// Command emulator runs the embedded Cloud Run control plane on a port, for
// gcloud, this library and other clients of Cloud Run's API.
//
//	go run ./examples/emulator > env &
//	. ./env && gcloud run deploy hello --image=gcr.io/cloudrun/hello --region=us-central1 --allow-unauthenticated
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
	"strings"
	"syscall"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "emulator:", err)
		}
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("emulator", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 picks a free one")
	timeToReady := flags.Duration("time-to-ready", 0, "time until a Service becomes ready")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	s := cloudruntest.NewServer(
		cloudruntest.WithListener(l),
		cloudruntest.WithTimeToReady(*timeToReady),
		cloudruntest.WithRecording(0),
		cloudruntest.WithRequestLog(logger(stderr)),
	)
	defer s.Close()
	explain(stdout, stderr, s)
	<-ctx.Done()
	return nil
}

// explain prints the environment for gcloud as shell code, and other hints as comments.
func explain(stdout, stderr io.Writer, s *cloudruntest.Server) {
	for _, e := range s.Environ() {
		name, value, _ := strings.Cut(e, "=")
		fmt.Fprintf(stdout, "export %s='%s'\n", name, value)
	}
	fmt.Fprintln(stdout, "export CLOUDSDK_CORE_PROJECT='demo' CLOUDSDK_RUN_REGION='us-central1'")
	fmt.Fprintf(stdout, `# gcloud run deploy hello --image=gcr.io/cloudrun/hello --allow-unauthenticated
# go run ./examples/deploy --endpoint=%s --project=demo --region=us-central1 hello --image=gcr.io/cloudrun/hello
# cloudrun.NewClient(ctx, "demo", "us-central1", option.WithEndpoint(%q), option.WithoutAuthentication())
`, s.URL, s.URL)
	fmt.Fprintf(stderr, "Emulating Cloud Run at %s. Ctrl-C stops it and discards everything.\n", s.URL)
}

// logger writes a line for each request.
func logger(w io.Writer) func(cloudruntest.Request) {
	l := log.New(w, "", log.Ltime)
	return func(r cloudruntest.Request) {
		u := url.URL{Path: r.Path, RawQuery: r.Query.Encode()} // escapes control sequences of terminals
		l.Printf("%d %-6s %s%s %s", r.Status, r.Method, url.PathEscape(r.Host), u.RequestURI(), time.Since(r.Time).Round(time.Microsecond))
	}
}
