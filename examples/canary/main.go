// Command canary releases a new Revision of a Service step by step, and goes
// back if the Revision fails its checks.
//
//	go run ./examples/canary --local
//	go run ./examples/canary --project=my-project --region=us-central1 hello gcr.io/cloudrun/hello
//
// With --local it shows two releases on an embedded control plane, one that
// succeeds and one that goes back. It sends 1,000 requests at every step to show
// how they are divided.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/examples/internal/cli"
	"github.com/cloudrun-go/cloudrun/rollout"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

func main() { cli.Main(run, runprogress.WriteError) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("canary", flag.ContinueOnError)
	local := flags.Bool("local", false, "show a release that succeeds and one that is rolled back on an embedded control plane")
	project := flags.String("project", "", "`ID` of the project; by default that of the default credentials")
	region := flags.String("region", "us-central1", "`region` of Cloud Run")
	pause := flags.Duration("pause", time.Minute, "how long to watch each step")
	private := flags.Bool("private", false, "check a Service that is not public, with ID tokens")
	if err := cli.Parse(flags, args, "canary --local | canary [flags] SERVICE IMAGE", stdout); err != nil {
		return err
	}
	if *local {
		if len(args) > 1 {
			return fmt.Errorf("--local is a demonstration without other flags or arguments: %q", args)
		}
		server := cloudruntest.NewServer(cloudruntest.WithTimeToReady(300 * time.Millisecond))
		defer server.Close()
		return cli.Stopped(demonstrate(ctx, server, stdout, stderr), cli.Local)
	}
	if flags.NArg() != 2 {
		return errors.New("specify the service and the image to release, or --local")
	}
	client, err := cloudrun.NewClient(ctx, *project, *region)
	if err != nil {
		return err
	}
	probes := rollout.HTTPProbes{Requests: 20, MaxLatency: 5 * time.Second}
	if *private {
		probes.Tokens = rollout.IDTokens
	}
	c := &canary{deployer: cloudrun.NewDeployer(client), service: flags.Arg(0), out: stdout, messages: stderr}
	cfg := rollout.Config{Pause: *pause, Check: rollout.CheckHTTP(probes)}
	return c.release(ctx, func(io.Writer) rollout.Config { return cfg }, cloudrun.WithImage(flags.Arg(1)))
}
