package control

import (
	"fmt"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

func noService(project, name string) error {
	return fmt.Errorf("project %q has no service %q", project, name)
}

// anywhere returns a Service of any region, or nil.
func (p *Plane) anywhere(ref, name string, now time.Time) *store.Service {
	project, err := p.Project(ref)
	if err != nil {
		return nil
	}
	return p.find(Target{Project: project, Kind: "services", Name: name}, now)
}

// InspectService returns a Service as a read shows it, or nil.
func (p *Plane) InspectService(project, name string, now time.Time) tree.Object {
	sv := p.anywhere(project, name, now)
	if sv == nil {
		return nil
	}
	return lifecycle.RenderService(p.Store, sv, now)
}

// InspectRevisions returns the Revisions of a Service as reads show them, the
// oldest first.
func (p *Plane) InspectRevisions(project, service string, now time.Time) []tree.Object {
	sv := p.anywhere(project, service, now)
	if sv == nil {
		return nil
	}
	list := make([]tree.Object, len(sv.Revisions))
	for i, r := range sv.Revisions {
		list[i] = lifecycle.RenderRevision(p.Store, sv, r, now)
	}
	return list
}

// InspectPolicy returns the whole IAM policy of a Service, or nil if there is no
// such Service.
func (p *Plane) InspectPolicy(project, name string, now time.Time) tree.Object {
	sv := p.anywhere(project, name, now)
	if sv == nil {
		return nil
	}
	return resources.ShownPolicy(sv.Policy, 3)
}

// SeedPolicy sets the IAM policy of a Service. Without an etag it gets a new one.
func (p *Plane) SeedPolicy(project, name string, policy tree.Object, now time.Time) error {
	sv := p.anywhere(project, name, now)
	if sv == nil {
		return noService(project, name)
	}
	etag := tree.Text(policy, "etag")
	sv.PreviousPolicy, sv.Policy = sv.Policy, resources.StoredPolicy(policy)
	if etag != "" {
		sv.Policy["etag"] = etag
	}
	return nil
}
