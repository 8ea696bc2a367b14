package systemtest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/rollout"
)

// simCall is one call of an actor, its intent and its outcome.
type simCall struct {
	id, actor, kind string
	want            string // the value that a Deploy sets
	faulty          int    // how many requests of each kind may meet a fault
	rate            float64
	outage          int // the number of the request of each kind from which on nothing arrives; 0: never

	public, routes, async bool // what a Deploy does besides making its Revision

	start, end, deadline time.Time
	cancelled            bool // by its context
	err                  error
	outcome              simOutcome

	mu        sync.Mutex
	count     map[string]int
	notBefore map[string]time.Time
	met       []string
	ambiguous bool   // a write met an ambiguous fault
	twice     bool   // a proxy repeated a write
	hangs     int    // requests without a whole answer
	endless   bool   // no list of the call ends, from the first that did not
	refused   string // the class of the writes that get 429 to the end; empty for none
	problems  []string
	over      bool

	down            bool      // the last connection was refused
	up              time.Time // when the first response came after that
	metDenial       bool      // that no refused connection shortly before it excuses
	metRefusedWrite bool
	lastFailure     time.Time // of a request
}

// simLongest is how long a call without a deadline may take: a wait of half an
// hour, the retries of what comes before it, and some more.
const simLongest = 45 * time.Minute

// begin records the start of a request and returns its number.
func (c *simCall) begin(class string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		c.problems = append(c.problems, "a request was sent after the call had returned")
	}
	if early := time.Until(c.notBefore[class]); early > 0 {
		c.problems = append(c.problems, fmt.Sprintf("came back to %s at %s, %v earlier than Retry-After had asked", class, time.Now().Format("15:04:05.000000"), early))
	}
	c.count[class]++
	if c.count[class] == simMostRequests {
		c.problems = append(c.problems, fmt.Sprintf("sent %d requests to %s", simMostRequests, class))
	}
	return c.count[class] - 1
}

// simMostRequests is more than any polite call sends of one kind.
const simMostRequests = 400

func (c *simCall) meets(req *http.Request, f simFault) {
	if f == simFine {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	write := simWrites(req)
	c.ambiguous = c.ambiguous || write && f.ambiguous()
	c.twice = c.twice || write && (f == simTwice || f == simTwiceRefused)
	c.endless = c.endless || f == simEndless
	if f == simHungBefore || f == simHungAfter || f == simDrips {
		c.hangs++
	}
	c.lastFailure = time.Now()
	c.met = append(c.met, fmt.Sprintf("%s %s: %s", req.Method, simClass(req), simFaultNames[f]))
}

// heard records the Retry-After of a response, and what shows a restart of the server.
func (c *simCall) heard(class string, write bool, resp *http.Response, err error) {
	c.mu.Lock()
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		c.lastFailure = time.Now()
	}
	c.metRefusedWrite = c.metRefusedWrite || write && resp != nil && resp.StatusCode >= 400
	c.sawRestart(resp, err)
	c.mu.Unlock()
	if resp == nil || resp.Header.Get("Retry-After") == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	wait, _ := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
	c.notBefore[class] = time.Now().Add(wait)
}

// simStartup is how long after an outage a denial may be retried.
const simStartup = 5 * time.Second

// sawRestart records what shows that the API server restarts.
func (c *simCall) sawRestart(resp *http.Response, err error) {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		c.down = true
	case resp == nil:
		return
	case c.down:
		c.down, c.up = false, time.Now()
	}
	if resp != nil && resp.StatusCode == http.StatusForbidden && (c.up.IsZero() || time.Since(c.up) >= simStartup) {
		c.metDenial = true
	}
}

// gaveUp records that the call ended before a response arrived.
func (c *simCall) gaveUp(write bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ambiguous = c.ambiguous || write
}

// close ends a call. Requests and events after it are a defect.
func (c *simCall) close(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over, c.end, c.err = true, time.Now(), err
}

// event receives the progress of a call.
func (c *simCall) event(cloudrun.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		c.problems = append(c.problems, "an event came after the call had returned")
	}
}

// step receives the progress of a rollout. Each write, and the wait after it, is
// a call of its own: it does not wait for the Retry-After of an earlier one.
func (c *simCall) step(e cloudrun.Event) {
	c.event(e)
	if e.Kind == cloudrun.StageStarted && (e.Stage == cloudrun.StageWrite || e.Stage == cloudrun.StageRestore) {
		c.mu.Lock()
		defer c.mu.Unlock()
		clear(c.notBefore)
	}
}

func (c *simCall) String() string {
	return fmt.Sprintf("%s %s (%v): error %v; it met %v", c.id, c.kind, c.end.Sub(c.start), c.err, slices.Clone(c.met))
}

// failedLately reports whether a request failed while the call returned from a
// rollout, at the end: at most two minutes and the longest fault ago.
func (c *simCall) failedLately() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.lastFailure.IsZero() && c.end.Sub(c.lastFailure) < rollout.DefaultRestoreTimeout+time.Minute
}

func (c *simCall) hasNoEnd() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.endless
}

// refuses returns the class of the writes that get 429 to the end.
func (c *simCall) refuses() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

// metAny reports whether the call met one of some faults.
func (c *simCall) metAny(faults ...simFault) bool {
	return slices.ContainsFunc(c.met, func(line string) bool {
		return slices.ContainsFunc(faults, func(f simFault) bool { return strings.HasSuffix(line, ": "+simFaultNames[f]) })
	})
}

// simWrites reports whether a request changes something.
func simWrites(req *http.Request) bool {
	reads := []string{"operation", "log"}
	return req.Method == http.MethodPut || req.Method == http.MethodDelete ||
		req.Method == http.MethodPost && !slices.Contains(reads, simClass(req))
}
