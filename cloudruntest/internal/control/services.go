package control

import (
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// GetService returns a Service.
func (p *Plane) GetService(c Call) (tree.Object, *apierror.Error) {
	sv, err := p.lookUp(c, "run.services.get")
	if err != nil {
		return nil, err
	}
	switch {
	case !c.Stale || !sv.Previous.Known:
		return lifecycle.RenderService(p.Store, sv, c.Now), nil
	case sv.Previous.Doc == nil:
		return nil, p.missing("SERVICE", targetOf(sv))
	default:
		return sv.Previous.Doc, nil
	}
}

func targetOf(sv *store.Service) Target {
	return Target{Project: sv.Project, Region: sv.Key.Region, Kind: "services", Name: sv.Key.Name}
}

// ListServices lists the Services of a project.
func (p *Plane) ListServices(c Call) ([]Entry, *apierror.Error) {
	if err := p.permit(c.Target, "run.services.list"); err != nil {
		return nil, err
	}
	var entries []Entry
	for sv := range p.Store.Services.In(c.Target.Project, c.Target.Region, c.Now) {
		if c.hides(sv.Created) {
			continue
		}
		entries = append(entries, Entry{
			Key: sv.Key.Name + "/" + sv.Key.Region, Labels: tree.At(sv.Doc, "metadata", "labels"),
			Render: func() tree.Object { return lifecycle.RenderService(p.Store, sv, c.Now) },
		})
	}
	return entries, nil
}

// GetPart returns the Configuration or the Route behind a Service.
func (p *Plane) GetPart(c Call) (tree.Object, *apierror.Error) {
	sv := p.find(c.Target, c.Now)
	if sv == nil {
		return nil, p.missing(strings.ToUpper(strings.TrimSuffix(c.Target.Kind, "s")), c.Target)
	}
	return lifecycle.RenderPart(p.Store, sv, c.Target.Kind, c.Now), nil
}

// ListParts lists the Configurations or the Routes of a project.
func (p *Plane) ListParts(c Call) []Entry {
	var entries []Entry
	for sv := range p.Store.Services.In(c.Target.Project, c.Target.Region, c.Now) {
		entries = append(entries, Entry{
			Key:    sv.Key.Name + "/" + sv.Key.Region,
			Labels: tree.With(tree.At(sv.Doc, "metadata", "labels"), resources.ServiceLabel, sv.Key.Name),
			Render: func() tree.Object { return lifecycle.RenderPart(p.Store, sv, c.Target.Kind, c.Now) },
		})
	}
	return entries
}

// DeleteService begins the deletion of a Service. It returns the Status, or the
// Service if the call asks for that.
func (p *Plane) DeleteService(c Call) (tree.Object, *apierror.Error) {
	sv, err := p.lookUp(c, "run.services.delete")
	if err != nil {
		return nil, err
	}
	dry, err := dryRun(c.DryRun, p.Store.Cluster, "DeleteOptions")
	if err != nil {
		return nil, err
	}
	if err := p.preconditions(c, "services", sv.UID, lifecycle.Version(p.Store, sv, c.Now)); err != nil {
		return nil, err
	}
	if !dry && !sv.Deleting() {
		p.remove(c, sv)
	}
	if !p.Store.Cluster {
		return deleted(tree.Object{"name": c.Target.Name, "kind": "services"}), nil
	}
	if c.Foreground {
		return lifecycle.RenderService(p.Store, sv, c.Now), nil
	}
	return deleted(tree.Object{"name": c.Target.Name, "group": "serving.knative.dev", "kind": "services", "uid": sv.UID}), nil
}

// deleted returns the Status of a deletion.
func deleted(details tree.Object) tree.Object {
	return tree.Object{"apiVersion": "v1", "kind": "Status", "metadata": tree.Object{}, "status": "Success", "details": details}
}

// remove begins the deletion of a Service. Without a deletion time, the deletion
// is complete at once.
func (p *Plane) remove(c Call, sv *store.Service) {
	script := p.Scripts.For(sv.Project, sv.Key.Name)
	sv.Previous = store.Snapshot{Known: true, Doc: lifecycle.RenderService(p.Store, sv, c.Now)}
	sv.Deleted, sv.GoneAt = c.Now, c.Now.Add(script.DeletionTime)
	p.Store.Record(store.Write{Kind: "delete"}, sv, c.Now)
	if script.DeletionTime <= 0 {
		p.Store.Services.Drop(sv)
	}
	p.Data.Withdraw(sv)
	p.Store.Notify()
}
