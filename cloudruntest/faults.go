package cloudruntest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"
)

// Fault makes requests of the API go wrong. Which requests, how often and how
// is up to its fields; the zero value of each means that it plays no part.
type Fault struct {
	// Method selects requests by method; empty: any.
	Method string
	// Path selects requests by a part of their path; empty: any.
	Path string
	// Match selects requests in any other way. It may read the body. Nil: all.
	Match func(*http.Request) bool

	// Skip is how many selected requests pass before the first that goes wrong.
	Skip int
	// Times is how many go wrong; 0 means one, a negative number all.
	Times int

	// Delay comes before the request is handled. The end of the request's context ends it.
	Delay time.Duration
	// After makes the fault strike when the request has taken effect. Otherwise
	// Status and Reset come instead of the effect.
	After bool
	// Status is the answer's status. The body is Cloud Run's error for it unless Body is set.
	Status int
	// Body replaces the answer's body.
	Body string
	// ContentType replaces the answer's type.
	ContentType string
	// Header is added to the answer, such as Retry-After.
	Header http.Header
	// Reset breaks the connection instead of an answer.
	Reset bool
	// Truncate breaks the connection after so many bytes of the answer's body.
	Truncate int
	// Stale makes a read of a Service show what was there before the last write.
	Stale bool
}

type fault struct {
	Fault
	skip, left int
}

// Fault adds a fault. Of several that select a request the first one added strikes.
func (s *Server) Fault(f Fault) {
	left := f.Times
	if left == 0 {
		left = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &fault{Fault: f, skip: f.Skip, left: left})
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// nextFault takes the fault that strikes a request, or nil.
func (s *Server) nextFault(r *http.Request, body []byte) *Fault {
	s.mu.Lock()
	candidates := s.faults
	s.mu.Unlock()
	for _, f := range candidates {
		r.Body = io.NopCloser(bytes.NewReader(body))
		if f.selects(r) && s.take(f) { // Match is the user's: it must not run under the lock
			return &f.Fault
		}
	}
	return nil
}

func (f *Fault) selects(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) && strings.Contains(r.URL.Path, f.Path) && (f.Match == nil || f.Match(r))
}

// take counts a request that a fault selects, and reports whether it strikes.
func (s *Server) take(f *fault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.skip > 0 {
		f.skip--
		return false
	}
	if f.left == 0 {
		return false
	}
	f.left = max(f.left-1, -1)
	return true
}

func (f *Fault) truncate() int {
	if f == nil {
		return 0
	}
	return f.Truncate
}

// answerWith handles a request with a fault, or without one. It returns false
// if the connection is to break.
func (s *Server) answerWith(c *call, f *Fault) (answer, bool) {
	if f == nil {
		return s.handle(c), true
	}
	if !sleep(c, f.Delay) {
		return answer{}, false
	}
	c.now = time.Now()
	c.stale = f.Stale
	instead := !f.After && (f.Reset || f.Status != 0 || f.Body != "")
	a := answer{code: http.StatusOK}
	if !instead {
		a = s.handle(c)
	}
	if f.Reset {
		return answer{}, false
	}
	return f.spoil(a, s.conf.cluster), true
}

// spoil changes an answer as the fault says.
func (f *Fault) spoil(a answer, cluster bool) answer {
	if f.Status != 0 {
		a = errorFor(f.Status).answer(cluster)
	}
	if f.Body != "" {
		a.body = []byte(f.Body)
	}
	header := a.header.Clone()
	if header == nil {
		header = http.Header{"Content-Type": {"application/json; charset=UTF-8"}}
	}
	if f.ContentType != "" {
		header.Set("Content-Type", f.ContentType)
	}
	for k, v := range f.Header {
		header[http.CanonicalHeaderKey(k)] = v
	}
	a.header = header
	return a
}

// errorFor is the error that Cloud Run answers with a status.
func errorFor(code int) *apiError {
	e := &apiError{code: code, status: "UNKNOWN", message: http.StatusText(code)}
	known := map[int][3]string{
		400: {"INVALID_ARGUMENT", "BadRequest", "The request has errors"},
		401: {"UNAUTHENTICATED", "Unauthorized", "Request had invalid authentication credentials."},
		403: {"PERMISSION_DENIED", "Forbidden", "The caller does not have permission"},
		404: {"NOT_FOUND", "NotFound", "Requested entity was not found."},
		409: {"ABORTED", "Conflict", "The operation was aborted."},
		429: {"RESOURCE_EXHAUSTED", "TooManyRequests", "Quota exceeded."},
		500: {"INTERNAL", "InternalError", "Internal error encountered."},
		503: {"UNAVAILABLE", "ServiceUnavailable", "The service is currently unavailable."},
		504: {"DEADLINE_EXCEEDED", "Timeout", "Deadline expired before operation could complete."},
	}
	if k, ok := known[code]; ok {
		e.status, e.reason, e.message = k[0], k[1], k[2]
	}
	return e
}

// sleep waits unless the request ends before.
func sleep(c *call, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}
