package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/runflags"
)

// updateTraffic is "gcloud run services update-traffic".
func (c *command) updateTraffic(ctx context.Context) error {
	flags := runflags.RegisterTraffic(c.flags, c.stages()...)
	async := c.flags.Bool("async", false, "do not wait until the service is ready")
	name, err := c.parse("SERVICE")
	if err != nil {
		return err
	}
	opts, err := flags.Options()
	if err != nil {
		return err
	}
	client, err := c.client(ctx)
	if err != nil {
		return err
	}
	p := c.showProgress("Updating traffic")
	for _, o := range append(p.calls(), asyncOption(*async)...) {
		opts = append(opts, o)
	}
	result, err := cloudrun.NewDeployer(client).UpdateTraffic(ctx, name, opts...)
	p.done(err)
	if err != nil {
		return flags.Explain(err)
	}
	return c.print(result)
}

func asyncOption(async bool) []cloudrun.CallOption {
	if async {
		return []cloudrun.CallOption{cloudrun.Async()}
	}
	return nil
}

// replace is "gcloud run services replace".
func (c *command) replace(ctx context.Context) error {
	c.registerDryRun(c.flags)
	async := c.flags.Bool("async", false, "do not wait until the service is ready")
	file, err := c.parse("FILE")
	if err != nil {
		return err
	}
	manifest, err := c.readManifest(file)
	if err != nil {
		return err
	}
	client, err := c.client(ctx)
	if err != nil {
		return err
	}
	deployer := cloudrun.NewDeployer(client)
	p := c.showProgress("Applying new configuration")
	var opts []cloudrun.ReplaceOption
	for _, o := range append(p.calls(), asyncOption(*async)...) {
		opts = append(opts, o)
	}
	if c.dryRun {
		opts = append(opts, cloudrun.DryRun())
	}
	result, err := deployer.ReplaceManifest(ctx, manifest, opts...)
	p.done(err)
	if err != nil {
		return err
	}
	return c.print(result)
}

// readManifest reads a manifest. Its label sets the region unless a flag does.
func (c *command) readManifest(file string) (*cloudrun.Manifest, error) {
	in := io.ReadCloser(os.Stdin)
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		in = f
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	manifest, err := cloudrun.ParseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	service, err := manifest.Service()
	if err != nil {
		return nil, err
	}
	if !c.flags.Changed("region") && service.Labels["cloud.googleapis.com/location"] != "" {
		c.region = service.Labels["cloud.googleapis.com/location"]
	}
	if c.stage == "" {
		return manifest, nil
	}
	return manifest.With(cloudrun.WithLaunchStage(map[string]string{"beta": "BETA", "alpha": "ALPHA"}[c.stage]))
}

// addBinding is "gcloud run services add-iam-policy-binding".
func (c *command) addBinding(ctx context.Context) error {
	return c.changeBinding(ctx, (*runflags.Binding).Add)
}

// removeBinding is "gcloud run services remove-iam-policy-binding".
func (c *command) removeBinding(ctx context.Context) error {
	return c.changeBinding(ctx, (*runflags.Binding).Remove)
}

func (c *command) changeBinding(ctx context.Context, edit func(*runflags.Binding, *cloudrun.Policy) error) error {
	flags := runflags.RegisterMember(c.flags)
	name, err := c.parse("SERVICE")
	if err != nil {
		return err
	}
	binding, err := flags.Binding()
	if err != nil {
		return err
	}
	client, err := c.client(ctx)
	if err != nil {
		return err
	}
	return client.UpdatePolicy(ctx, name, func(p *cloudrun.Policy) error { return edit(binding, p) })
}
