// Package ours deploys with this library.
package ours

import (
	"context"

	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/bench/peers"
)

// Peer is the library.
type Peer struct {
	client   *cloudrun.Client
	deployer *cloudrun.Deployer
}

// New returns the peer for a server.
func New(ctx context.Context, endpoint string) (*Peer, error) {
	c, err := cloudrun.NewClient(ctx, peers.Project, peers.Region, option.WithEndpoint(endpoint), option.WithoutAuthentication())
	if err != nil {
		return nil, err
	}
	return &Peer{c, cloudrun.NewDeployer(c)}, nil
}

// Create deploys.
func (p *Peer) Create(ctx context.Context, name string) error {
	_, err := p.deployer.Deploy(ctx, name, cloudrun.WithImage(peers.Image+":1"), cloudrun.WithEnv("A", "1"), cloudrun.WithMemory("512Mi"))
	return err
}

// Redeploy deploys.
func (p *Peer) Redeploy(ctx context.Context, name, image string) error {
	_, err := p.deployer.Deploy(ctx, name, cloudrun.WithImage(image))
	return err
}

// List streams.
func (p *Peer) List(ctx context.Context) (n int, err error) {
	for _, err := range p.client.ListServices(ctx) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
