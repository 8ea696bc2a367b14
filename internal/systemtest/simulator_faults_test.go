package systemtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// simFault is what the network or a proxy does to one request.
type simFault int

const (
	simFine simFault = iota
	simNotDialled
	simLostRequest
	simLateRequest  // reported as lost, but delivered later
	simTwice        // delivered twice, by a proxy that repeats
	simTwiceRefused // the same, and the second answer is a refusal
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
	simOtherBefore // the answer is about another object
	simOtherAfter
	simHungBefore // there is no answer
	simHungAfter
	simDrips // the answer arrives byte by byte
	simSlowRequest
	simSlowAnswer
	simStale
	simLag // a list leaves out what is new
	simEndless
	simFaults
)

var simFaultNames = [...]string{"", "not dialled", "lost request", "late request", "delivered twice", "delivered twice and refused", "lost answer",
	"reset in body", "truncated", "429", "429 with Retry-After", "5xx before the effect", "5xx after the effect", "page with 200",
	"page with 200 after the effect", "page with 502 after the effect", "another object before the effect", "another object after the effect",
	"hung before the effect", "hung after the effect", "dripping answer", "slow request", "slow answer", "stale read", "lagging list", "endless list"}

// ambiguous reports whether the caller cannot know if the request took effect.
func (f simFault) ambiguous() bool {
	switch f {
	case simFine, simNotDialled, simTwice, simThrottled, simThrottledFor, simSlowRequest, simSlowAnswer, simStale, simLag, simEndless:
		return false
	}
	return true
}

// possible reports whether a request can meet the fault.
func (f simFault) possible(req *http.Request, class string) bool {
	reads := !simWrites(req)
	switch f {
	case simStale:
		return req.Method == http.MethodGet && (class == "service" || class == "iam")
	case simTwice, simTwiceRefused, simLateRequest:
		return !reads
	case simLag, simEndless:
		return class == "list"
	}
	return true
}

// choose returns the fault of a request.
func (w *simWire) choose(rng *rand.Rand, req *http.Request, class string, n int) simFault {
	switch c := w.call; {
	case c.outage > 0 && n >= c.outage:
		return []simFault{simLostRequest, simLostAnswer, simFailsAfter, simFailsBefore}[rng.IntN(4)]
	case simWrites(req) && c.refuses() == class:
		return simThrottled
	case n >= c.faulty || rng.Float64() >= c.rate:
		return simFine
	}
	var possible []simFault
	for f := simFine + 1; f < simFaults; f++ {
		if f.possible(req, class) {
			possible = append(possible, f)
		}
	}
	return possible[rng.IntN(len(possible))]
}

// simLags are the times by which lists lag behind, up to what docs/guarantees.md promises.
var simLags = []time.Duration{500 * time.Millisecond, 2 * time.Second, 10 * time.Second}

func simFailure(rng *rand.Rand, req *http.Request) *http.Response {
	return simAnswer(req, []int{500, 502, 503, 504}[rng.IntN(4)])
}

// simAnswer returns a failure in Google's form.
func simAnswer(req *http.Request, code int) *http.Response {
	status := map[int]string{400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 409: "ABORTED", 412: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED"}[code]
	return testkit.Response(req, code, "application/json", fmt.Sprintf(`{"error": {"code": %d, "status": %q, "message": "it failed"}}`, code, status))
}

// simRefusal returns the answer to the second delivery of a write. After a 429,
// all writes of the kind are refused in half of the cases.
func simRefusal(rng *rand.Rand, c *simCall, class string, req *http.Request) *http.Response {
	code := []int{400, 403, 409, 412, 429, 503}[rng.IntN(6)]
	c.mu.Lock()
	defer c.mu.Unlock()
	if code == http.StatusTooManyRequests && rng.IntN(2) == 0 {
		c.refused = class
	}
	return simAnswer(req, code)
}

// simOther returns an answer about another object than the one that was
// requested. A write may even be answered with an object of the same name.
func simOther(rng *rand.Rand, class string, req *http.Request, resp *http.Response) *http.Response {
	bodies := []string{`{}`, `null`, `[]`, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "it failed", "code": 500}`}
	service := func(edit func(meta map[string]any)) string {
		o := testkit.Decode(simForeign)
		edit(simAt(o, "metadata"))
		return testkit.Encode(o)
	}
	switch class {
	case "iam":
		bodies = append(bodies, `{"version": 1}`, `{"policy": {"etag": "BwX=", "bindings": []}}`, service(func(map[string]any) {}))
		if resp != nil {
			bodies = append(bodies, simWithout(resp, "etag"))
		}
	case "service":
		bodies = append(bodies, service(func(m map[string]any) { m["name"] = "other" }), service(func(m map[string]any) { m["namespace"] = "other" }))
		if simWrites(req) {
			bodies = append(bodies, service(func(map[string]any) {}))
		}
	case "operation":
		asked, other := strings.TrimSuffix(path.Base(req.URL.Path), ":wait"), service(func(m map[string]any) { m["name"] = "other" })
		bodies = append(bodies, `{"done": true}`, `{"name": "operations/other", "done": true, "error": {"message": "it failed"}}`,
			`{"name": "operations/`+asked+`", "done": true}`, `{"name": "operations/`+asked+`", "done": true, "response": `+other+`}`)
	}
	return testkit.Response(req, http.StatusOK, "application/json", bodies[rng.IntN(len(bodies))])
}

// simForeign is a ready Service that the server does not have.
const simForeign = `{"apiVersion": "serving.knative.dev/v1", "kind": "Service",
	"metadata": {"name": "hello", "namespace": "demo", "uid": "7c0b6f3e-0000-4000-8000-000000000000", "generation": 7, "resourceVersion": "AAZ77777777"},
	"spec": {"template": {"spec": {"containers": [{"image": "` + testkit.Image + `"}]}}, "traffic": [{"latestRevision": true, "percent": 100}]},
	"status": {"observedGeneration": 7, "latestCreatedRevisionName": "foreign-00007-xyz", "latestReadyRevisionName": "foreign-00007-xyz",
		"conditions": [{"type": "ConfigurationsReady", "status": "True"}, {"type": "Ready", "status": "True"}, {"type": "RoutesReady", "status": "True"}],
		"traffic": [{"revisionName": "foreign-00007-xyz", "latestRevision": true, "percent": 100}], "url": "https://foreign.example"}}`

// simWithout returns the body of a response without one field.
func simWithout(resp *http.Response, field string) string {
	raw, _ := io.ReadAll(resp.Body)
	var o map[string]json.RawMessage
	if json.Unmarshal(raw, &o) != nil {
		return string(raw)
	}
	delete(o, field)
	raw, _ = json.Marshal(o)
	return string(raw)
}

// simHang waits until a caller gives up.
func simHang(ctx context.Context) error {
	if err := simSleep(ctx, 24*time.Hour); err != nil {
		return err
	}
	return simReset // so that a caller who waits for ever is a finding
}

// simDrops is a body that arrives byte by byte.
type simDrops struct {
	io.ReadCloser
	ctx   context.Context
	pause time.Duration
}

func (d *simDrops) Read(p []byte) (int, error) {
	if err := simSleep(d.ctx, d.pause); err != nil {
		return 0, err
	}
	return d.ReadCloser.Read(p[:min(len(p), 1)])
}
