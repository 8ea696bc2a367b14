package rest

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

// Call is what the requests of one call of the library share. It is safe for
// concurrent use.
type Call struct {
	// Retries is the time that is left for retries.
	Retries pause.Allowance
	// Outage is whether the server could not be reached.
	Outage Outage

	mu       sync.Mutex
	warnings []string
	holds    map[string]hold // by the object, see [Request.object]
	failed   map[string]int  // how often in a row a request failed in a way that may pass, by what it does
}

// hold is what a server asked for with a Retry-After.
type hold struct {
	until  time.Time
	answer *Answer
}

// Warnings returns the distinct warnings of the responses so far.
func (c *Call) Warnings() []string {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.warnings)
}

// answered notes a response.
func (c *Call) answered(resp *http.Response) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range warningsOf(resp.Header) {
		if len(c.warnings) < maxWarnings && !slices.Contains(c.warnings, text) {
			c.warnings = append(c.warnings, text)
		}
	}
}

// judge notes the failure of a request and returns it. It marks a denial that may
// pass, because the server has just started.
func (c *Call) judge(e *Error) *Error {
	switch {
	case c == nil:
	case e.held:
	case e.Answer == nil && e.effect != refused:
		c.Outage.Began()
	case e.Answer != nil:
		denied := e.Answer.StatusCode == http.StatusUnauthorized || e.Answer.StatusCode == http.StatusForbidden
		e.starting = c.Outage.Excuses(denied)
	}
	c.count(e)
	return e
}

// hold notes the Retry-After of a response, for all requests of the call about
// the same object: those of other goroutines wait for it, too.
func (c *Call) hold(r Request, a *Answer) {
	if c == nil || a.RetryAfter <= 0 || !a.transient() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holds == nil {
		c.holds = map[string]hold{}
	}
	c.holds[r.object()] = hold{time.Now().Add(a.RetryAfter), a}
}

// held returns the error of a request that must not be sent yet: the earlier
// response, with the rest of its Retry-After. It is nil if nothing holds the request.
func (c *Call) held(r Request) *Error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	h := c.holds[r.object()]
	c.mu.Unlock()
	left := time.Until(h.until)
	if left <= 0 {
		return nil
	}
	answer := *h.answer
	answer.RetryAfter = left
	return &Error{Op: r.Op, Resource: r.Resource, Answer: &answer, effect: unsent, held: true}
}

// startup is how long a server may deny requests after it has come back.
const startup = 5 * time.Second

// Outage recognizes a server that is still starting: once it can be reached again,
// it may deny requests for a moment, because it has not read its own
// configuration yet. The zero value is ready for use, also concurrently.
type Outage struct {
	mu    sync.Mutex
	down  bool
	ended time.Time
}

// Began notes that the server could not be reached, or that a response was lost.
func (o *Outage) Began() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = true
}

// Excuses notes a response. It reports whether it is a denial that comes so soon
// after an outage that it may pass.
func (o *Outage) Excuses(denied bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		o.down, o.ended = false, time.Now()
	}
	return denied && !o.ended.IsZero() && time.Since(o.ended) < startup
}
