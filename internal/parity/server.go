package parity

import (
	"fmt"
	"sync"
)

// Server replays the server that a case was recorded against. It supports only
// what gcloud needs. It responds in process, without a port.
type Server struct {
	mu       sync.Mutex
	behavior Behavior
	services map[string]Object
	policy   Object
	revs     []Object
	requests []Request
	reads    int
	waits    int
	sets     int
	pending  string // the last written Service
	kept     string // its Revision, if the write created no new one
}

// NewServer returns the server of a case in its state before the command.
func NewServer(c *Case) *Server {
	s := &Server{behavior: Behavior{Mode: c.Server.Mode, Fail: map[string]*Fail{}, ExtraConditions: c.Server.ExtraConditions},
		services: map[string]Object{}, policy: Object{"etag": "ACAB"}, revs: c.Revisions}
	for kind, fail := range c.Server.Fail {
		copied := *fail
		if fail.Times != nil {
			times := *fail.Times
			copied.Times = &times
		}
		s.behavior.Fail[kind] = &copied
	}
	if c.Before != nil {
		s.services[nameOf(c.Before)] = clone(c.Before).(Object)
	}
	if c.IAM != nil {
		s.policy = clone(c.IAM).(Object)
	}
	return s
}

// Requests returns the received requests in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Services returns the Services in no order.
func (s *Server) Services() []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Object
	for _, service := range s.services {
		all = append(all, clone(service).(Object))
	}
	return all
}

// Policy returns the IAM policy.
func (s *Server) Policy() Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clone(s.policy).(Object)
}

func failure(code int, status, format string, args ...any) (int, any) {
	return code, Object{"error": Object{"code": code, "message": fmt.Sprintf(format, args...), "status": status}}
}

// fails returns the error response for a kind of request, if there is one.
func (s *Server) fails(kind string) (int, any, bool) {
	f := s.behavior.Fail[kind]
	if f == nil || f.Times != nil && *f.Times <= 0 {
		return 0, nil, false
	}
	if f.Times != nil {
		*f.Times--
	}
	return f.Status, f.Body, true
}
