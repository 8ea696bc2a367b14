package parity

import (
	"fmt"
	"slices"
	"strings"
)

// service responds to requests for Services.
func (s *Server) service(in Request, m []string) (int, any) {
	kind := map[string]string{"GET": "get", "POST": "write", "PUT": "write", "DELETE": "delete"}[in.Method]
	if status, body, ok := s.fails(kind); ok {
		return status, body
	}
	name := m[1]
	is, exists := s.services[name]
	switch {
	case in.Method == "POST":
		return s.write(in)
	case name == "":
		return 200, Object{"apiVersion": "serving.knative.dev/v1", "kind": "ServiceList", "items": s.all(), "metadata": Object{}}
	case !exists && in.Method != "PUT":
		return failure(404, "NOT_FOUND", "Resource '%s' of kind 'SERVICE' in region 'us-central1' in project 'demo' does not exist.", name)
	case in.Method == "PUT":
		return s.write(in)
	case in.Method == "DELETE":
		delete(s.services, name)
		return 200, Object{"apiVersion": "v1", "kind": "Status", "status": "Success"}
	}
	return 200, s.advance(is)
}

func (s *Server) all() (items []any) {
	for _, service := range s.services {
		items = append(items, service)
	}
	return items
}

// write stores a Service unless the request is a dry run.
func (s *Server) write(in Request) (int, any) {
	body, ok := clone(in.Body).(Object)
	if !ok {
		return failure(400, "INVALID_ARGUMENT", "the body is not an object")
	}
	name := nameOf(body)
	old, exists := s.services[name]
	if exists && in.Method == "POST" {
		return failure(409, "ALREADY_EXISTS", "Resource '%s' already exists.", name)
	}
	generation := 1.0
	s.kept = ""
	if exists {
		if text(object(old, "spec")["template"]) == text(object(body, "spec")["template"]) {
			s.kept, _ = object(old, "status")["latestCreatedRevisionName"].(string)
		}
		generation, _ = object(old, "metadata")["generation"].(float64)
		generation++
	}
	meta := object(body, "metadata")
	meta["generation"] = generation
	if exists {
		meta["uid"] = object(old, "metadata")["uid"]
	}
	written := s.finish(body, map[string]string{"": "ready", "immediate": "ready", "immediate-fail": "failed", "poll-stale": "stale"}[s.behavior.Mode])
	if in.Query["dryRun"] == "all" {
		return 200, written
	}
	s.services[name], s.pending, s.reads = written, name, 0
	return 200, written
}

// advance returns a Service as the next read shows it.
func (s *Server) advance(is Object) Object {
	if s.pending == "" || !slices.Contains([]string{"poll", "poll-fail", "poll-stale", "wait"}, s.behavior.Mode) {
		return is
	}
	s.reads++
	switch {
	case s.reads == 1:
		return s.finish(is, "pending")
	case s.reads == 2:
		return s.finish(is, "routing")
	case s.behavior.Mode == "poll-fail":
		return s.finish(is, "failed")
	}
	return s.finish(is, "ready")
}

// finish returns a Service with the fields that the control plane owns.
func (s *Server) finish(body Object, state string) Object {
	service := clone(body).(Object)
	name := nameOf(service)
	meta := object(service, "metadata")
	generation, _ := meta["generation"].(float64)
	meta["resourceVersion"] = fmt.Sprintf("AAY%05d", int(generation))
	if meta["uid"] == nil {
		meta["uid"] = "7d5f2a10-0000-4000-8000-000000000005"
	}
	meta["namespace"] = Number
	object(meta, "labels")["cloud.googleapis.com/location"] = Region
	annotations := object(meta, "annotations")
	if annotations[run+"ingress"] == nil {
		annotations[run+"ingress"] = "all"
	}
	annotations[run+"ingress-status"] = annotations[run+"ingress"]
	annotations[run+"urls"] = fmt.Sprintf(`["https://%s-%s.%s.run.app","https://%s-abcdefghij-uc.a.run.app"]`, name, Number, Region, name)
	delete(annotations, run+"operation-id")
	if strings.HasPrefix(s.behavior.Mode, "wait") {
		annotations[run+"operation-id"] = "b5e0b6a1-1111-4222-8333-444455556666"
	}
	spec := object(service, "spec")
	if len(list(spec["traffic"])) == 0 {
		spec["traffic"] = []any{Object{"latestRevision": true, "percent": 100.0}}
	}
	template := object(spec, "template")
	nameContainers(list(object(template, "spec")["containers"]), name)
	revision, _ := object(template, "metadata")["name"].(string)
	if s.kept != "" {
		revision = s.kept
	}
	if revision == "" {
		revision = fmt.Sprintf("%s-%05d-abc", name, int(generation))
	}
	service["status"] = s.status(list(spec["traffic"]), generation, name, revision, state)
	return service
}

func nameContainers(containers []any, service string) {
	for i, c := range containers {
		container := c.(Object)
		if name, _ := container["name"].(string); name == "" {
			container["name"] = fmt.Sprintf("%s-%d", service, i+1)
		}
	}
}

func (s *Server) status(targets []any, generation float64, name, revision, state string) Object {
	url := "https://" + name + "-abcdefghij-uc.a.run.app"
	traffic := []any{}
	for _, t := range targets {
		target := clone(t).(Object)
		if target["latestRevision"] == true {
			target["revisionName"] = revision
		}
		if tag, _ := target["tag"].(string); tag != "" {
			target["url"] = "https://" + tag + "---" + name + "-abcdefghij-uc.a.run.app"
		}
		traffic = append(traffic, target)
	}
	if state == "stale" {
		generation--
	}
	return Object{"observedGeneration": generation, "conditions": s.conditions(revision, state), "latestCreatedRevisionName": revision,
		"latestReadyRevisionName": revision, "url": url, "address": Object{"url": url}, "traffic": traffic}
}

func (s *Server) conditions(revision, state string) []any {
	condition := func(kind, status, message string) any {
		c := Object{"type": kind, "status": status, "lastTransitionTime": "2025-06-01T00:00:00.000000Z"}
		if message != "" {
			c["message"] = message
			c["reason"] = map[string]string{"False": "HealthCheckContainerError", "Unknown": "Deploying"}[status]
		}
		return c
	}
	var all []any
	switch state {
	case "ready", "stale":
		all = []any{condition("Ready", "True", ""), condition("ConfigurationsReady", "True", ""), condition("RoutesReady", "True", "")}
	case "failed":
		message := fmt.Sprintf("Revision '%s' is not ready and cannot serve traffic. The user-provided container failed to "+
			"start and listen on the port defined provided by the PORT=8080 environment variable.", revision)
		all = []any{condition("Ready", "False", message), condition("ConfigurationsReady", "False", message), condition("RoutesReady", "True", "")}
	case "routing":
		all = []any{condition("Ready", "Unknown", ""), condition("ConfigurationsReady", "True", ""), condition("RoutesReady", "Unknown", "Assigning traffic.")}
	default:
		all = []any{condition("Ready", "Unknown", "Deploying Revision."), condition("ConfigurationsReady", "Unknown", "Deploying Revision."), condition("RoutesReady", "Unknown", "")}
	}
	return append(all, s.behavior.ExtraConditions...)
}
