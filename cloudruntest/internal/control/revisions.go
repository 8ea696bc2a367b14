package control

import (
	"fmt"
	"slices"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// findRevision returns a Revision that the caller has a permission on, and its Service.
func (p *Plane) findRevision(c Call, permission string) (*store.Service, *store.Revision, *apierror.Error) {
	if err := p.permit(c.Target, permission); err != nil {
		return nil, nil, err
	}
	for sv := range p.Store.Services.In(c.Target.Project, c.Target.Region, c.Now) {
		if r := sv.Revision(c.Target.Name); r != nil {
			return sv, r, nil
		}
	}
	return nil, nil, p.missing("REVISION", c.Target)
}

// GetRevision returns a Revision.
func (p *Plane) GetRevision(c Call) (tree.Object, *apierror.Error) {
	sv, r, err := p.findRevision(c, "run.revisions.get")
	if err != nil {
		return nil, err
	}
	return lifecycle.RenderRevision(p.Store, sv, r, c.Now), nil
}

// ListRevisions lists the Revisions of a project: the newest first, or by name
// on a cluster.
func (p *Plane) ListRevisions(c Call) ([]Entry, *apierror.Error) {
	if err := p.permit(c.Target, "run.revisions.list"); err != nil {
		return nil, err
	}
	var entries []Entry
	for sv := range p.Store.Services.In(c.Target.Project, c.Target.Region, c.Now) {
		for _, r := range sv.Revisions {
			if c.hides(r.Created) {
				continue
			}
			key := fmt.Sprintf("%019d", 1<<62-r.Seq)
			if p.Store.Cluster {
				key = r.Name
			}
			entries = append(entries, Entry{
				Key: key, Labels: tree.At(r.Doc, "metadata", "labels"),
				Render: func() tree.Object { return lifecycle.RenderRevision(p.Store, sv, r, c.Now) },
			})
		}
	}
	return entries, nil
}

// DeleteRevision deletes a Revision and returns the Status.
func (p *Plane) DeleteRevision(c Call) (tree.Object, *apierror.Error) {
	sv, r, err := p.findRevision(c, "run.revisions.delete")
	if err != nil {
		return nil, err
	}
	dry, err := dryRun(c.DryRun, p.Store.Cluster, "DeleteOptions")
	if err != nil {
		return nil, err
	}
	if !p.Store.Cluster {
		switch {
		case lifecycle.Serving(sv, c.Now)[r.Name]:
			return nil, apierror.Precondition("Revision '%s' is actively serving traffic and cannot be deleted.", r.Name)
		case r == sv.Latest:
			return nil, apierror.Precondition("Revision '%s' is the latest created revision of service '%s' and cannot be deleted.", r.Name, sv.Key.Name)
		}
	}
	if err := p.preconditions(c, "revisions", tree.Text(tree.At(r.Doc, "metadata"), "uid"), ""); err != nil {
		return nil, err
	}
	if !dry {
		p.dropRevision(c, sv, r)
	}
	return deleted(tree.Object{"name": r.Name, "kind": "revisions"}), nil
}

// dropRevision removes a Revision from its Service. Earlier states of the
// Service share the list, so it is replaced.
func (p *Plane) dropRevision(c Call, sv *store.Service, r *store.Revision) {
	sv.Revisions = slices.DeleteFunc(slices.Clone(sv.Revisions), func(other *store.Revision) bool { return other == r })
	p.Store.Record(store.Write{Kind: "deleteRevision", Revision: r.Name}, sv, c.Now)
	p.Store.Notify()
}
