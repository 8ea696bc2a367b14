package cloudruntest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Request is one request of the API that was answered, or deliberately not.
type Request struct {
	Method string
	Host   string // without port
	Path   string
	Query  url.Values  // without credentials
	Header http.Header // without credentials
	Body   []byte
	Status int // 0: the connection was broken instead of an answer
	Time   time.Time
}

// Write is one change of the state.
type Write struct {
	Kind            string // create, update, delete, setIamPolicy or deleteRevision
	Project         string // its number
	Region          string
	Name            string // of the Service
	Generation      int64
	ResourceVersion string
	Revision        string // that was made, or deleted
	Body            json.RawMessage
	Time            time.Time
}

// journal keeps the last requests and writes.
type journal struct {
	limit    int
	requests ring[Request]
	writes   ring[Write]
}

// ring keeps the last values added to it.
type ring[T any] struct {
	list []T
	next int // where the oldest is, once the list is full
}

func (r *ring[T]) add(v T, limit int) {
	switch {
	case limit == 0:
	case len(r.list) < limit:
		r.list = append(r.list, v)
	default:
		r.list[r.next] = v
		r.next = (r.next + 1) % limit
	}
}

func (r *ring[T]) all() []T { return slices.Concat(r.list[r.next:], r.list[:r.next]) }

func (s *Server) record(c *call, a answer, answered bool) {
	req := Request{
		Method: c.r.Method, Host: c.host, Path: c.r.URL.Path, Query: maps.Clone(c.query), Header: c.r.Header.Clone(),
		Body: c.body, Time: c.now,
	}
	req.Query.Del("key")
	req.Query.Del("access_token")
	req.Header.Del("Authorization")
	req.Header.Del("Proxy-Authorization")
	if answered {
		req.Status = a.code
	}
	s.mu.Lock()
	s.log.requests.add(req, s.log.limit)
	s.mu.Unlock()
	if s.conf.onRequest != nil {
		s.conf.onRequest(req)
	}
}

// history notes a write. The caller holds the lock.
func (s *Server) history(w Write, sv *service, now time.Time) {
	w.Project, w.Region, w.Name = sv.key.project, sv.key.region, sv.key.name
	w.Generation, w.ResourceVersion, w.Time = sv.generation, s.version(sv.rollout.version), now
	s.log.writes.add(w, s.log.limit)
}

// Requests returns the requests of the API, in the order of their answers, as
// far as they are kept ([WithRecording]). Requests for the URLs of Services are not among them.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.requests.all()
}

// ResetRequests forgets the requests so far.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.requests = ring[Request]{}
}

// History returns what changed the state, in order, as far as it is kept
// ([WithRecording]). A write that changed nothing is not in it, nor is seeding.
func (s *Server) History() []Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.writes.all()
}

// ResetHistory forgets the writes so far.
func (s *Server) ResetHistory() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.writes = ring[Write]{}
}
