// Command fleet deploys many Services in many regions at once.
//
//	go run ./examples/fleet --local
//	go run ./examples/fleet --run-id=build-7 --first-region=us-east1 fleet.yaml
//	go run ./examples/fleet --plan fleet.yaml
//
// The file lists the Services and their settings, which are gcloud's flags; see
// runflags.ParseTargets. A run that was killed goes on when it is called again with the
// same run ID. The exit code is 1 if a target is not deployed.
//
// With --local it deploys 30 Services in 3 regions of an embedded control plane that
// has a quota and some failures, is interrupted, and goes on.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/examples/internal/cli"
	"github.com/cloudrun-go/cloudrun/fleet"
	"github.com/cloudrun-go/cloudrun/runflags"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

func main() { cli.Main(run, writeError) }

// writeError writes an error for people. The table has shown what became of the targets.
func writeError(w io.Writer, err error) {
	if failed := (*fleet.Error)(nil); !errors.As(err, &failed) {
		runprogress.WriteError(w, err)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	local := flags.Bool("local", false, "show a run on an embedded control plane")
	planned := flags.Bool("plan", false, "show what would change, and change nothing")
	runID := flags.String("run-id", "", "`ID` of the run, such as a commit; with the ID of an earlier run, go on with it")
	first := flags.String("first-region", "", "`region` to deploy first; the others follow if nothing fails there")
	rollback := flags.Bool("rollback", false, "go back to what served before, where the run stops after a failure")
	if err := cli.Parse(flags, args, "fleet --local | fleet [flags] FILE", stdout); err != nil {
		return err
	}
	if *local {
		if len(args) > 1 {
			return fmt.Errorf("--local is a demonstration without other flags or arguments: %q", args)
		}
		server := cloudruntest.NewServer(cloudruntest.WithTimeToReady(2 * time.Second))
		defer server.Close()
		return demonstrate(ctx, server, stdout, stderr)
	}
	if flags.NArg() != 1 {
		return errors.New("specify the file with the targets, or --local")
	}
	targets, err := read(flags.Arg(0))
	if err != nil {
		return err
	}
	chosen := options(*runID, *first, *rollback)
	if *planned {
		return plan(ctx, targets, stdout, chosen...)
	}
	return deploy(ctx, targets, stdout, stderr, chosen...)
}

// read reads a file with targets.
func read(file string) ([]fleet.Target, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	targets, err := runflags.ParseTargets(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return targets, nil
}

// options returns the options for what the flags say.
func options(runID, first string, rollback bool) []fleet.Option {
	all := []fleet.Option{fleet.WithDefaults(cloudrun.WithClient("fleet", ""))}
	if runID != "" {
		all = append(all, fleet.WithRunID(runID))
	}
	if first != "" {
		all = append(all, fleet.WithWaves(fleet.InRegion(first)))
	}
	if rollback {
		all = append(all, fleet.WithRollback())
	}
	return all
}
