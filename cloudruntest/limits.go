package cloudruntest

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/wire"
)

// RateLimit makes the API refuse requests beyond a number per second with 429
// RESOURCE_EXHAUSTED. 0 removes the limit. It replaces [Server.SetQuota].
func (s *Server) RateLimit(perSecond int) { s.api.Quota.Limit(wire.Limits{All: perSecond}) }

// Quota limits the requests of each project and region, reads and writes apart, as Cloud Run does.
type Quota struct {
	// Writes and Reads are how many requests are admitted in a window. 0 is no limit.
	// The wait for an operation is a read.
	Writes, Reads int
	// Window is the window in which requests are counted. The default is a second.
	// Cloud Run's own is a minute.
	Window time.Duration
	// RetryAfter is the delay that a refusal asks for, in the header Retry-After and
	// as RetryInfo. By default it asks for none, as Cloud Run.
	RetryAfter time.Duration
}

// SetQuota makes the API refuse requests beyond a quota with 429
// RESOURCE_EXHAUSTED. The zero Quota removes it. It replaces [Server.RateLimit].
func (s *Server) SetQuota(q Quota) {
	s.api.Quota.Limit(wire.Limits{Writes: q.Writes, Reads: q.Reads, Window: q.Window, RetryAfter: q.RetryAfter})
}

// RateLimited returns how many requests were refused since the limit or the quota was set.
func (s *Server) RateLimited() int { return s.api.Quota.Refused() }

// DenyPermission takes permissions from the caller, such as
// run.services.setIamPolicy or iam.serviceAccounts.actAs. Requests that need
// them are refused with 403 and Google's text, and tests of permissions, on
// Services, projects, service accounts and secrets, leave them out. Two are about
// more: artifactregistry.repositories.downloadArtifacts is needed to write a
// Service, because Cloud Run reads its images as the caller, and without
// secretmanager.versions.access no account is allowed to read secrets, so that new
// Revisions that use one fail.
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
