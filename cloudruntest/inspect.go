package cloudruntest

import (
	"encoding/json"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// Service returns a Service as a read shows it now.
func (s *Server) Service(project, name string) (json.RawMessage, bool) {
	s.store.Lock()
	defer s.store.Unlock()
	doc := s.control.InspectService(project, name, time.Now())
	if doc == nil {
		return nil, false
	}
	return tree.Encode(doc), true
}

// Revisions returns the Revisions of a Service as reads show them now, the
// oldest first.
func (s *Server) Revisions(project, service string) []json.RawMessage {
	s.store.Lock()
	defer s.store.Unlock()
	docs := s.control.InspectRevisions(project, service, time.Now())
	if docs == nil {
		return nil
	}
	list := make([]json.RawMessage, len(docs))
	for i, doc := range docs {
		list[i] = tree.Encode(doc)
	}
	return list
}

// Policy returns the IAM policy of a Service, or nil if there is no such Service.
func (s *Server) Policy(project, name string) json.RawMessage {
	s.store.Lock()
	defer s.store.Unlock()
	policy := s.control.InspectPolicy(project, name, time.Now())
	if policy == nil {
		return nil
	}
	return tree.Encode(policy)
}
