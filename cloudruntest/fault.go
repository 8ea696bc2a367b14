package cloudruntest

import (
	"net/http"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/wire"
)

// Fault makes requests of the API fail. Its fields select the requests and
// describe the failure. The zero value of a field has no effect.
//
// A proxy that delivers a write twice and passes on the second response, which is
// a refusal:
//
//	cloudruntest.Fault{Method: "PUT", After: true, Status: 412}
//
// An API server that restarts: it is down for five seconds, and then refuses
// everybody for one more:
//
//	s.Fault(cloudruntest.Fault{Refuse: true, For: 5 * time.Second})
//	s.Fault(cloudruntest.Fault{Status: 403, For: 6 * time.Second})
type Fault struct {
	// Method selects requests by method. Empty means any.
	Method string
	// Path selects requests by a part of their path. Empty means any.
	Path string
	// Match selects requests in any other way. It may read the body. Nil means all.
	Match func(*http.Request) bool

	// Skip is how many selected requests pass before the first failure.
	Skip int
	// Times is how many requests fail. 0 means one, or all if For is set. A
	// negative number means all.
	Times int
	// For is how long the fault lasts, from when it is added. 0 means forever.
	For time.Duration

	// Delay is a pause before the request is handled. It ends early with the
	// request's context.
	Delay time.Duration
	// Do is called before the request is handled, or with After, once it has taken
	// effect. It may use the server, as another writer would at that moment.
	Do func()
	// After makes the fault strike after the request has taken effect. Without it,
	// a request with Status, Body, Reset or Hang has no effect.
	After bool
	// Twice makes the request take effect twice, as behind a proxy that repeats
	// it. The response is the second one.
	Twice bool
	// Status is the status of the response. The body is Cloud Run's error for it
	// unless Body is set.
	Status int
	// Body replaces the response body.
	Body string
	// Edit changes the response body, after Body. Of a watch, it changes each event.
	Edit func(body []byte) []byte
	// ContentType replaces the content type of the response.
	ContentType string
	// Header is added to the response, such as Retry-After.
	Header http.Header
	// Refuse refuses the connection, as where no server listens. The request does not
	// arrive. A server with a port resets the connection instead. Watches that the
	// fault selects break when it is added.
	Refuse bool
	// Reset breaks the connection instead of sending a response.
	Reset bool
	// Hang sends no response until the client gives up or the server is closed.
	Hang bool
	// Truncate breaks the connection after this many bytes of the response body.
	Truncate int
	// Drip is the pause before each byte of the response body.
	Drip time.Duration
	// Stale makes a read of a Service or of its IAM policy show the state before the
	// last write.
	Stale bool
	// Lag makes a list leave out what was created within this time. Cloud Run's lists
	// of Revisions can lag behind by seconds.
	Lag time.Duration
	// Endless makes a list end on no page. Each page has all items and the token of
	// another page.
	Endless bool
}

// Fault adds a fault. If several faults select a request, the first one added
// strikes.
func (s *Server) Fault(f Fault) { s.api.Faults.Add(wire.Fault(f)) }

// ClearFaults removes all faults.
func (s *Server) ClearFaults() { s.api.Faults.Clear() }
