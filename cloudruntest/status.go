package cloudruntest

import (
	"time"
)

// status is the status of a Service in a stage of its rollout; nil if it has none.
func (s *Server) status(sv *service, i int, now time.Time) object {
	if sv.rollout.seeded != nil {
		return sv.rollout.seeded
	}
	v := sv.view(i, now)
	if v.blank {
		return nil
	}
	status := object{"conditions": s.conditions(v.conditions)}
	if v.observed > 0 {
		status["observedGeneration"] = v.observed
	}
	if v.created != "" {
		status["latestCreatedRevisionName"] = v.created
	}
	if v.ready != "" {
		status["latestReadyRevisionName"] = v.ready
	}
	if len(v.traffic) > 0 {
		status["traffic"] = s.withURLs(sv, v.traffic)
	}
	s.addURL(status, sv, v)
	return status
}

// addURL adds the Service's URL. A cluster has it only once there is a route,
// and the address when that has traffic.
func (s *Server) addURL(status object, sv *service, v view) {
	url := s.serviceURL(sv)
	if url == "" || sv.rollout.noURL || s.conf.cluster && len(v.traffic) == 0 && v.created == "" {
		return
	}
	status["url"] = url
	if !s.conf.cluster || len(v.traffic) > 0 {
		status["address"] = object{"url": url}
	}
}

func (s *Server) conditions(seen []seenCondition) []any {
	list := make([]any, len(seen))
	for i, c := range seen {
		list[i] = s.condition(c)
	}
	return list
}

func (s *Server) condition(c seenCondition) object {
	o := object{"type": c.Type, "status": c.Status, "lastTransitionTime": s.timestamp(c.since)}
	for k, v := range map[string]string{"reason": c.Reason, "message": c.Message, "severity": c.Severity} {
		if v != "" {
			o[k] = v
		}
	}
	return o
}

// seededView reads a status that was given to PutService, to go on from it.
func seededView(status object) view {
	v := view{created: text(status, "latestCreatedRevisionName"), ready: text(status, "latestReadyRevisionName"), traffic: items(status, "traffic")}
	v.observed, _ = number(status["observedGeneration"])
	for _, c := range objects(status, "conditions") {
		since, _ := time.Parse(time.RFC3339, text(c, "lastTransitionTime"))
		v.conditions = append(v.conditions, seenCondition{Condition{
			Type: text(c, "type"), Status: text(c, "status"), Reason: text(c, "reason"), Message: text(c, "message"), Severity: text(c, "severity"),
		}, since})
	}
	return v
}

// renderRevision is a Revision as a read shows it at a moment.
func (s *Server) renderRevision(sv *service, r *revision, now time.Time) object {
	phase := int64(0)
	if r.decided(now) {
		phase = 1
	}
	meta := with(at(r.doc, "metadata"), "resourceVersion", s.version(r.seq+phase))
	doc := with(r.doc, "metadata", meta)
	if r.seeded != nil {
		doc["status"] = r.seeded
		return doc
	}
	status := object{"observedGeneration": 1, "conditions": s.conditions(s.revisionConditions(sv, r, now))}
	if s.conf.cluster {
		status["logUrl"] = ""
	} else {
		status["logUrl"] = logURL(sv, r)
	}
	if image := text(ingressContainer(at(r.doc, "spec")), "image"); image != "" && r.ready(now) {
		s.addDigest(status, r, image)
	}
	dropEmpty(status, "logUrl")
	doc["status"] = status
	return doc
}

func (s *Server) addDigest(status object, r *revision, image string) {
	if !s.conf.cluster {
		status["imageDigest"] = withDigest(image)
		return
	}
	var list []any
	for _, c := range objects(at(r.doc, "spec"), "containers") {
		list = append(list, object{"name": text(c, "name"), "imageDigest": withDigest(text(c, "image"))})
	}
	status["containerStatuses"] = list
}

func logURL(sv *service, r *revision) string {
	if r.failure != nil && r.failure.LogURL != "" {
		return r.failure.LogURL
	}
	return "https://console.cloud.google.com/logs/viewer?project=" + sv.project.name() +
		"&resource=cloud_run_revision/service_name/" + sv.key.name + "/revision_name/" + r.name
}

func (s *Server) revisionConditions(sv *service, r *revision, now time.Time) []seenCondition {
	ok := func(kind string) seenCondition {
		return seenCondition{Condition{Type: kind, Status: "True"}, r.outcome}
	}
	pending := func(kind string) seenCondition {
		return seenCondition{Condition{Type: kind, Status: "Unknown", Reason: "Deploying"}, r.created}
	}
	kinds := []string{"ContainerHealthy", "ResourcesAvailable"}
	failing := "ContainerHealthy"
	if r.failure != nil {
		failing = or(r.failure.Condition, failing)
	}
	if failing != kinds[0] && failing != kinds[1] {
		kinds = append(kinds, failing)
	}
	list := []seenCondition{}
	for _, kind := range append([]string{"Ready"}, kinds...) {
		switch {
		case !r.decided(now):
			list = append(list, pending(kind))
		case r.failure != nil && (kind == "Ready" || kind == failing):
			list = append(list, seenCondition{Condition{Type: kind, Status: "False", Reason: r.failure.reason(), Message: r.failure.message()}, r.outcome})
		default:
			list = append(list, ok(kind))
		}
	}
	return append(list, s.activity(sv, r, now))
}

// activity tells whether a Revision serves.
func (s *Server) activity(sv *service, r *revision, now time.Time) seenCondition {
	active := Condition{Type: "Active", Status: "True", Severity: "Info"}
	switch {
	case !r.decided(now):
		active.Status, active.Reason = "Unknown", "Deploying"
	case !s.serving(sv, now)[r.name]:
		active.Status, active.Reason, active.Message = "False", "Retired", "Revision retired."
	}
	return seenCondition{active, r.outcome}
}
