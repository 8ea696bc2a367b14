package control

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// forever is longer than any test.
const forever = time.Duration(1 << 62)

// SeedService stores a Service as if it existed for long. Its metadata and
// status are taken as they are.
func (p *Plane) SeedService(project, region string, doc tree.Object, now time.Time) error {
	name := tree.Text(tree.At(doc, "metadata"), "name")
	if name == "" || tree.At(doc, "spec") == nil {
		return errors.New("metadata.name and spec are required")
	}
	owner, err := p.Project(project)
	if err != nil {
		return err
	}
	sv := p.seeded(Target{Project: owner, Region: region, Kind: "services", Name: name}, doc, now)
	p.Data.Restart(sv.Key)
	p.Store.Services.Put(sv)
	p.Store.Services.Host(sv)
	if sv.Rollout.Status == nil {
		p.Data.Publish(sv, nil)
		sv.Doc = lifecycle.Annotated(p.Store, sv)
	}
	p.Store.Notify()
	return nil
}

// seeded returns a Service made of a document. It takes over the document.
func (p *Plane) seeded(t Target, doc tree.Object, now time.Time) *store.Service {
	meta := tree.Child(doc, "metadata")
	status, _ := doc["status"].(tree.Object)
	delete(doc, "status")
	sv := &store.Service{
		Key: store.Key{Project: t.Project.Number, Region: t.Region, Name: t.Name}, Project: t.Project, Doc: doc,
		Host: store.ServiceHost(t.Project, t.Region, t.Name), UID: cmp.Or(tree.Text(meta, "uid"), store.NewUID()),
		Created: seededTime(meta, "creationTimestamp", now), Generation: 1, Configurations: 1,
	}
	if n, ok := tree.Number(meta["generation"]); ok {
		sv.Generation, sv.Configurations = n, n
	}
	p.completeSeed(sv)
	sv.Defaulted = tree.Clone(sv.Doc)
	if p.Store.Cluster {
		resources.ClusterDefaults(sv.Defaulted, nil)
	} else {
		resources.ServiceDefaults(t.Name, t.Project.Number, t.Region, sv.Defaulted)
	}
	ready := []store.Stage{{Routed: true, Conditions: lifecycle.ReadyConditions(p.Store.Cluster)}}
	sv.Rollout = store.Rollout{At: now, Version: p.Store.Versions.Next(), Stages: ready, Status: status, SeededVersion: tree.Text(meta, "resourceVersion")}
	if deleted := seededTime(meta, "deletionTimestamp", time.Time{}); !deleted.IsZero() {
		sv.Deleted, sv.GoneAt = deleted, now.Add(forever)
	}
	sv.Revisions = p.seededRevisions(sv, status)
	if n := len(sv.Revisions); n > 0 {
		sv.Latest = sv.Revisions[n-1]
	}
	return sv
}

func seededTime(meta tree.Object, key string, otherwise time.Time) time.Time {
	if t, err := time.Parse(time.RFC3339, tree.Text(meta, key)); err == nil {
		return t
	}
	return otherwise
}

// completeSeed adds what every stored Service has to the document of a seeded one.
func (p *Plane) completeSeed(sv *store.Service) {
	meta := tree.Child(sv.Doc, "metadata")
	namespace := sv.Project.Number
	if p.Store.Cluster {
		namespace = sv.Project.ID
	} else {
		tree.Child(meta, "labels")[resources.LocationLabel] = sv.Key.Region
	}
	tree.SetIfAbsent(sv.Doc, "apiVersion", resources.APIVersion)
	tree.SetIfAbsent(sv.Doc, "kind", "Service")
	annotations := tree.Child(meta, "annotations")
	tree.SetIfAbsent(annotations, resources.CreatorAnnotation, resources.Caller)
	tree.SetIfAbsent(annotations, resources.ModifierAnnotation, resources.Caller)
	tree.SetIfAbsent(meta, "namespace", namespace)
	tree.SetIfAbsent(meta, "uid", sv.UID)
	tree.SetIfAbsent(meta, "creationTimestamp", p.Store.Timestamp(sv.Created))
	spec := tree.Child(sv.Doc, "spec")
	tree.SetIfAbsent(spec, "traffic", []any{tree.Object{"latestRevision": true, "percent": 100}})
	tree.Child(tree.Child(spec, "template"), "metadata")
}

// seededRevisions returns the Revisions that the traffic and the status name.
// Without a status there is one of the template, too.
func (p *Plane) seededRevisions(sv *store.Service, status tree.Object) []*store.Revision {
	names := []string{}
	for _, t := range append(sv.Targets(), tree.Objects(status, "traffic")...) {
		names = append(names, tree.Text(t, "revisionName"))
	}
	names = append(names, tree.Text(status, "latestReadyRevisionName"), tree.Text(status, "latestCreatedRevisionName"))
	if status == nil {
		names = append(names, resources.RevisionName(sv, p.Store.Cluster))
	}
	names = distinct(names)
	failed := tree.Text(status, "latestCreatedRevisionName") != tree.Text(status, "latestReadyRevisionName")
	var list []*store.Revision
	for i, name := range names {
		fate := store.Fate{At: sv.Created}
		if failed && i == len(names)-1 {
			fate.Failure = &store.Failure{}
		}
		list = append(list, resources.NewRevision(p.Store, sv, name, sv.Created, fate))
	}
	return list
}

// distinct returns the names that are not empty, each once.
func distinct(names []string) []string {
	var list []string
	for _, name := range names {
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// SeedRevision stores a Revision of an existing Service, or replaces the one of
// the same name. Its status is taken as it is.
func (p *Plane) SeedRevision(project, region string, doc tree.Object) error {
	name := tree.Text(tree.At(doc, "metadata"), "name")
	owner := tree.Text(tree.At(doc, "metadata", "labels"), resources.ServiceLabel)
	found, err := p.Project(project)
	if err != nil {
		return err
	}
	sv := p.Store.Services.Get(store.Key{Project: found.Number, Region: region, Name: owner})
	if sv == nil || name == "" {
		return fmt.Errorf("%q: %w", name, noService(project, owner))
	}
	status, _ := doc["status"].(tree.Object)
	delete(doc, "status")
	fate := store.Fate{At: sv.Created}
	if status != nil && !readyIn(status) {
		fate.Failure = &store.Failure{}
	}
	addRevision(sv, &store.Revision{Name: name, Seq: p.Store.Versions.Next(), Doc: doc, Created: sv.Created, Fate: fate, Status: status,
		Template: tree.Object{"metadata": tree.Without(tree.At(doc, "metadata"), "name"), "spec": tree.At(doc, "spec")}})
	return nil
}

// addRevision adds a Revision as the oldest one. One of the same name gives it
// its place and its template.
func addRevision(sv *store.Service, r *store.Revision) {
	i := slices.IndexFunc(sv.Revisions, func(old *store.Revision) bool { return old.Name == r.Name })
	if i < 0 {
		sv.Revisions = append([]*store.Revision{r}, sv.Revisions...)
		return
	}
	old := sv.Revisions[i]
	r.Template, r.Seq = old.Template, old.Seq
	sv.Revisions[i] = r
	if sv.Latest == old {
		sv.Latest = r
	}
}

func readyIn(status tree.Object) bool {
	for _, c := range tree.Objects(status, "conditions") {
		if tree.Text(c, "type") == "Ready" {
			return tree.Text(c, "status") == "True"
		}
	}
	return true
}
