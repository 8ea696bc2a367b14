package cloudruntest

import (
	"fmt"
	"slices"
)

// readObject reads the body of a write.
func (s *Server) readObject(c *call, kind string) (object, *apiError) {
	doc, err := decode(c.body)
	if s.conf.cluster {
		return s.readKubernetes(c, doc, err, kind)
	}
	switch {
	case err != nil:
		return nil, invalid("Invalid JSON payload received. %s", err)
	case doc == nil:
		return nil, invalid("Invalid JSON payload received. An object is expected.")
	}
	if v := text(doc, "apiVersion"); v != "" && v != apiVersion {
		return nil, violation("apiVersion", fmt.Sprintf("Unsupported api version '%s'; expected '%s'.", v, apiVersion))
	}
	if k := text(doc, "kind"); k != "" && k != kind {
		return nil, violation("kind", fmt.Sprintf("Unexpected kind '%s'; expected '%s'.", k, kind))
	}
	return doc, nil
}

// admit checks a Service that is to be written and gives it its defaults. It
// returns the warnings that go with the answer.
func (s *Server) admit(c *call, t target, doc object, old *service) ([]string, *apiError) {
	if s.conf.cluster {
		return s.admitCluster(c, t, doc, old)
	}
	meta := at(doc, "metadata")
	if ns := text(meta, "namespace"); ns != "" && ns != t.project.id && ns != t.project.number {
		return nil, violation("metadata.namespace", fmt.Sprintf("The namespace '%s' does not match the project '%s' of the request.", ns, t.project.name()))
	}
	if name := text(meta, "name"); name != "" && name != t.name {
		return nil, violation("metadata.name", fmt.Sprintf("The name '%s' does not match the name '%s' of the request.", name, t.name))
	}
	if err := s.checkVersion(c, t, meta, old); err != nil {
		return nil, err
	}
	if broken := validate(t.name, doc); len(broken) > 0 {
		return nil, violations(broken)
	}
	setDefaults(t.name, t.project.number, t.region, doc)
	return nil, nil
}

// checkVersion refuses a write that was made from an older state. Who sends no
// version does not care.
func (s *Server) checkVersion(c *call, t target, meta object, old *service) *apiError {
	sent := text(meta, "resourceVersion")
	if old == nil || sent == "" {
		return nil
	}
	current := s.versionOf(old, old.rollout.index(c.now))
	if sent != current {
		return conflict("Conflict for resource '%s': version '%s' was specified but current version is '%s'.", t.name, sent, current)
	}
	return nil
}

// fault in a field of a request.
type fieldViolation struct{ field, description string }

func violation(field, description string) *apiError {
	return violations([]fieldViolation{{field, description}})
}

// violations is the refusal of a document for what is wrong in its fields.
func violations(list []fieldViolation) *apiError {
	e := invalid("The request has errors")
	if len(list) == 1 {
		e.message = list[0].field + ": " + list[0].description
	}
	fields := make([]any, len(list))
	for i, v := range list {
		fields[i] = object{"field": v.field, "description": v.description}
	}
	e.details = []any{object{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": slices.Clip(fields)}}
	return e
}
