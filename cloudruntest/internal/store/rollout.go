package store

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// Rollout is the course of a Service after a write. Nothing runs in the
// background: the time determines the current stage.
type Rollout struct {
	At             time.Time
	Version        int64 // resource version of the first stage
	Stages         []Stage
	Base           View          // the status before the write
	Made           string        // name of the Revision that the write created
	Operation      string        // ID of the write's operation, if it has one
	OperationError string        // message of the operation's error
	Done           time.Duration // time from the write until the operation is done
	Never          bool          // the operation is never done
	NoURL          bool          // status.url is left out
	Status         tree.Object   // a seeded status, shown instead of a computed one
	SeededVersion  string        // a seeded resource version
}

// Stage is the status from a time on.
type Stage struct {
	After      time.Duration // since the write
	Blank      bool          // there is no status at all
	Unobserved bool          // the status is the one before the write
	Uncreated  bool          // the new Revision is not named yet
	Routed     bool          // status.traffic follows the spec
	Conditions []Condition
}

// Condition is one condition of a Service or Revision.
type Condition struct {
	Type     string
	Status   string
	Reason   string
	Message  string
	Severity string
}

// View is the status at a moment.
type View struct {
	Blank      bool
	Observed   int64
	Conditions []DatedCondition
	Created    string // latest created Revision
	Ready      string // latest ready Revision
	Traffic    []tree.Object
}

// DatedCondition is a condition and the time of its last transition.
type DatedCondition struct {
	Condition
	Since time.Time
}
