package cloudruntest

import (
	"encoding/json"
	"fmt"
	"time"
)

// PutService puts a Service there as if it had been for long. Its metadata and
// its status are taken as they are, so that it may say what no server would;
// without a status it is ready. Revisions that its traffic or its status names and that
// do not exist are made from its template. On a cluster the region is empty.
func (s *Server) PutService(project, region string, raw json.RawMessage) error {
	doc, err := decode(raw)
	if err != nil {
		return fmt.Errorf("cloudruntest: put service: %w", err)
	}
	name := text(at(doc, "metadata"), "name")
	if name == "" || at(doc, "spec") == nil {
		return fmt.Errorf("cloudruntest: put service: it needs metadata.name and spec")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, apiErr := s.project(project)
	if apiErr != nil {
		return fmt.Errorf("cloudruntest: put service: %w", apiErr)
	}
	s.seed(doc, target{project: p, region: region, name: name}, time.Now())
	return nil
}

func (s *Server) seed(doc object, t target, now time.Time) {
	sv := &service{
		key: serviceKey{t.project.number, t.region, t.name}, project: t.project, host: serviceHost(t),
		uid: newUID(), created: now, generation: 1, configGen: 1, balancer: &balancer{},
	}
	meta := child(doc, "metadata")
	sv.uid = or(text(meta, "uid"), sv.uid)
	if created, err := time.Parse(time.RFC3339, text(meta, "creationTimestamp")); err == nil {
		sv.created = created
	}
	if n, ok := number(meta["generation"]); ok {
		sv.generation, sv.configGen = n, n
	}
	status, _ := doc["status"].(object)
	delete(doc, "status")
	sv.doc = s.seedDocument(doc, sv, t)
	sv.plain = clone(sv.doc)
	if s.conf.cluster {
		clusterDefaults(sv.plain, nil)
	} else {
		setDefaults(t.name, t.project.number, t.region, sv.plain)
	}
	sv.rollout = rollout{at: now, version: s.clock.next(), stages: []stage{{routed: true, conditions: s.readyConditions()}}, seeded: status}
	if version := text(meta, "resourceVersion"); version != "" {
		sv.rollout.seededVersion = version
	}
	if deleted, err := time.Parse(time.RFC3339, text(meta, "deletionTimestamp")); err == nil {
		sv.deleted, sv.goneAt = deleted, now.Add(1<<62)
	}
	s.seedRevisions(sv, status, now)
	s.services[sv.key] = sv
	s.hosts[sv.host], s.hosts[numberHost(sv)] = sv.key, sv.key
	if status == nil {
		s.openDoors(sv, nil)
		s.annotate(sv)
	}
	s.notify()
}

func (s *Server) readyConditions() []Condition {
	ok := Condition{Status: "True"}
	if s.conf.cluster {
		return sorted(ok, ok, ok)
	}
	return three(ok, ok, ok)
}

// seedDocument adds what every stored Service has and the given one may lack.
func (s *Server) seedDocument(doc object, sv *service, t target) object {
	meta := child(doc, "metadata")
	namespace := t.project.number
	if s.conf.cluster {
		namespace = t.project.id
	} else {
		child(meta, "labels")[locationLabel] = t.region
	}
	annotations := child(meta, "annotations")
	for key, value := range map[string]any{"apiVersion": apiVersion, "kind": "Service"} {
		setIfAbsent(doc, key, value)
	}
	setIfAbsent(annotations, creatorAnnotation, caller)
	setIfAbsent(annotations, modifierAnnotation, caller)
	setIfAbsent(meta, "namespace", namespace)
	setIfAbsent(meta, "uid", sv.uid)
	setIfAbsent(meta, "creationTimestamp", s.timestamp(sv.created))
	spec := child(doc, "spec")
	setIfAbsent(spec, "traffic", []any{object{"latestRevision": true, "percent": 100}})
	child(child(spec, "template"), "metadata")
	return doc
}

func setIfAbsent(o object, key string, value any) {
	if o[key] == nil {
		o[key] = value
	}
}

// seedRevisions makes the Revisions that a status names, or one if there is no status.
func (s *Server) seedRevisions(sv *service, status object, now time.Time) {
	template := at(sv.doc, "spec", "template")
	names := []string{}
	for _, t := range append(objects(at(sv.doc, "spec"), "traffic"), objects(status, "traffic")...) {
		names = append(names, text(t, "revisionName"))
	}
	names = append(names, text(status, "latestReadyRevisionName"), text(status, "latestCreatedRevisionName"))
	if status == nil {
		names = append(names, or(text(at(template, "metadata"), "name"), s.revisionName(sv)))
	}
	for _, name := range names {
		if name != "" && sv.revision(name) == nil {
			sv.revisions = append(sv.revisions, s.newRevision(sv, name, template, sv.created))
		}
	}
	if n := len(sv.revisions); n > 0 {
		sv.latest = sv.revisions[n-1]
		failed := text(status, "latestCreatedRevisionName") != text(status, "latestReadyRevisionName")
		if failed && status != nil {
			sv.latest.failure = &Failure{}
		}
	}
}

// PutRevision puts a Revision of an existing Service there, or replaces one of
// the same name. Its labels must name the Service (serving.knative.dev/service).
// Its status is taken as it is; without one it is ready.
func (s *Server) PutRevision(project, region string, raw json.RawMessage) error {
	doc, err := decode(raw)
	if err != nil {
		return fmt.Errorf("cloudruntest: put revision: %w", err)
	}
	name := text(at(doc, "metadata"), "name")
	owner := text(at(doc, "metadata", "labels"), "serving.knative.dev/service")
	s.mu.Lock()
	defer s.mu.Unlock()
	p, apiErr := s.project(project)
	if apiErr != nil {
		return fmt.Errorf("cloudruntest: put revision: %w", apiErr)
	}
	sv := s.services[serviceKey{p.number, region, owner}]
	if sv == nil || name == "" {
		return fmt.Errorf("cloudruntest: put revision %q: %w", name, errNoService(project, owner))
	}
	s.seedRevision(sv, doc, name)
	return nil
}

func (s *Server) seedRevision(sv *service, doc object, name string) {
	status, _ := doc["status"].(object)
	delete(doc, "status")
	r := &revision{name: name, seq: s.clock.next(), doc: doc, created: sv.created, outcome: sv.created, seeded: status}
	r.template = object{"metadata": without(at(doc, "metadata"), "name"), "spec": at(doc, "spec")}
	if status != nil && !readyIn(status) {
		r.failure = &Failure{}
	}
	for i, old := range sv.revisions {
		if old.name == name {
			r.template, r.seq = old.template, old.seq
			sv.revisions[i] = r
			if sv.latest == old {
				sv.latest = r
			}
			return
		}
	}
	sv.revisions = append([]*revision{r}, sv.revisions...) // older than what is there
}

func readyIn(status object) bool {
	for _, c := range objects(status, "conditions") {
		if text(c, "type") == "Ready" {
			return text(c, "status") == "True"
		}
	}
	return true
}
