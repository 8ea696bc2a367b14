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
)

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
			_ = json.Unmarshal(raw, &in.Body) // a body that is not JSON stays nil
		}
	}
	s.requests = append(s.requests, in)
	status, answer := s.answer(in)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text(answer))
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
