// Package apiv2 deploys with the client library of the v2 API, over REST.
package apiv2

import (
	"context"
	"errors"

	run "cloud.google.com/go/run/apiv2"
	"cloud.google.com/go/run/apiv2/runpb"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun/bench/peers"
)

const parent = "projects/" + peers.Project + "/locations/" + peers.Region

// Peer is the client library.
type Peer struct{ services *run.ServicesClient }

// New returns the peer for a server.
func New(ctx context.Context, endpoint string) (*Peer, error) {
	c, err := run.NewServicesRESTClient(ctx, option.WithEndpoint(endpoint), option.WithoutAuthentication())
	if err != nil {
		return nil, err
	}
	return &Peer{c}, nil
}

// Create looks whether the Service exists, creates it and waits for the operation.
func (p *Peer) Create(ctx context.Context, name string) error {
	if _, err := p.services.GetService(ctx, &runpb.GetServiceRequest{Name: parent + "/services/" + name}); err == nil {
		return errors.New(name + " exists")
	}
	op, err := p.services.CreateService(ctx, &runpb.CreateServiceRequest{Parent: parent, ServiceId: name, Service: &runpb.Service{
		Template: &runpb.RevisionTemplate{Containers: []*runpb.Container{{
			Image: peers.Image + ":1", Env: []*runpb.EnvVar{{Name: "A", Values: &runpb.EnvVar_Value{Value: "1"}}},
			Resources: &runpb.ResourceRequirements{Limits: map[string]string{"memory": "512Mi"}},
		}}},
	}})
	if err != nil {
		return err
	}
	_, err = op.Wait(ctx)
	return err
}

// Redeploy reads, edits, updates and waits for the operation.
func (p *Peer) Redeploy(ctx context.Context, name, image string) error {
	s, err := p.services.GetService(ctx, &runpb.GetServiceRequest{Name: parent + "/services/" + name})
	if err != nil {
		return err
	}
	s.Template.Revision = ""
	s.Template.Containers[0].Image = image
	op, err := p.services.UpdateService(ctx, &runpb.UpdateServiceRequest{Service: s})
	if err != nil {
		return err
	}
	_, err = op.Wait(ctx)
	return err
}

// List iterates.
func (p *Peer) List(ctx context.Context) (n int, err error) {
	all := p.services.ListServices(ctx, &runpb.ListServicesRequest{Parent: parent, PageSize: 500})
	for {
		_, err := all.Next()
		if errors.Is(err, iterator.Done) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		n++
	}
}
