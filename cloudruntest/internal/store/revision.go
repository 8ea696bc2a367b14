package store

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// Failure is how a Revision fails.
type Failure struct {
	Reason    string
	Message   string
	Condition string // of the Revision; empty means ContainerHealthy
	LogURL    string
	Hidden    bool // the Service's conditions do not have the message
	Log       []string
	SystemLog []string
	LogDelay  time.Duration
}

// Fate is what becomes of a Revision, and when.
type Fate struct {
	Failure *Failure // nil: it becomes ready
	At      time.Time
	Never   bool // it stays undecided
}

// Revision is one Revision. It is immutable: its readiness follows from the time.
type Revision struct {
	Name     string
	Seq      int64       // order of creation, across all Services
	Doc      tree.Object // without status and resourceVersion
	Template tree.Object // the template it was created from
	Created  time.Time
	Fate     Fate
	Status   tree.Object // a seeded status, shown instead of a computed one
}

// Decided reports whether the Revision is ready or has failed.
func (r *Revision) Decided(now time.Time) bool { return !r.Fate.Never && !now.Before(r.Fate.At) }

// Ready reports whether the Revision is ready.
func (r *Revision) Ready(now time.Time) bool { return r.Fate.Failure == nil && r.Decided(now) }

// Failed reports whether the Revision has failed.
func (r *Revision) Failed(now time.Time) bool { return r.Fate.Failure != nil && r.Decided(now) }
