package control

import (
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// next returns the Service that a write leads to. It changes nothing that is
// stored.
func (p *Plane) next(c Call, doc tree.Object, old *store.Service) (*store.Service, *apierror.Error) {
	next := p.successor(c, doc, old)
	resources.Stamp(p.Store, next, creator(old), doc)
	next.Doc = doc
	script, err := p.Scripts.ForWrite(next.Project, next.Key.Name, doc)
	if err == nil {
		err = script.Refusal(old == nil, "namespaces/"+c.Target.Project.Name()+"/services/"+c.Target.Name)
	}
	if err != nil {
		return nil, err
	}
	revision, exists, err := resources.ExistingRevision(tree.At(doc, "spec", "template"), old)
	taken := ""
	if err != nil {
		if !p.Store.Cluster {
			return nil, err
		}
		taken, revision, exists = tree.Text(tree.At(doc, "spec", "template", "metadata"), "name"), old.Latest, true
		next.Configurations++
	}
	if !exists {
		next.Configurations++
		if script.FailRevision == nil && !p.Permissions.Has(resources.AccessSecret) && lifecycle.HasSecrets(tree.At(doc, "spec", "template")) {
			script.FailRevision = lifecycle.SecretDenied()
		}
		fate := script.RevisionFate(c.Now)
		fate.Failure = lifecycle.Filled(fate.Failure, next.Project, tree.At(doc, "spec", "template"))
		fate.Never = fate.Never || p.Store.Cluster && resources.PortlessProbe(tree.At(doc, "spec", "template"))
		revision = resources.NewRevision(p.Store, next, resources.RevisionName(next, p.Store.Cluster), c.Now, fate)
		next.Revisions = append(next.Revisions[:len(next.Revisions):len(next.Revisions)], revision)
	}
	next.Latest = revision
	if old != nil && next.Generation == old.Generation {
		next.Rollout = p.sameRollout(old)
	} else {
		next.Rollout = lifecycle.Plan(p.Store, lifecycle.Write{Service: next, Previous: old, Script: script, Made: !exists, Taken: taken, At: c.Now})
	}
	return next, nil
}

// successor returns a new Service, or the old one in its next generation. On a
// cluster, only a change of the spec begins a generation.
func (p *Plane) successor(c Call, doc tree.Object, old *store.Service) *store.Service {
	if old == nil {
		t := c.Target
		return &store.Service{Project: t.Project, Key: store.Key{Project: t.Project.Number, Region: t.Region, Name: t.Name},
			Host: store.ServiceHost(t.Project, t.Region, t.Name), UID: store.NewUID(), Created: c.Now, Generation: 1}
	}
	next := *old
	next.Defaulted = nil
	if !p.Store.Cluster || !tree.Same(doc["spec"], old.Comparable()["spec"]) {
		next.Generation++
	}
	return &next
}

func creator(old *store.Service) string {
	if old == nil {
		return ""
	}
	return old.Annotation(resources.CreatorAnnotation)
}

// sameRollout returns the rollout of a Service after a change of its metadata.
// Controllers ignore such a change.
func (p *Plane) sameRollout(old *store.Service) store.Rollout {
	r := old.Rollout
	r.Version, r.SeededVersion, r.Made = p.Store.Versions.Next(), "", ""
	return r
}
