package cloudruntest

// RateLimit makes the API refuse requests beyond a number per second with 429
// RESOURCE_EXHAUSTED. 0 removes the limit.
func (s *Server) RateLimit(perSecond int) { s.api.Quota.Limit(perSecond) }

// RateLimited returns how many requests were refused since the limit was set.
func (s *Server) RateLimited() int { return s.api.Quota.Refused() }

// DenyPermission takes permissions from the caller, such as
// run.services.setIamPolicy or iam.serviceaccounts.actAs. Requests that need
// them are refused with 403.
func (s *Server) DenyPermission(permissions ...string) {
	s.store.Lock()
	defer s.store.Unlock()
	s.control.Permissions.Deny(permissions...)
}

// GrantPermission restores permissions that DenyPermission took.
func (s *Server) GrantPermission(permissions ...string) {
	s.store.Lock()
	defer s.store.Unlock()
	s.control.Permissions.Grant(permissions...)
}

// ForbidAllUsers enables or disables the organization policy that forbids
// allUsers and allAuthenticatedUsers in IAM policies.
func (s *Server) ForbidAllUsers(forbid bool) {
	s.store.Lock()
	defer s.store.Unlock()
	s.control.Permissions.ForbidPublic(forbid)
}
