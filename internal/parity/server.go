package parity

import (
	"fmt"
	"sync"
)

// Server is the server of a case, as the commands were recorded against it. It
// knows only what gcloud needs, and answers in process, without a port.
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
	pending  string // the Service that was written last
	kept     string // its Revision, if the write made no new one
}

// NewServer returns the server of a case, in the state before the command.
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

// Requests are those that the server got, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Services are those that the server has.
func (s *Server) Services() []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Object
	for _, service := range s.services {
		all = append(all, clone(service).(Object))
	}
	return all
}

// Policy is the IAM policy that the server has.
func (s *Server) Policy() Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clone(s.policy).(Object)
}

func failure(code int, status, format string, args ...any) (int, any) {
	return code, Object{"error": Object{"code": code, "message": fmt.Sprintf(format, args...), "status": status}}
}

// fails is the answer in place of the usual one to a kind of request, if any.
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
