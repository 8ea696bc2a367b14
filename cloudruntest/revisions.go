package cloudruntest

import (
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"
)

// maxRevisions is how many revisions Cloud Run keeps of a Service.
const maxRevisions = 1000

// revision is one Revision. Its readiness follows from the time.
type revision struct {
	name     string
	seq      int64 // order of creation, over all Services
	doc      object
	template object // that it was made from
	created  time.Time
	outcome  time.Time // when it is ready or has failed
	never    bool      // neither will happen
	failure  *Failure
	seeded   object // status that was given to PutRevision

	start   sync.Once
	handler http.Handler
}

func (r *revision) decided(now time.Time) bool { return !r.never && !now.Before(r.outcome) }
func (r *revision) ready(now time.Time) bool   { return r.failure == nil && r.decided(now) }
func (r *revision) failed(now time.Time) bool  { return r.failure != nil && r.decided(now) }

// revision finds a revision of a Service.
func (sv *service) revision(name string) *revision {
	for i := len(sv.revisions) - 1; i >= 0; i-- {
		if sv.revisions[i].name == name {
			return sv.revisions[i]
		}
	}
	return nil
}

// latestReady is the newest revision that is ready.
func (sv *service) latestReady(now time.Time) *revision {
	for i := len(sv.revisions) - 1; i >= 0; i-- {
		if sv.revisions[i].ready(now) {
			return sv.revisions[i]
		}
	}
	return nil
}

// nextRevision gives a Service the revision that its template asks for, and
// reports whether that is a new one.
func (s *Server) nextRevision(c *call, next, old *service, script Script) (bool, *apiError) {
	template := at(next.doc, "spec", "template")
	name := text(at(template, "metadata"), "name")
	if old != nil && same(template, at(old.comparable(), "spec", "template")) {
		return false, nil
	}
	if r := next.revision(name); name != "" && r != nil {
		if !same(withoutName(r.template), withoutName(template)) {
			return false, exists("Revision named '%s' with different configuration already exists.", name)
		}
		next.latest = r
		return false, nil
	}
	next.configGen++
	if name == "" {
		name = s.revisionName(next)
	}
	r := s.newRevision(next, name, template, c.now)
	next.revisions = append(next.revisions[:len(next.revisions):len(next.revisions)], r)
	next.latest = r
	r.failure = script.FailRevision
	return true, nil
}

func withoutName(template object) object {
	return with(template, "metadata", without(at(template, "metadata"), "name"))
}

func (s *Server) revisionName(sv *service) string {
	if s.conf.cluster {
		return fmt.Sprintf("%s-%05d", sv.key.name, sv.configGen)
	}
	return fmt.Sprintf("%s-%05d-%s", sv.key.name, sv.generation, revisionWord())
}

func (s *Server) newRevision(sv *service, name string, template object, now time.Time) *revision {
	seq := s.clock.next()
	generation := sv.configGen
	if !s.conf.cluster {
		generation = sv.generation
	}
	meta := maps.Clone(at(template, "metadata"))
	labels := with(at(meta, "labels"), "serving.knative.dev/service", sv.key.name)
	labels["serving.knative.dev/configuration"] = sv.key.name
	labels["serving.knative.dev/configurationGeneration"] = itoa(int(generation))
	labels["serving.knative.dev/serviceUid"] = sv.uid
	meta = with(meta, "name", name)
	meta["labels"] = labels
	meta["annotations"] = with(at(meta, "annotations"), creatorAnnotation, caller)
	meta["uid"], meta["generation"], meta["creationTimestamp"] = newUID(), 1, s.timestamp(now)
	meta["namespace"] = sv.project.id
	if !s.conf.cluster {
		labels["serving.knative.dev/route"] = sv.key.name
		labels[locationLabel] = sv.key.region
		meta["namespace"] = sv.project.number
		meta["selfLink"] = "/apis/" + apiVersion + "/namespaces/" + sv.project.number + "/revisions/" + name
	}
	meta["ownerReferences"] = []any{object{"apiVersion": apiVersion, "kind": "Configuration", "name": sv.key.name, "uid": sv.uid,
		"controller": true, "blockOwnerDeletion": true}}
	doc := object{"apiVersion": apiVersion, "kind": "Revision", "metadata": meta, "spec": at(template, "spec")}
	return &revision{name: name, seq: seq, doc: doc, template: template, created: now, outcome: now}
}

// retire drops the oldest revisions that nothing uses, beyond the number that Cloud Run keeps.
func (s *Server) retire(sv *service, now time.Time) {
	excess := len(sv.revisions) - maxRevisions
	if excess <= 0 || s.conf.cluster {
		return
	}
	used := s.serving(sv, now)
	kept := make([]*revision, 0, maxRevisions)
	for _, r := range sv.revisions {
		if excess > 0 && r != sv.latest && !used[r.name] {
			excess--
			continue
		}
		kept = append(kept, r)
	}
	sv.revisions = kept
}

// serving names the revisions that the Service uses: with traffic, tagged, or about to be.
func (s *Server) serving(sv *service, now time.Time) map[string]bool {
	used := map[string]bool{}
	if r := sv.latestReady(now); r != nil && sv.routesLatest() {
		used[r.name] = true
	}
	view := sv.view(sv.rollout.index(now), now)
	for _, list := range [][]object{objects(at(sv.doc, "spec"), "traffic"), targets(view.traffic)} {
		for _, t := range list {
			if name := text(t, "revisionName"); name != "" {
				used[name] = true
			}
		}
	}
	return used
}

func (s *Server) findRevision(c *call, t target, permission string) (*service, *revision, *apiError) {
	if err := s.permit(permission, "namespaces/"+t.project.name()+"/revisions/"+t.name); err != nil {
		return nil, nil, err
	}
	for key, sv := range s.services {
		if key.project != t.project.number || t.region != "" && t.region != key.region || sv.gone(c.now) {
			continue
		}
		if r := sv.revision(t.name); r != nil {
			return sv, r, nil
		}
	}
	return nil, nil, s.missing("REVISION", "revisions", t)
}

func (s *Server) getRevision(c *call, t target) (answer, *apiError) {
	sv, r, err := s.findRevision(c, t, "run.revisions.get")
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, s.renderRevision(sv, r, c.now)), nil
}

func (s *Server) deleteRevision(c *call, t target) (answer, *apiError) {
	sv, r, err := s.findRevision(c, t, "run.revisions.delete")
	if err != nil {
		return answer{}, err
	}
	dry, err := s.dryRun(c)
	if err != nil {
		return answer{}, err
	}
	if !s.conf.cluster {
		switch {
		case s.serving(sv, c.now)[r.name]:
			return answer{}, precondition("Revision '%s' is actively serving traffic and cannot be deleted.", r.name)
		case r == sv.latest:
			return answer{}, precondition("Revision '%s' is the latest created revision of service '%s' and cannot be deleted.", r.name, sv.key.name)
		}
	}
	if !dry {
		s.dropRevision(c, sv, r)
	}
	return answerJSON(http.StatusOK, object{
		"apiVersion": "v1", "kind": "Status", "metadata": object{}, "status": "Success",
		"details": object{"name": r.name, "kind": "revisions"},
	}), nil
}

func (s *Server) dropRevision(c *call, sv *service, r *revision) {
	kept := make([]*revision, 0, len(sv.revisions))
	for _, other := range sv.revisions {
		if other != r {
			kept = append(kept, other)
		}
	}
	sv.revisions = kept
	s.history(Write{Kind: "deleteRevision", Revision: r.name}, sv, c.now)
	s.notify()
}
