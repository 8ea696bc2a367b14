package cloudruntest

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"
)

const apiVersion = "serving.knative.dev/v1"

// service is one Service. A write makes a new one that shares what did not
// change; only what happens without a write is changed in place.
type service struct {
	key     serviceKey
	project *project
	host    string // of its URL, unless it has a listener of its own
	uid     string
	created time.Time

	doc        object // without status, generation and resourceVersion
	plain      object // doc with its defaults, if it was put there without them
	generation int64
	configGen  int64       // how many templates there have been
	revisions  []*revision // oldest first
	latest     *revision   // the latest created
	rollout    rollout

	policy   object // nil: never set
	deleted  time.Time
	goneAt   time.Time
	before   answer // what a read showed before the last write
	balancer *balancer
}

// gone reports whether a deletion is complete.
func (sv *service) gone(now time.Time) bool { return !sv.deleted.IsZero() && !now.Before(sv.goneAt) }

func (sv *service) annotation(key string) string {
	return text(at(sv.doc, "metadata", "annotations"), key)
}

// comparable is the document to compare a new one with.
func (sv *service) comparable() object {
	if sv.plain != nil {
		return sv.plain
	}
	return sv.doc
}

// render is the Service as a read shows it at a moment.
func (s *Server) render(sv *service, now time.Time) object {
	i := sv.rollout.index(now)
	return s.renderStage(sv, i, now)
}

func (s *Server) renderStage(sv *service, i int, now time.Time) object {
	doc := maps.Clone(sv.doc)
	meta := maps.Clone(at(doc, "metadata"))
	meta["generation"] = sv.generation
	meta["resourceVersion"] = s.versionOf(sv, i)
	if !sv.deleted.IsZero() {
		meta["deletionTimestamp"] = s.timestamp(sv.deleted)
	}
	doc["metadata"] = meta
	if status := s.status(sv, i, now); status != nil {
		doc["status"] = status
	}
	return doc
}

// versionOf is the resource version of a Service in a stage of its rollout.
func (s *Server) versionOf(sv *service, i int) string {
	return or(sv.rollout.seededVersion, s.version(sv.rollout.version+int64(i)))
}

func (s *Server) getService(c *call, t target) (answer, *apiError) {
	sv, err := s.lookUp(c, t, "run.services.get")
	if err != nil {
		return answer{}, err
	}
	if c.stale && sv.before.code != 0 {
		return sv.before, nil
	}
	return answerJSON(http.StatusOK, s.render(sv, c.now)), nil
}

// lookUp finds a Service that the caller may use in the way told.
func (s *Server) lookUp(c *call, t target, permission string) (*service, *apiError) {
	if err := s.permit(permission, "namespaces/"+t.project.name()+"/services/"+t.name); err != nil {
		return nil, err
	}
	if sv := s.find(t, c); sv != nil {
		return sv, nil
	}
	return nil, s.missing("SERVICE", "services", t)
}

func (s *Server) missing(kind, plural string, t target) *apiError {
	if s.conf.cluster {
		return &apiError{code: 404, reason: "NotFound", kind: plural, name: t.name,
			message: plural + `.serving.knative.dev "` + t.name + `" not found`}
	}
	region := t.region
	if region == "" {
		region = s.conf.regions[0]
	}
	return notFound("Resource '" + t.name + "' of kind '" + kind + "' in region '" + region +
		"' in project '" + t.project.name() + "' does not exist.")
}

func (s *Server) createService(c *call, t target) (answer, *apiError) {
	doc, err := s.readObject(c, "Service")
	if err != nil {
		return answer{}, err
	}
	s.generateName(doc)
	t.name = text(at(doc, "metadata"), "name")
	if err := s.permit("run.services.create", "namespaces/"+t.project.name()+"/services/"+t.name); err != nil {
		return answer{}, err
	}
	if old := s.find(t, c); old != nil {
		return answer{}, s.alreadyExists(t, old)
	}
	if t.region == "" && !s.conf.cluster {
		t.region = text(at(doc, "metadata", "labels"), locationLabel)
		if !s.hasRegion(t.region) {
			t.region = s.conf.regions[0]
		}
	}
	return s.write(c, t, doc, nil)
}

func (s *Server) alreadyExists(t target, old *service) *apiError {
	if !s.conf.cluster {
		return exists("Resource '%s' already exists.", t.name)
	}
	message := `services.serving.knative.dev "` + t.name + `" already exists`
	if !old.deleted.IsZero() {
		message = "object is being deleted: " + message
	}
	return &apiError{code: 409, reason: "AlreadyExists", kind: "services", name: t.name, message: message}
}

func (s *Server) replaceService(c *call, t target) (answer, *apiError) {
	doc, err := s.readObject(c, "Service")
	if err != nil {
		return answer{}, err
	}
	old, err := s.lookUp(c, t, "run.services.update")
	if err != nil {
		return answer{}, err
	}
	t.region = old.key.region
	if !old.deleted.IsZero() && !s.conf.cluster {
		return answer{}, conflict("Resource '%s' is being deleted.", t.name)
	}
	return s.write(c, t, doc, old)
}

// write creates a Service or replaces one.
func (s *Server) write(c *call, t target, doc object, old *service) (answer, *apiError) {
	dry, err := s.dryRun(c)
	if err != nil {
		return answer{}, err
	}
	warnings, err := s.admit(c, t, doc, old)
	if err != nil {
		return answer{}, err
	}
	if err := s.permitAccount(doc); err != nil {
		return answer{}, err
	}
	if old != nil && s.unchanged(old, doc) {
		return warn(answerJSON(http.StatusOK, s.render(old, c.now)), warnings), nil
	}
	next, err := s.change(c, t, doc, old)
	if err != nil {
		return answer{}, err
	}
	if !dry {
		s.openDoors(next, old)
	}
	s.annotate(next)
	if !dry {
		s.commit(c, next, old)
	}
	code := http.StatusOK
	if old == nil && s.conf.cluster {
		code = http.StatusCreated
	}
	shown := s.renderStage(next, s.answerStage(next, c.now), c.now)
	if dry && old == nil && s.conf.cluster {
		delete(at(shown, "metadata"), "resourceVersion")
	}
	return warn(answerJSON(code, shown), warnings), nil
}

// answerStage is what the answer to a write shows: a cluster answers before any controller has seen it.
func (s *Server) answerStage(sv *service, now time.Time) int {
	if s.conf.cluster {
		return 0
	}
	return sv.rollout.index(now)
}

func warn(a answer, warnings []string) answer {
	for _, w := range warnings {
		quoted, _ := json.Marshal(w)
		a.header.Add("Warning", "299 - "+string(quoted))
	}
	return a
}

// dryRun reads the parameter of that name.
func (s *Server) dryRun(c *call) (bool, *apiError) {
	values, given := c.query["dryRun"]
	if !given || len(values) == 1 && values[0] == "" {
		return false, nil
	}
	want := "all"
	if s.conf.cluster {
		want = "All"
	}
	for _, v := range values {
		if v != want {
			return false, s.badDryRun(c, v)
		}
	}
	return true, nil
}

func (s *Server) badDryRun(c *call, value string) *apiError {
	if !s.conf.cluster {
		return invalid("dryRun: unsupported value '%s'; the only supported value is 'all'", value)
	}
	options := map[string]string{"POST": "CreateOptions", "PUT": "UpdateOptions", "DELETE": "DeleteOptions"}[c.r.Method]
	return unprocessable(`%s.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["%s"]: supported values: "All"`, options, value)
}

// change makes the Service that a write leads to. It changes nothing that is stored.
func (s *Server) change(c *call, t target, doc object, old *service) (*service, *apiError) {
	next := &service{created: c.now, uid: newUID(), balancer: &balancer{}}
	if old != nil {
		copied := *old
		next = &copied
	} else {
		next.project, next.key = t.project, serviceKey{t.project.number, t.region, t.name}
		next.host = serviceHost(t)
	}
	if old == nil || !s.conf.cluster || !same(doc["spec"], old.comparable()["spec"]) {
		next.generation++
	}
	next.plain = nil
	script := s.script(next.project, next.key.name)
	next.doc = s.stamp(c, next, doc)
	made, err := s.nextRevision(c, next, old, script)
	if err != nil {
		return nil, err
	}
	next.rollout = s.roll(next, old, script, made, c.now)
	if old != nil && next.generation == old.generation {
		next.rollout = old.rollout // only the metadata changed, which no controller looks at
		next.rollout.version, next.rollout.seededVersion, next.rollout.made = s.clock.next(), "", ""
	}
	return next, nil
}

// commit stores what a write led to.
func (s *Server) commit(c *call, next, old *service) {
	kind := "update"
	if old == nil {
		kind = "create"
		next.before = s.missing("SERVICE", "services", target{project: next.project, region: next.key.region, name: next.key.name}).answer(s.conf.cluster)
		s.hosts[next.host] = next.key
		s.hosts[numberHost(next)] = next.key
	} else {
		next.before = answerJSON(http.StatusOK, s.render(old, c.now))
	}
	s.services[next.key] = next
	s.retire(next, c.now)
	s.ops.add(next)
	s.notify()
	s.history(Write{Kind: kind, Body: c.body, Revision: next.rollout.made}, next, c.now)
}

func (s *Server) deleteService(c *call, t target) (answer, *apiError) {
	sv, err := s.lookUp(c, t, "run.services.delete")
	if err != nil {
		return answer{}, err
	}
	dry, err := s.dryRun(c)
	if err != nil {
		return answer{}, err
	}
	details := object{"name": t.name, "kind": "services"}
	if s.conf.cluster {
		details = object{"name": t.name, "group": "serving.knative.dev", "kind": "services", "uid": sv.uid}
	}
	if !dry && sv.deleted.IsZero() {
		s.remove(c, sv)
	}
	if s.conf.cluster && c.query.Get("propagationPolicy") == "Foreground" {
		return answerJSON(http.StatusOK, s.render(sv, c.now)), nil
	}
	return answerJSON(http.StatusOK, object{"apiVersion": "v1", "kind": "Status", "metadata": object{}, "status": "Success", "details": details}), nil
}

// remove begins the deletion of a Service, and ends it if it takes no time.
func (s *Server) remove(c *call, sv *service) {
	script := s.script(sv.project, sv.key.name)
	sv.before = answerJSON(http.StatusOK, s.render(sv, c.now))
	sv.deleted, sv.goneAt = c.now, c.now.Add(script.DeletionTime)
	s.history(Write{Kind: "delete"}, sv, c.now)
	if script.DeletionTime <= 0 {
		delete(s.services, sv.key)
	}
	s.closeDoors(sv)
	s.notify()
}
