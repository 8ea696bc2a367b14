package cloudruntest

import (
	"encoding/json"
	"fmt"
	"time"
)

func errNoService(project, name string) error {
	return fmt.Errorf("cloudruntest: project %q has no service %q", project, name)
}

// lookUpAny finds a Service in whatever region it is. The caller holds the lock.
func (s *Server) lookUpAny(ref, name string) *service {
	p, err := s.project(ref)
	if err != nil {
		return nil
	}
	return s.find(target{project: p, name: name}, &call{now: time.Now()})
}

// Service returns a Service as a read would show it now.
func (s *Server) Service(project, name string) (json.RawMessage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sv := s.lookUpAny(project, name)
	if sv == nil {
		return nil, false
	}
	return encode(s.render(sv, time.Now())), true
}

// Revisions returns the Revisions of a Service as a read would show them now, the oldest first.
func (s *Server) Revisions(project, service string) []json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	sv := s.lookUpAny(project, service)
	if sv == nil {
		return nil
	}
	list := make([]json.RawMessage, len(sv.revisions))
	for i, r := range sv.revisions {
		list[i] = encode(s.renderRevision(sv, r, time.Now()))
	}
	return list
}
