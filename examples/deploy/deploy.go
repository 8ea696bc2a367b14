package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/runflags"
)

func (c *command) deploy(ctx context.Context) error { return c.deployOr(ctx, false) }

// update is deploy for a Service that must exist.
func (c *command) update(ctx context.Context) error { return c.deployOr(ctx, true) }

func (c *command) deployOr(ctx context.Context, mustExist bool) error {
	if !mustExist { // an embedded control plane has no Service yet
		c.registerLocal(c.flags)
	}
	c.registerDryRun(c.flags)
	c.registerConditions(c.flags)
	flags := runflags.Register(c.flags, c.stages()...)
	name, err := c.parse("SERVICE")
	if err != nil {
		return err
	}
	var defaults []cloudrun.DeployOption
	if c.local {
		demo := c.startLocal()
		defer demo.close()
		defaults = demo.defaults()
	}
	client, err := c.client(ctx)
	project, region := client.Project(), client.Region()
	opts, wrong := flags.Options(cmp.Or(project, "PROJECT"), cmp.Or(region, "REGION"))
	if c.local && errors.Is(wrong, runflags.ErrNoChange) { // the defaults of --local are a change
		wrong = nil
	}
	if err != nil || wrong != nil {
		return c.ifNew(errors.Join(err, wrong), flags.SetsImage() || mustExist)
	}
	if mustExist {
		if _, err := client.GetService(ctx, name); err != nil {
			return err
		}
	}
	opts = append(opts, c.conditions()...)
	deployer := cloudrun.NewDeployer(client, defaults...)
	if c.dryRun {
		return flags.Explain(c.plan(ctx, deployer, name, opts))
	}
	return flags.Explain(c.deployService(ctx, deployer, name, opts))
}

// conditions returns the options under which nothing is deployed.
func (c *command) conditions() (opts []cloudrun.DeployOption) {
	if c.ifChanged {
		opts = append(opts, cloudrun.IfChanged())
	}
	if c.preflight {
		opts = append(opts, cloudrun.WithPreflight())
	}
	return opts
}

// ifNew adds to mistakes in flags what else a Service needs that does not exist,
// so that all is said at once.
func (c *command) ifNew(mistakes error, complete bool) error {
	if complete || c.local || errors.Is(mistakes, runflags.ErrNoChange) {
		return mistakes
	}
	return &hinted{mistakes, "If the service is new, it also needs --image."}
}

// plan prints what would be deployed, and whether the server accepts it.
func (c *command) plan(ctx context.Context, d *cloudrun.Deployer, name string, opts []cloudrun.DeployOption) error {
	plan, err := d.Plan(ctx, name, cloudrun.PlanOptions(opts...)...)
	if err != nil {
		return err
	}
	if c.format == "json" {
		err = c.printJSON(plan)
	} else {
		err = plan.WriteText(c.stdout)
	}
	return errors.Join(err, plan.Verdict)
}

func (c *command) deployService(ctx context.Context, d *cloudrun.Deployer, name string, opts []cloudrun.DeployOption) error {
	p := c.showProgress("Deploying")
	for _, o := range p.calls() {
		opts = append(opts, o)
	}
	result, err := d.Deploy(ctx, name, opts...)
	p.done(err)
	if err != nil {
		return err
	}
	if err := c.print(result); err != nil || c.fetch == nil {
		return err
	}
	return c.fetch(ctx, c.stderr, result)
}
