// Package runv1 deploys with the generated client of the v1 API.
package runv1

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/api/option"
	run "google.golang.org/api/run/v1"

	"github.com/cloudrun-go/cloudrun/bench/peers"
)

const parent = "namespaces/" + peers.Project

// Peer is the generated client.
type Peer struct {
	services *run.NamespacesServicesService
}

// New returns the peer for a server.
func New(ctx context.Context, endpoint string) (*Peer, error) {
	s, err := run.NewService(ctx, option.WithEndpoint(endpoint), option.WithoutAuthentication())
	if err != nil {
		return nil, err
	}
	return &Peer{s.Namespaces.Services}, nil
}

// Create looks whether the Service exists, creates it and polls.
func (p *Peer) Create(ctx context.Context, name string) error {
	if _, err := p.services.Get(parent + "/services/" + name).Context(ctx).Do(); err == nil {
		return fmt.Errorf("%s exists", name)
	}
	_, err := p.services.Create(parent, &run.Service{
		ApiVersion: "serving.knative.dev/v1", Kind: "Service", Metadata: &run.ObjectMeta{Name: name, Namespace: peers.Project},
		Spec: &run.ServiceSpec{Template: &run.RevisionTemplate{Spec: &run.RevisionSpec{Containers: []*run.Container{{
			Image: peers.Image + ":1", Env: []*run.EnvVar{{Name: "A", Value: "1"}},
			Resources: &run.ResourceRequirements{Limits: map[string]string{"memory": "512Mi"}},
		}}}}},
	}).Context(ctx).Do()
	if err != nil {
		return err
	}
	return p.wait(ctx, name)
}

// Redeploy reads, edits, replaces and polls.
func (p *Peer) Redeploy(ctx context.Context, name, image string) error {
	s, err := p.services.Get(parent + "/services/" + name).Context(ctx).Do()
	if err != nil {
		return err
	}
	if m := s.Spec.Template.Metadata; m != nil {
		m.Name = "" // the next Revision needs another one
	}
	s.Spec.Template.Spec.Containers[0].Image = image
	if _, err := p.services.ReplaceService(parent+"/services/"+name, s).Context(ctx).Do(); err != nil {
		return err
	}
	return p.wait(ctx, name)
}

func (p *Peer) wait(ctx context.Context, name string) error {
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
		s, err := p.services.Get(parent + "/services/" + name).Context(ctx).Do()
		if err != nil {
			return err
		}
		for _, c := range s.Status.Conditions {
			if c.Type == "Ready" && c.Status == "True" && s.Status.ObservedGeneration == s.Metadata.Generation {
				return nil
			}
		}
		time.Sleep(delay)
	}
}

// List reads page by page.
func (p *Peer) List(ctx context.Context) (n int, err error) {
	for token := ""; ; {
		page, err := p.services.List(parent).Limit(500).Continue(token).Context(ctx).Do()
		if err != nil {
			return 0, err
		}
		n += len(page.Items)
		if token = page.Metadata.Continue; token == "" {
			return n, nil
		}
	}
}
