package logging

import (
	"maps"
	"time"
)

// Follower recognizes the entries of a log that were read before. Entries arrive
// late, so a later read begins before the newest entry of an earlier one.
type Follower struct {
	since, newest time.Time
	lag           time.Duration
	seen          map[string]time.Time // the times of entries, by their keys
}

// NewFollower returns a Follower of a log from a time on, whose entries arrive up to lag late.
func NewFollower(since time.Time, lag time.Duration) *Follower {
	return &Follower{since: since, newest: since, lag: lag, seen: map[string]time.Time{}}
}

// IsNew notes an entry, and reports whether it was not read before.
func (f *Follower) IsNew(e Entry) bool {
	key := e.key()
	if _, ok := f.seen[key]; ok {
		return false
	}
	if e.Timestamp.After(f.newest) {
		f.newest = e.Timestamp
		if len(f.seen) > 2*MaxPage {
			f.forget()
		}
	}
	f.seen[key] = e.Timestamp
	return true
}

// Since returns the time from which on to read next.
func (f *Follower) Since() time.Time {
	if since := f.newest.Add(-f.lag); since.After(f.since) {
		return since
	}
	return f.since
}

// forget drops the entries that are not read again.
func (f *Follower) forget() {
	since := f.Since()
	maps.DeleteFunc(f.seen, func(_ string, at time.Time) bool { return at.Before(since) })
}
