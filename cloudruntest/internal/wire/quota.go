package wire

import (
	"sync"
	"time"
)

// Quota limits the requests a second. It is safe for concurrent use.
type Quota struct {
	mu        sync.Mutex
	perSecond int // 0: no limit
	second    time.Time
	count     int
	refused   int
}

// Limit sets the limit. 0 removes it.
func (q *Quota) Limit(perSecond int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.perSecond, q.second, q.count, q.refused = perSecond, time.Time{}, 0, 0
}

// Refused returns how many requests were refused since the limit was set.
func (q *Quota) Refused() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.refused
}

// exceeded counts a request, and reports whether it exceeds the limit.
func (q *Quota) exceeded(now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.perSecond <= 0 {
		return false
	}
	if second := now.Truncate(time.Second); !second.Equal(q.second) {
		q.second, q.count = second, 0
	}
	q.count++
	if q.count <= q.perSecond {
		return false
	}
	q.refused++
	return true
}
