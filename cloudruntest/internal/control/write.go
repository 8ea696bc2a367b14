package control

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// maxRevisions is how many Revisions of a Service Cloud Run keeps.
const maxRevisions = 1000

// Written is the result of a write.
type Written struct {
	Doc      tree.Object
	Warnings []string
}

// CreateService creates a Service.
func (p *Plane) CreateService(c Call) (Written, *apierror.Error) {
	doc, err := p.read(c)
	if err != nil {
		return Written{}, err
	}
	if p.Store.Cluster {
		resources.GenerateName(doc)
	}
	c.Target.Name = tree.Text(tree.At(doc, "metadata"), "name")
	if err := p.permit(c.Target, "run.services.create"); err != nil {
		return Written{}, err
	}
	if old := p.find(c.Target, c.Now); old != nil {
		return Written{}, p.alreadyExists(c.Target.Name, old)
	}
	if c.Target.Region == "" && !p.Store.Cluster {
		c.Target.Region = tree.Text(tree.At(doc, "metadata", "labels"), resources.LocationLabel)
		if !p.Store.HasRegion(c.Target.Region) {
			c.Target.Region = p.Store.Regions[0]
		}
	}
	return p.write(c, doc, nil)
}

func (p *Plane) read(c Call) (tree.Object, *apierror.Error) {
	if p.Store.Cluster {
		return resources.ReadCluster(c.Body, c.ContentType, "Service")
	}
	return resources.Read(c.Body, "Service")
}

func (p *Plane) alreadyExists(name string, old *store.Service) *apierror.Error {
	if !p.Store.Cluster {
		return apierror.Exists("Resource '%s' already exists.", name)
	}
	message := `services.serving.knative.dev "` + name + `" already exists`
	if old.Deleting() {
		message = "object is being deleted: " + message
	}
	return &apierror.Error{Code: 409, Reason: "AlreadyExists", Kind: "services", Name: name, Message: message}
}

// ReplaceService replaces a Service.
func (p *Plane) ReplaceService(c Call) (Written, *apierror.Error) {
	doc, err := p.read(c)
	if err != nil {
		return Written{}, err
	}
	old, err := p.lookUp(c, "run.services.update")
	if err != nil {
		return Written{}, err
	}
	c.Target.Region = old.Key.Region
	if old.Deleting() && !p.Store.Cluster {
		return Written{}, apierror.Conflict("Resource '%s' is being deleted.", c.Target.Name)
	}
	return p.write(c, doc, old)
}

// PatchService merges a JSON patch into a Service.
func (p *Plane) PatchService(c Call) (Written, *apierror.Error) {
	patch, err := resources.ReadPatch(c.Body, c.ContentType)
	if err != nil {
		return Written{}, err
	}
	old, err := p.lookUp(c, "run.services.patch")
	if err != nil {
		return Written{}, err
	}
	merged := tree.Merge(lifecycle.RenderService(p.Store, old, c.Now), patch)
	c.Body, c.ContentType = tree.Encode(merged), "application/json"
	return p.ReplaceService(c)
}

// write creates a Service, or replaces the old one.
func (p *Plane) write(c Call, doc tree.Object, old *store.Service) (Written, *apierror.Error) {
	dry, warnings, err := p.admit(c, doc, old)
	if err != nil {
		return Written{}, err
	}
	if old != nil && resources.Unchanged(old.Comparable(), doc) {
		return Written{Doc: lifecycle.RenderService(p.Store, old, c.Now), Warnings: warnings}, nil
	}
	next, err := p.next(c, doc, old)
	if err != nil {
		return Written{}, err
	}
	if !dry {
		p.Data.Publish(next, old)
	}
	next.Doc = lifecycle.Annotated(p.Store, next) // the URLs depend on the listeners
	if !dry {
		p.commit(c, next, old)
	}
	shown := lifecycle.RenderStage(p.Store, next, p.responseStage(next, c.Now), c.Now)
	if dry && old == nil && p.Store.Cluster {
		delete(tree.At(shown, "metadata"), "resourceVersion")
	}
	return Written{Doc: shown, Warnings: warnings}, nil
}

// admit checks a document and adds its defaults. It reports whether the write is
// a dry run, and returns the warnings.
func (p *Plane) admit(c Call, doc tree.Object, old *store.Service) (bool, []string, *apierror.Error) {
	r := resources.Request{Cluster: p.Store.Cluster, AnyField: p.Store.AnyField, Project: c.Target.Project, Region: c.Target.Region, Name: c.Target.Name,
		Strict: c.Strict, Current: old}
	options := "CreateOptions"
	if old != nil {
		options = "UpdateOptions"
		r.Version = lifecycle.Version(p.Store, old, c.Now)
	}
	dry, err := dryRun(c.DryRun, p.Store.Cluster, options)
	if err != nil {
		return false, nil, err
	}
	warnings, err := resources.AdmitService(r, doc)
	if err != nil {
		return false, nil, err
	}
	if err := p.Permissions.CheckAccount(doc); err != nil {
		return false, nil, err
	}
	return dry, warnings, p.Permissions.CheckImages(doc)
}

// responseStage returns the stage that the response to a write shows. A cluster
// responds before any controller sees the write.
func (p *Plane) responseStage(sv *store.Service, now time.Time) int {
	if p.Store.Cluster {
		return 0
	}
	return lifecycle.CurrentStage(&sv.Rollout, now)
}

// commit stores the result of a write.
func (p *Plane) commit(c Call, next, old *store.Service) {
	kind := "update"
	next.Previous = store.Snapshot{Known: true}
	if old == nil {
		kind = "create"
		p.Store.Services.Host(next)
	} else {
		next.Previous.Doc = lifecycle.RenderService(p.Store, old, c.Now)
	}
	p.Store.Services.Put(next)
	if !p.Store.Cluster {
		next.Revisions = kept(next, c.Now)
	}
	p.Store.Operations.Add(next)
	p.Store.Notify()
	p.Store.Record(store.Write{Kind: kind, Body: c.Body, Revision: next.Rollout.Made}, next, c.Now)
}

// kept returns the Revisions of a Service without the oldest unused ones beyond
// the number that Cloud Run keeps.
func kept(sv *store.Service, now time.Time) []*store.Revision {
	excess := len(sv.Revisions) - maxRevisions
	if excess <= 0 {
		return sv.Revisions
	}
	used := lifecycle.Serving(sv, now)
	list := make([]*store.Revision, 0, maxRevisions)
	for _, r := range sv.Revisions {
		if excess > 0 && r != sv.Latest && !used[r.Name] {
			excess--
			continue
		}
		list = append(list, r)
	}
	return list
}
