package control

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
)

// Project returns the project with an ID or a number.
func (p *Plane) Project(ref string) (*store.Project, *apierror.Error) {
	project, ok := p.Store.Projects.Get(ref)
	if !ok {
		return nil, apierror.Forbidden("run.services.get", "projects/"+ref)
	}
	return project, nil
}

// find returns a Service, or nil.
func (p *Plane) find(t Target, now time.Time) *store.Service {
	key := store.Key{Project: t.Project.Number, Region: t.Region, Name: t.Name}
	if sv := p.Store.Services.Find(key, now); sv != nil {
		return sv
	}
	if t.Region != "" && !t.Elsewhere {
		return nil
	}
	return p.Store.Services.FindIn(p.Store.Regions, key, now)
}

// lookUp returns a Service that the caller has a permission on.
func (p *Plane) lookUp(c Call, permission string) (*store.Service, *apierror.Error) {
	if err := p.permit(c.Target, permission); err != nil {
		return nil, err
	}
	if sv := p.find(c.Target, c.Now); sv != nil {
		return sv, nil
	}
	return nil, p.missing("SERVICE", c.Target)
}

// permit checks a permission on the object of a call, or on its collection.
func (p *Plane) permit(t Target, permission string) *apierror.Error {
	resource := "namespaces/" + t.Project.Name() + "/" + t.Kind
	if t.Name != "" {
		resource += "/" + t.Name
	}
	return p.Permissions.Check(permission, resource)
}

// missing returns the error for an object that does not exist.
func (p *Plane) missing(kind string, t Target) *apierror.Error {
	if p.Store.Cluster {
		return &apierror.Error{Code: 404, Reason: "NotFound", Kind: t.Kind, Name: t.Name,
			Message: t.Kind + `.serving.knative.dev "` + t.Name + `" not found`}
	}
	region := t.Region
	if region == "" {
		region = p.Store.Regions[0]
	}
	return apierror.NotFound("Resource '" + t.Name + "' of kind '" + kind + "' in region '" + region +
		"' in project '" + t.Project.Name() + "' does not exist.")
}
