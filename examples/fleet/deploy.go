package main

import (
	"context"
	"io"

	"github.com/cloudrun-go/cloudrun/fleet"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

// deploy deploys all targets, shows the progress, and writes a table of what became
// of them. A run that was killed goes on when it is deployed again with its ID.
func deploy(ctx context.Context, targets []fleet.Target, out, messages io.Writer, opts ...fleet.Option) error {
	progress := runprogress.NewFleet(messages)
	defer progress.Done()
	report, err := fleet.Deploy(ctx, targets, append(opts, fleet.WithProgress(progress.Handle))...)
	progress.Done()
	runprogress.WriteReport(out, report)
	return err
}

// plan writes what a deployment of all targets would change.
func plan(ctx context.Context, targets []fleet.Target, out io.Writer, opts ...fleet.Option) error {
	plans, err := fleet.Plan(ctx, targets, opts...)
	if plans != nil {
		_, _ = io.WriteString(out, plans.String())
	}
	return err
}
