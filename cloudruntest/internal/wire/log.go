package wire

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/ring"
)

// Request is one recorded request. The fields are documented at
// cloudruntest.Request.
type Request struct {
	Method string
	Host   string
	Path   string
	Query  url.Values
	Header http.Header
	Body   []byte
	Status int
	Time   time.Time
}

// Log keeps the last requests. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	last *ring.Ring[Request]
	each func(Request) // called for every request, if set
}

// NewLog returns a Log that keeps the last n requests and calls each for every one.
func NewLog(n int, each func(Request)) *Log { return &Log{last: ring.New[Request](n), each: each} }

// Last returns the kept requests, the oldest first.
func (l *Log) Last() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(l.last.All())
}

// Reset drops the kept requests.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last.Reset()
}

// record adds a request without its credentials. A status of 0 means that there
// was no answer.
func (l *Log) record(c *call, status int) {
	r := Request{Method: c.r.Method, Host: c.host, Path: c.r.URL.Path, Query: maps.Clone(c.query), Header: c.r.Header.Clone(),
		Body: c.body, Status: status, Time: c.now}
	r.Query.Del("key")
	r.Query.Del("access_token")
	r.Header.Del("Authorization")
	r.Header.Del("Proxy-Authorization")
	l.mu.Lock()
	l.last.Add(r)
	l.mu.Unlock()
	if l.each != nil {
		l.each(r)
	}
}
