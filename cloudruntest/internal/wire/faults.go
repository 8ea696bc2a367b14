package wire

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
)

// Fault makes requests of the API fail. The fields are documented at
// cloudruntest.Fault.
type Fault struct {
	Method      string
	Path        string
	Match       func(*http.Request) bool
	Skip        int
	Times       int
	For         time.Duration
	Delay       time.Duration
	Do          func()
	After       bool
	Twice       bool
	Status      int
	Body        string
	Edit        func(body []byte) []byte
	ContentType string
	Header      http.Header
	Refuse      bool
	Reset       bool
	Hang        bool
	Truncate    int
	Drip        time.Duration
	Stale       bool
	Lag         time.Duration
	Endless     bool
}

// Faults are the faults of a server. They are safe for concurrent use.
type Faults struct {
	mu      sync.Mutex
	list    []*armed
	changed chan struct{} // closed when a fault is added; nil if nobody waits
}

// armed is a Fault and how often it still strikes.
type armed struct {
	Fault
	skip, left int
	until      time.Time // zero: it does not end
}

// Add adds a fault. If several select a request, the first one strikes.
func (fs *Faults) Add(f Fault) {
	a := &armed{Fault: f, skip: f.Skip, left: f.Times}
	switch {
	case f.Times == 0 && f.For > 0:
		a.left = -1
	case f.Times == 0:
		a.left = 1
	}
	if f.For > 0 {
		a.until = time.Now().Add(f.For)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = append(fs.list, a)
	if fs.changed != nil {
		close(fs.changed)
		fs.changed = nil
	}
}

// added returns a channel that is closed when the next fault is added.
func (fs *Faults) added() <-chan struct{} {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.changed == nil {
		fs.changed = make(chan struct{})
	}
	return fs.changed
}

// refuses reports whether a fault refuses a request. It does not count as one that
// fails.
func (fs *Faults) refuses(r *http.Request, body []byte) bool {
	fs.mu.Lock()
	candidates := fs.list
	fs.mu.Unlock()
	return slices.ContainsFunc(candidates, func(f *armed) bool {
		r.Body = io.NopCloser(bytes.NewReader(body))
		return f.Refuse && f.selects(r)
	})
}

// Clear removes all faults.
func (fs *Faults) Clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = nil
}

// next returns the fault that strikes a request, if any.
func (fs *Faults) next(r *http.Request, body []byte) (Fault, bool) {
	fs.mu.Lock()
	candidates := fs.list
	fs.mu.Unlock()
	for _, f := range candidates {
		r.Body = io.NopCloser(bytes.NewReader(body))
		if f.selects(r) && fs.take(f) { // Match is the user's and runs without the lock
			return f.Fault, true
		}
	}
	return Fault{}, false
}

func (f *armed) selects(r *http.Request) bool {
	if !f.until.IsZero() && !time.Now().Before(f.until) {
		return false
	}
	return (f.Method == "" || f.Method == r.Method) && strings.Contains(r.URL.Path, f.Path) && (f.Match == nil || f.Match(r))
}

// take counts a request that a fault selects, and reports whether it strikes.
func (fs *Faults) take(f *armed) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.skip > 0 {
		f.skip--
		return false
	}
	if f.left == 0 {
		return false
	}
	f.left = max(f.left-1, -1)
	return true
}

// replaces reports whether the fault prevents the effect of the request.
func (f Fault) replaces() bool {
	return !f.After && (f.Reset || f.Hang || f.Status != 0 || f.Body != "")
}

// spoil returns an answer with the fault's changes.
func (f Fault) spoil(a answer, cluster bool) answer {
	if a.watch != nil && f.Status == 0 && f.Body == "" {
		return a // the events are edited one by one
	}
	a.watch = nil
	if f.Status != 0 {
		a = answerError(apierror.ForStatus(f.Status), cluster)
	}
	if f.Body != "" {
		a.body = []byte(f.Body)
	}
	if f.Edit != nil {
		a.body = f.Edit(a.body)
	}
	header := a.header.Clone()
	if header == nil {
		header = http.Header{"Content-Type": {"application/json; charset=UTF-8"}}
	}
	if f.ContentType != "" {
		header.Set("Content-Type", f.ContentType)
	}
	for k, v := range f.Header {
		header[http.CanonicalHeaderKey(k)] = v
	}
	a.header = header
	return a
}
