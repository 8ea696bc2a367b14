package control

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// happening is an event and the time when it happened.
type happening struct {
	at time.Time
	store.Event
}

// Advance records the events of a cluster up to a time. Nothing runs in the
// background, so it is called before and after each write, and for each watch.
func (p *Plane) Advance(now time.Time) {
	var all []happening
	for key, shown := range p.Store.Events.Shown {
		if sv := p.Store.Services.Get(key); sv == nil || sv.UID != shown.UID || sv.Gone(now) {
			version := p.Store.Versions.Spell(p.Store.Versions.Next())
			doc := tree.With(shown.Doc, "metadata", tree.With(tree.At(shown.Doc, "metadata"), "resourceVersion", version))
			all = append(all, happening{now, store.Event{Type: "DELETED", Key: key, Version: version, Doc: doc}})
			delete(p.Store.Events.Shown, key)
		}
	}
	for sv := range p.Store.Services.All() {
		if !sv.Gone(now) {
			all = append(all, p.changesOf(sv, now)...)
		}
	}
	slices.SortStableFunc(all, func(a, b happening) int { return a.at.Compare(b.at) })
	for _, h := range all {
		p.Store.Events.Add(h.Event)
	}
}

// changesOf returns what has happened to a Service since it was last shown.
func (p *Plane) changesOf(sv *store.Service, now time.Time) (all []happening) {
	r, kind := &sv.Rollout, "MODIFIED"
	stage, current := 0, lifecycle.CurrentStage(r, now)
	switch shown, ok := p.Store.Events.Shown[sv.Key]; {
	case !ok:
		kind = "ADDED"
	case shown.Write == r.Version && shown.Deleting != sv.Deleting():
		stage = current
	case shown.Write == r.Version:
		stage = shown.Stage + 1
	case shown.Generation == sv.Generation:
		stage = shown.Stage // the change of the metadata
	}
	for ; stage <= current; stage++ {
		at := r.At.Add(r.Stages[stage].After)
		doc := lifecycle.RenderStage(p.Store, sv, stage, at)
		all = append(all, happening{at, store.Event{Type: kind, Key: sv.Key, Version: tree.Text(tree.At(doc, "metadata"), "resourceVersion"), Doc: doc}})
		p.Store.Events.Shown[sv.Key] = store.Shown{UID: sv.UID, Write: r.Version, Generation: sv.Generation, Stage: stage, Deleting: sv.Deleting(), Doc: doc}
		kind = "MODIFIED"
	}
	return all
}

// NextChange returns how long it takes until a Service changes without a write; at
// most a limit.
func (p *Plane) NextChange(now time.Time, limit time.Duration) time.Duration {
	next := limit
	for sv := range p.Store.Services.All() {
		for _, st := range sv.Rollout.Stages {
			if in := sv.Rollout.At.Add(st.After).Sub(now); in > 0 {
				next = min(next, in)
			}
		}
		if in := sv.GoneAt.Sub(now); sv.Deleting() && in > 0 {
			next = min(next, in)
		}
	}
	return next
}

// BeginWatch returns the number of the first event of a watch from a resource
// version, and the events to begin with. Without a version, these are the present
// Services.
func (p *Plane) BeginWatch(c Call, version string) (next int, first []store.Event, err *apierror.Error) {
	if err := p.permit(c.Target, "run.services.watch"); err != nil {
		return 0, nil, err
	}
	p.Advance(c.Now)
	events := &p.Store.Events
	if version == "" || version == "0" {
		for key, shown := range events.Shown {
			first = append(first, store.Event{Type: "ADDED", Key: key, Doc: shown.Doc})
		}
		slices.SortFunc(first, func(a, b store.Event) int { return strings.Compare(a.Key.Name, b.Key.Name) })
		return events.End(), first, nil
	}
	if next, ok := events.After(version); ok {
		return next, nil, nil
	}
	n, failed := strconv.ParseInt(version, 10, 64)
	switch {
	case failed != nil:
		return 0, nil, apierror.Invalid("Invalid value: %q: strconv.ParseUint: parsing %q: invalid syntax", version, version)
	case n >= p.Store.Versions.Last():
		return events.End(), nil, nil
	}
	return -1, nil, nil
}

// Expired is the event for a watch from a resource version that is too old.
func Expired(version string) tree.Object {
	e := apierror.Error{Code: 410, Reason: "Expired", Message: "too old resource version: " + version}
	return tree.Object{"type": "ERROR", "object": e.Body(true)}
}

// Bookmark is the event that only has the current resource version.
func (p *Plane) Bookmark() tree.Object {
	return tree.Object{"type": "BOOKMARK", "object": tree.Object{"apiVersion": resources.APIVersion, "kind": "Service",
		"metadata": tree.Object{"resourceVersion": p.ListVersion(), "creationTimestamp": nil}, "spec": tree.Object{}, "status": tree.Object{}}}
}

// ListVersion returns the resource version of a list of a cluster.
func (p *Plane) ListVersion() string {
	if version := p.Store.Events.Version(); version != "" {
		return version
	}
	return p.Store.Versions.Spell(p.Store.Versions.Last())
}
