package cloudruntest

import (
	"fmt"
	"strings"
	"time"
)

// rateLimit counts the requests of the current second.
type rateLimit struct {
	perSecond int
	second    time.Time
	count     int
	refused   int
}

// RateLimit makes the API refuse, with 429 RESOURCE_EXHAUSTED, what exceeds so
// many requests a second. 0 removes the limit.
func (s *Server) RateLimit(perSecond int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = rateLimit{perSecond: perSecond}
}

// RateLimited returns how many requests were refused since the limit was set.
func (s *Server) RateLimited() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limit.refused
}

// limited counts a request and refuses it if there are too many.
func (s *Server) limited(c *call) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.limit
	if l.perSecond <= 0 {
		return answer{}, false
	}
	if second := c.now.Truncate(time.Second); !second.Equal(l.second) {
		l.second, l.count = second, 0
	}
	l.count++
	if l.count <= l.perSecond {
		return answer{}, false
	}
	l.refused++
	return exhausted("Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute per region' of service 'run.googleapis.com'.").answer(s.conf.cluster), true
}

// DenyPermission takes permissions from the caller, such as
// run.services.setIamPolicy or iam.serviceaccounts.actAs: what needs them is
// answered with 403.
func (s *Server) DenyPermission(permissions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range permissions {
		s.denied[p] = true
	}
}

// GrantPermission gives permissions back that DenyPermission took.
func (s *Server) GrantPermission(permissions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range permissions {
		delete(s.denied, p)
	}
}

// permit checks that the caller has a permission. The caller holds the lock.
func (s *Server) permit(permission, resource string) *apiError {
	if !s.denied[permission] {
		return nil
	}
	if s.conf.cluster {
		part := strings.Split(permission+"..", ".") // run.services.get
		return &apiError{code: 403, reason: "Forbidden", kind: part[1], message: fmt.Sprintf(
			"%s.serving.knative.dev is forbidden: User %q cannot %s resource %q in API group \"serving.knative.dev\" on %s", part[1], caller, part[2], part[1], resource)}
	}
	return forbidden(permission, resource)
}

// permitAccount checks that the caller may use the service account of a Service.
func (s *Server) permitAccount(doc object) *apiError {
	const permission = "iam.serviceaccounts.actAs"
	if !s.denied[permission] {
		return nil
	}
	e := forbidden(permission, "")
	e.message = fmt.Sprintf("Permission '%s' denied on service account %s (or it may not exist).", permission,
		text(at(doc, "spec", "template", "spec"), "serviceAccountName"))
	return e
}

// ForbidAllUsers switches on the organisation policy that keeps allUsers and
// allAuthenticatedUsers out of IAM policies.
func (s *Server) ForbidAllUsers(forbid bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noPublic = forbid
}
