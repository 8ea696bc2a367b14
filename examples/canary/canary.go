package main

import (
	"context"
	"fmt"
	"io"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/rollout"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

// canary releases Revisions of a Service.
type canary struct {
	deployer      *cloudrun.Deployer
	service       string
	out, messages io.Writer
}

// release deploys a Revision without traffic and then rolls it out. The first
// Revision of a Service has nothing to replace, and serves at once. The
// configuration of the rollout may write to out while the progress is shown.
func (c *canary) release(ctx context.Context, config func(out io.Writer) rollout.Config, opts ...cloudrun.DeployOption) error {
	deployed, err := c.deploy(ctx, append(opts, cloudrun.WithNoTrafficIfExists())...)
	if err != nil {
		return err
	}
	if deployed.Action == cloudrun.Created {
		fmt.Fprintf(c.out, "%s is the first revision of the service and serves all traffic.\n", deployed.Revision)
		return nil
	}
	fmt.Fprintf(c.out, "%s is ready and gets no traffic yet.\n", deployed.Revision)

	progress := runprogress.New(c.messages, runprogress.WithTitle("Rolling out"))
	cfg := config(progress.Writer(c.out))
	cfg.Revision = deployed.Revision
	result, err := rollout.Run(ctx, c.deployer, c.service, cfg, cloudrun.WithProgress(progress.Handle))
	progress.Done(err)
	if result != nil {
		fmt.Fprintf(c.out, "The traffic was %v and is now %v.\n", result.PreviousSplit, result.Split)
	}
	return err
}

func (c *canary) deploy(ctx context.Context, opts ...cloudrun.DeployOption) (*cloudrun.Result, error) {
	progress := runprogress.New(c.messages, runprogress.WithTitle("Deploying"))
	result, err := c.deployer.Deploy(ctx, c.service, append(opts, cloudrun.WithProgress(progress.Handle))...)
	progress.Done(err)
	return result, err
}
