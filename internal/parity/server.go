package parity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
)

// The project and the region of all cases.
const (
	Project = "demo"
	Number  = "123456789012"
	Region  = "us-central1"
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

// RoundTrip makes a Server the transport of an [http.Client].
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

// ServeHTTP records a request and answers it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := Request{Method: r.Method, Host: r.Host, Path: r.URL.Path, Query: map[string]string{}}
	if r.URL.Host != "" {
		in.Host = r.URL.Host
	}
	for key := range r.URL.Query() {
		in.Query[key] = r.URL.Query().Get(key)
	}
	if r.Body != nil {
		if raw, err := io.ReadAll(r.Body); err == nil && len(bytes.TrimSpace(raw)) > 0 {
			_ = json.Unmarshal(raw, &in.Body) // what is no JSON stays nil
		}
	}
	s.requests = append(s.requests, in)
	status, answer := s.answer(in)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text(answer))
}

func nameOf(o Object) string {
	name, _ := object(o, "metadata")["name"].(string)
	return name
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

// route is a kind of request.
type route struct {
	path   *regexp.Regexp
	answer func(s *Server, in Request, m []string) (int, any)
}

var routes = []route{
	{regexp.MustCompile(`^/apis/serving\.knative\.dev/v1/namespaces/[^/]+/services(?:/([^/]+))?$`), (*Server).service},
	{regexp.MustCompile(`^/apis/serving\.knative\.dev/v1/namespaces/[^/]+/revisions(?:/([^/]+))?$`), (*Server).revision},
	{regexp.MustCompile(`^/v1/projects/[^/]+/locations/[^/]+/services/[^/:]+:(\w+)$`), (*Server).iam},
	{regexp.MustCompile(`^/v1/(projects/[^/]+/locations/[^/]+/operations/[^/:]+)(?::wait)?$`), (*Server).operation},
	{regexp.MustCompile(`^/v1/projects/[^/]+/locations$`), (*Server).locations},
	{regexp.MustCompile(`^/v1/projects/[^/]+$`), (*Server).project},
}

func (s *Server) answer(in Request) (int, any) {
	for _, r := range routes {
		if m := r.path.FindStringSubmatch(in.Path); m != nil {
			return r.answer(s, in, m)
		}
	}
	return failure(404, "NOT_FOUND", "Resource not found")
}

func (s *Server) locations(Request, []string) (int, any) {
	var all []any
	for _, region := range []string{"europe-west1", Region, "us-east1"} {
		all = append(all, Object{"name": "projects/" + Project + "/locations/" + region, "locationId": region})
	}
	return 200, Object{"locations": all}
}

func (s *Server) project(Request, []string) (int, any) {
	return 200, Object{"projectId": Project, "projectNumber": Number, "name": "Demo", "lifecycleState": "ACTIVE"}
}

func (s *Server) iam(in Request, m []string) (int, any) {
	if status, body, ok := s.fails(m[1]); ok {
		return status, body
	}
	switch m[1] {
	case "getIamPolicy":
		return 200, s.policy
	case "setIamPolicy":
		body, _ := clone(in.Body).(Object)
		s.sets++
		s.policy = object(body, "policy")
		s.policy["etag"] = fmt.Sprintf("BwSet%03d", s.sets)
		return 200, s.policy
	case "testIamPermissions":
		return 200, in.Body
	}
	return failure(404, "NOT_FOUND", "Resource not found")
}

func (s *Server) revision(in Request, m []string) (int, any) {
	if m[1] != "" {
		for _, r := range s.revs {
			if nameOf(r) == m[1] {
				return 200, r
			}
		}
		return failure(404, "NOT_FOUND", "Resource '%s' of kind 'REVISION' does not exist.", m[1])
	}
	key, value, selects := strings.Cut(in.Query["labelSelector"], "=")
	var items []any
	for _, r := range s.revs {
		labels, _ := object(r, "metadata")["labels"].(Object)
		if !selects || labels[strings.TrimSpace(key)] == strings.TrimSpace(value) {
			items = append(items, r)
		}
	}
	return 200, Object{"apiVersion": "serving.knative.dev/v1", "kind": "RevisionList", "items": items, "metadata": Object{}}
}

func (s *Server) operation(_ Request, m []string) (int, any) {
	s.waits++
	if s.behavior.Mode == "wait-slow" && s.waits == 1 {
		return 200, Object{"name": m[1], "done": false}
	}
	operation := Object{"name": m[1], "done": true}
	switch s.behavior.Mode {
	case "wait-op-error":
		operation["error"] = Object{"code": 9, "message": "The user-provided container failed to start."}
	case "wait-fail":
		operation["response"] = s.finish(s.services[s.pending], "failed")
	default:
		operation["response"] = s.finish(s.services[s.pending], "ready")
	}
	return 200, operation
}
