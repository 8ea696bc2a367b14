package systemtest

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

const (
	simCallHeader  = "X-Sim-Call"  // which call a request belongs to
	simStaleHeader = "X-Sim-Stale" // asks the server for the state before the last write
)

// simFault is what the network or a proxy does to one request.
type simFault int

const (
	simFine simFault = iota
	simNotDialled
	simLostRequest
	simLateRequest // reported as lost, but delivered later
	simTwice       // delivered twice, by a proxy that repeats
	simLostAnswer
	simResetInBody
	simTruncated
	simThrottled
	simThrottledFor // with Retry-After
	simFailsBefore
	simFailsAfter
	simPageBefore
	simPageAfter
	simBadPageAfter
	simSlowRequest
	simSlowAnswer
	simStale
	simFaults
)

var simFaultNames = [...]string{"", "not dialled", "lost request", "late request", "delivered twice", "lost answer", "reset in body", "truncated", "429",
	"429 with Retry-After", "5xx before the effect", "5xx after the effect", "page with 200", "page with 200 after the effect", "page with 502 after the effect",
	"slow request", "slow answer", "stale read"}

// ambiguous reports whether the caller cannot know if the request took effect.
func (f simFault) ambiguous() bool {
	switch f {
	case simFine, simNotDialled, simTwice, simThrottled, simThrottledFor, simSlowRequest, simSlowAnswer, simStale:
		return false
	}
	return true
}

var simReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// simWire is the network between one call and the server. The fate of a request
// depends only on the seed, the call, the kind of request and its number, and
// not on the order in which goroutines run.
type simWire struct {
	sim  *sim
	call *simCall
}

// simClass returns the kind of a request. Requests of one kind are sequential.
func simClass(req *http.Request) string {
	switch {
	case strings.HasSuffix(req.URL.Path, ":wait"):
		return "operation"
	case strings.Contains(req.URL.Path, "IamPolicy"):
		return "iam"
	}
	return "service"
}

func (w *simWire) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	class := simClass(req)
	n := w.call.begin(class)
	rng := w.sim.random(w.call.id, class, fmt.Sprint(n))
	fault := w.choose(rng, req, class, n)
	w.call.meets(req, fault)
	// No two requests happen at the same time.
	before, after := simLatency(rng), simLatency(rng)
	switch fault {
	case simSlowRequest:
		before += time.Duration(5+rng.IntN(30)) * time.Second
	case simSlowAnswer:
		after += time.Duration(5+rng.IntN(30)) * time.Second
	}
	if err := simSleep(req.Context(), before); err != nil {
		return nil, err
	}
	resp, err := w.meet(rng, fault, req, body)
	w.call.heard(class, resp)
	if ended := simSleep(req.Context(), after); ended != nil {
		return nil, ended
	}
	return resp, err
}

func simLatency(rng *rand.Rand) time.Duration {
	return time.Duration(1+rng.IntN(60))*time.Millisecond + time.Duration(rng.IntN(1_000_000))
}

func simSleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// choose returns the fault of a request.
func (w *simWire) choose(rng *rand.Rand, req *http.Request, class string, n int) simFault {
	switch c := w.call; {
	case c.outage > 0 && n >= c.outage:
		return []simFault{simLostRequest, simLostAnswer, simFailsAfter, simFailsBefore}[rng.IntN(4)]
	case n >= c.faulty || rng.Float64() >= c.rate:
		return simFine
	}
	f := simFault(1 + rng.IntN(int(simFaults)-1))
	reads := req.Method == http.MethodGet
	if f == simStale && (!reads || class != "service") || reads && (f == simTwice || f == simLateRequest) {
		return simFine
	}
	return f
}

// meet sends the request, unless the fault prevents it, and returns the response.
func (w *simWire) meet(rng *rand.Rand, fault simFault, req *http.Request, body []byte) (*http.Response, error) {
	switch fault {
	case simNotDialled:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case simLostRequest:
		return nil, simReset
	case simLateRequest:
		w.deliverLater(time.Duration(rng.IntN(4_000))*time.Millisecond+simLatency(rng), req, body)
		return nil, simReset
	case simThrottled:
		return testkit.Response(req, 429, "application/json", `{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "quota"}}`), nil
	case simThrottledFor:
		resp := testkit.Response(req, 429, "application/json", `{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "quota"}}`)
		resp.Header.Set("Retry-After", fmt.Sprint(1+rng.IntN(12)))
		return resp, nil
	case simFailsBefore:
		return simFailure(rng, req), nil
	case simPageBefore:
		return testkit.Response(req, 200, "text/html", "<html>please wait</html>"), nil
	case simTwice:
		w.discard(w.forward(req.Context(), req, body, false))
		if err := simSleep(req.Context(), simLatency(rng)); err != nil {
			return nil, err
		}
	}
	resp, err := w.forward(req.Context(), req, body, fault == simStale)
	if err != nil {
		return nil, err
	}
	return w.spoil(rng, fault, req, resp)
}

// spoil returns the response of a request that took effect, as it arrives.
func (w *simWire) spoil(rng *rand.Rand, fault simFault, req *http.Request, resp *http.Response) (*http.Response, error) {
	switch fault {
	case simLostAnswer:
		w.discard(resp, nil)
		return nil, simReset
	case simFailsAfter:
		w.discard(resp, nil)
		return simFailure(rng, req), nil
	case simPageAfter:
		w.discard(resp, nil)
		return testkit.Response(req, 200, "text/html", "<html>welcome</html>"), nil
	case simBadPageAfter:
		w.discard(resp, nil)
		return testkit.Response(req, 502, "text/html", "<html>bad gateway</html>"), nil
	case simResetInBody, simTruncated:
		whole, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		w.discard(resp, nil)
		part := io.Reader(bytes.NewReader(whole[:1+rng.IntN(max(len(bytes.TrimSpace(whole))-2, 1))]))
		if fault == simResetInBody {
			part = io.MultiReader(part, &simBroken{})
		}
		resp.Body = io.NopCloser(part)
	}
	return resp, nil
}

type simBroken struct{}

func (*simBroken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// forward sends a request to the server.
func (w *simWire) forward(ctx context.Context, req *http.Request, body []byte, stale bool) (*http.Response, error) {
	r := req.Clone(ctx)
	r.Header.Set(simCallHeader, w.call.id)
	if stale {
		r.Header.Set(simStaleHeader, "1")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return w.sim.server.Client().Transport.RoundTrip(r)
}

// deliverLater delivers a request whose sender believes that it was lost.
func (w *simWire) deliverLater(delay time.Duration, req *http.Request, body []byte) {
	w.sim.late.Go(func() {
		time.Sleep(delay)
		w.discard(w.forward(context.WithoutCancel(req.Context()), req, body, false))
	})
}

func (w *simWire) discard(resp *http.Response, err error) {
	if err == nil {
		_ = resp.Body.Close()
	}
}

func simFailure(rng *rand.Rand, req *http.Request) *http.Response {
	code := []int{500, 502, 503, 504}[rng.IntN(4)]
	return testkit.Response(req, code, "application/json", fmt.Sprintf(`{"error": {"code": %d, "message": "it failed"}}`, code))
}

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
	ambiguous bool // a write met an ambiguous fault
	twice     bool // a proxy repeated a write
	problems  []string
	over      bool
}

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
	write := req.Method == http.MethodPut || req.Method == http.MethodPost && simClass(req) != "operation"
	c.ambiguous = c.ambiguous || write && f.ambiguous()
	c.twice = c.twice || write && f == simTwice
	c.met = append(c.met, fmt.Sprintf("%s %s: %s", req.Method, simClass(req), simFaultNames[f]))
}

// heard records the Retry-After of a response.
func (c *simCall) heard(class string, resp *http.Response) {
	if resp == nil || resp.Header.Get("Retry-After") == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	wait, _ := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
	c.notBefore[class] = time.Now().Add(wait)
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

func (c *simCall) String() string {
	return fmt.Sprintf("%s %s (%v): error %v; it met %v", c.id, c.kind, c.end.Sub(c.start), c.err, slices.Clone(c.met))
}

// random returns the random source for the seed and for who asks.
func (s *sim) random(who ...string) *rand.Rand {
	h := fnv.New64a()
	for _, part := range who {
		_, _ = h.Write([]byte(part + "\x00"))
	}
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}
