// Package control is the control plane: the calls of the API, without HTTP. It
// checks permissions, has package resources admit documents, has package lifecycle
// plan what becomes of them, and changes the store.
//
// The caller of a Plane's methods holds the store's lock. Another kind, such as
// Job, brings files like services.go and write.go.
package control

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/data"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// Plane is a control plane.
type Plane struct {
	Store       *store.Store
	Permissions *resources.Permissions
	Scripts     *lifecycle.Scripts
	Data        *data.Plane
}

// Target is the object, or the collection, that a call is for.
type Target struct {
	Project   *store.Project
	Region    string // empty means any
	Elsewhere bool   // an object of another region will do
	Kind      string // plural, such as services
	Name      string // empty for a collection
}

// Call is one call of the API.
type Call struct {
	Target      Target
	Now         time.Time
	Body        []byte
	ContentType string   // of the body
	DryRun      []string // values of the parameter
	Strict      bool     // unknown fields are an error
	Foreground  bool     // a deletion returns the object
	Stale       bool     // a read shows the state before the last write

	Lag time.Duration // a list leaves out what was created within this time
}

// hides reports whether a list leaves out what was created at a time.
func (c Call) hides(created time.Time) bool { return c.Lag > 0 && c.Now.Sub(created) < c.Lag }

// Entry is one item of a list.
type Entry struct {
	Key    string // determines the order
	Labels tree.Object
	Render func() tree.Object
}
