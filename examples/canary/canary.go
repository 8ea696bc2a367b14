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

// release deploys a Revision without traffic and then rolls it out.
func (c *canary) release(ctx context.Context, cfg rollout.Config, opts ...cloudrun.DeployOption) error {
	deployed, err := c.deploy(ctx, append(opts, cloudrun.WithNoTraffic())...)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s is ready and receives no traffic yet.\n", deployed.Revision)
	cfg.Revision = deployed.Revision

	progress := runprogress.New(c.messages, runprogress.WithTitle("Rolling out"))
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
