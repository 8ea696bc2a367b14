// Package store holds the state of the control plane: projects, Services, their
// Revisions and operations, resource versions, and a journal of the writes.
//
// One lock guards it all. The callers of a Store's methods hold it.
package store

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/ring"
)

// Config is the fixed part of a Store.
type Config struct {
	AnyField bool      // fields that Cloud Run does not have are accepted
	Cluster  bool      // a Knative API server instead of Cloud Run
	Regions  []string  // the first one is the default
	Projects []Project // if there are any, others do not exist
	Journal  int       // how many writes are kept
}

// Write is one change of the state.
type Write struct {
	Kind            string
	Project         string
	Region          string
	Name            string
	UID             string
	Generation      int64
	ResourceVersion string
	Revision        string
	Body            json.RawMessage
	Time            time.Time
}

// Store is the state of the control plane.
type Store struct {
	sync.Mutex

	Cluster    bool
	AnyField   bool
	Regions    []string
	Versions   Versions
	Projects   Projects
	Services   Services
	Operations Operations
	Events     Events // of a cluster
	Journal    *ring.Ring[Write]
	Logs       Logs
	Addresses  map[string]string // addresses of the host names that have a listener

	changed chan struct{} // closed and replaced at each change
}

// New returns an empty Store.
func New(c Config) *Store {
	return &Store{
		Cluster: c.Cluster, AnyField: c.AnyField, Regions: c.Regions,
		Versions: Versions{kubernetes: c.Cluster}, Projects: newProjects(c.Cluster, c.Projects),
		Services: newServices(c.Cluster), Operations: newOperations(), Events: Events{Shown: map[Key]Shown{}}, Journal: ring.New[Write](c.Journal), Logs: newLogs(),
		Addresses: map[string]string{}, changed: make(chan struct{}),
	}
}

// HasRegion reports whether a region exists.
func (s *Store) HasRegion(region string) bool { return slices.Contains(s.Regions, region) }

// Timestamp returns a time in the spelling of the API. Kubernetes uses whole seconds.
func (s *Store) Timestamp(t time.Time) string {
	if s.Cluster {
		return t.UTC().Format("2006-01-02T15:04:05Z")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// Record adds a write of a Service to the journal.
func (s *Store) Record(w Write, sv *Service, now time.Time) {
	w.Project, w.Region, w.Name, w.UID = sv.Key.Project, sv.Key.Region, sv.Key.Name, sv.UID
	w.Generation, w.ResourceVersion, w.Time = sv.Generation, s.Versions.Spell(sv.Rollout.Version), now
	s.Journal.Add(w)
}

// Changed returns a channel that is closed at the next change.
func (s *Store) Changed() <-chan struct{} { return s.changed }

// Notify wakes the waiters on Changed.
func (s *Store) Notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}
