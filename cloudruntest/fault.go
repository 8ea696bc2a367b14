package cloudruntest

import (
	"net/http"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/wire"
)

// Fault makes requests of the API fail. Its fields select the requests and
// describe the failure. The zero value of a field has no effect.
type Fault struct {
	// Method selects requests by method. Empty means any.
	Method string
	// Path selects requests by a part of their path. Empty means any.
	Path string
	// Match selects requests in any other way. It may read the body. Nil means all.
	Match func(*http.Request) bool

	// Skip is how many selected requests pass before the first failure.
	Skip int
	// Times is how many requests fail. 0 means one, a negative number means all.
	Times int

	// Delay is a pause before the request is handled. It ends early with the
	// request's context.
	Delay time.Duration
	// After makes the fault strike after the request has taken effect. Without it,
	// a request with Status, Body or Reset has no effect.
	After bool
	// Status is the status of the response. The body is Cloud Run's error for it
	// unless Body is set.
	Status int
	// Body replaces the response body.
	Body string
	// ContentType replaces the content type of the response.
	ContentType string
	// Header is added to the response, such as Retry-After.
	Header http.Header
	// Reset breaks the connection instead of sending a response.
	Reset bool
	// Truncate breaks the connection after this many bytes of the response body.
	Truncate int
	// Stale makes a read of a Service show the state before the last write.
	Stale bool
}

// Fault adds a fault. If several faults select a request, the first one added
// strikes.
func (s *Server) Fault(f Fault) { s.api.Faults.Add(wire.Fault(f)) }

// ClearFaults removes all faults.
func (s *Server) ClearFaults() { s.api.Faults.Clear() }
