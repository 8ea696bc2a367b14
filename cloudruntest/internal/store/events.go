package store

import "github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"

// maxEvents is how many events are kept.
const maxEvents = 1000

// Event is one change of a Service of a cluster, as a watch reports it.
type Event struct {
	Type    string // ADDED, MODIFIED or DELETED
	Key     Key
	Version string
	Doc     tree.Object
}

// Shown is the state of a Service that the last event about it has shown.
type Shown struct {
	UID   string
	Write int64 // resource version of the first stage of the rollout
	// Generation is the one of the rollout: a change of the metadata continues it.
	Generation int64
	Stage      int
	Deleting   bool
	Doc        tree.Object
}

// Events are the latest events of the Services of a cluster, the oldest first.
type Events struct {
	Shown map[Key]Shown

	list  []Event
	first int // number of the first event in the list
}

// Add adds an event. It drops the oldest one if there are too many.
func (es *Events) Add(e Event) {
	es.list = append(es.list, e)
	if excess := len(es.list) - maxEvents; excess > 0 {
		es.list, es.first = es.list[excess:], es.first+excess
	}
}

// End returns the number of the next event.
func (es *Events) End() int { return es.first + len(es.list) }

// From returns the events from a number on. It returns false if some were dropped.
func (es *Events) From(n int) ([]Event, bool) {
	if n < es.first {
		return nil, false
	}
	return es.list[n-es.first:], true
}

// After returns the number of the event that follows the one with a resource
// version. It returns false if there is no event with that version.
func (es *Events) After(version string) (int, bool) {
	for i := len(es.list) - 1; i >= 0; i-- {
		if es.list[i].Version == version {
			return es.first + i + 1, true
		}
	}
	return 0, false
}

// Version returns the resource version of the last event; empty if there is none.
func (es *Events) Version() string {
	if len(es.list) == 0 {
		return ""
	}
	return es.list[len(es.list)-1].Version
}
