package store

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/logbook"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// Key identifies a Service.
type Key struct {
	Project string // its number
	Region  string // empty on a cluster
	Name    string
}

// Service is one Service. A write replaces it with a new one that shares what
// did not change. Only changes that are not writes are made in place.
type Service struct {
	Key     Key
	Project *Project
	Host    string // host name of its URL
	UID     string
	Created time.Time

	Doc            tree.Object // without status, generation and resourceVersion
	Defaulted      tree.Object // Doc with its defaults, if it was seeded without them
	Generation     int64
	Configurations int64       // number of templates so far
	Revisions      []*Revision // oldest first
	Latest         *Revision   // latest created
	Rollout        Rollout

	Policy         tree.Object // IAM policy; nil if it was never set
	PreviousPolicy tree.Object // the one before the last write
	Deleted        time.Time   // when the deletion began
	GoneAt         time.Time   // when the deletion is complete
	Previous       Snapshot
}

// Snapshot is a read of a Service before its last write.
type Snapshot struct {
	Known bool
	Doc   tree.Object // nil if the Service did not exist
}

// Gone reports whether a deletion is complete.
func (sv *Service) Gone(now time.Time) bool { return sv.Deleting() && !now.Before(sv.GoneAt) }

// Deleting reports whether a deletion has begun.
func (sv *Service) Deleting() bool { return !sv.Deleted.IsZero() }

// Annotation returns an annotation of the Service.
func (sv *Service) Annotation(key string) string {
	return tree.Text(tree.At(sv.Doc, "metadata", "annotations"), key)
}

// Comparable returns the document to compare a new one with.
func (sv *Service) Comparable() tree.Object {
	if sv.Defaulted != nil {
		return sv.Defaulted
	}
	return sv.Doc
}

// Targets returns the traffic targets of the spec.
func (sv *Service) Targets() []tree.Object { return tree.Objects(tree.At(sv.Doc, "spec"), "traffic") }

// Revision returns a Revision by name, or nil.
func (sv *Service) Revision(name string) *Revision {
	for i := len(sv.Revisions) - 1; i >= 0; i-- {
		if sv.Revisions[i].Name == name {
			return sv.Revisions[i]
		}
	}
	return nil
}

// LatestReady returns the newest ready Revision, or nil.
func (sv *Service) LatestReady(now time.Time) *Revision {
	for i := len(sv.Revisions) - 1; i >= 0; i-- {
		if sv.Revisions[i].Ready(now) {
			return sv.Revisions[i]
		}
	}
	return nil
}

// LogSource returns what identifies a Revision in logs.
func (sv *Service) LogSource(r *Revision) logbook.Source {
	return logbook.Source{Project: sv.Project.Name(), Region: sv.Key.Region, Service: sv.Key.Name, Revision: r.Name}
}
