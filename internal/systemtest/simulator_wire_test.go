package systemtest

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

const (
	simCallHeader    = "X-Sim-Call"    // which call a request belongs to
	simUnseenHeader  = "X-Sim-Unseen"  // a write of which the caller does not learn that it took effect
	simLateHeader    = "X-Sim-Late"    // a request that is delivered when its sender has gone on
	simStaleHeader   = "X-Sim-Stale"   // asks the server for the state before the last write
	simLagHeader     = "X-Sim-Lag"     // asks for a list without what is newer than this
	simEndlessHeader = "X-Sim-Endless" // asks for a list without an end
)

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
	case req.URL.Query().Has("watch"):
		return "watch"
	case strings.HasSuffix(req.URL.Path, ":wait"):
		return "operation"
	case strings.HasSuffix(req.URL.Path, "/entries:list"):
		return "log"
	case strings.Contains(req.URL.Path, "IamPolicy"):
		return "iam"
	case strings.HasSuffix(req.URL.Path, "/revisions"):
		return "list"
	case strings.Contains(req.URL.Path, "/revisions/"):
		return "revision"
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
	if simWrites(req) && (fault.ambiguous() || fault == simTwice || fault == simTwiceRefused) {
		req = req.Clone(req.Context())
		req.Header.Set(simUnseenHeader, "1")
	}
	// No two requests happen at the same time.
	before, after := simLatency(rng), simLatency(rng)
	switch fault {
	case simSlowRequest:
		before += time.Duration(5+rng.IntN(30)) * time.Second
	case simSlowAnswer:
		after += time.Duration(5+rng.IntN(30)) * time.Second
	}
	if err := simSleep(req.Context(), before); err != nil {
		w.call.gaveUp(simWrites(req))
		return nil, err
	}
	resp, err := w.meet(rng, fault, class, req, body)
	w.call.heard(class, simWrites(req), resp, err)
	if ended := simSleep(req.Context(), after); ended != nil {
		w.call.gaveUp(simWrites(req))
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

// meet sends the request, unless the fault prevents it, and returns the response.
func (w *simWire) meet(rng *rand.Rand, fault simFault, class string, req *http.Request, body []byte) (*http.Response, error) {
	switch fault {
	case simHungBefore:
		return nil, simHang(req.Context())
	case simOtherBefore:
		return simOther(rng, class, req, nil), nil
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
	case simTwice, simTwiceRefused:
		w.discard(w.forward(req.Context(), req, body, nil))
		if err := simSleep(req.Context(), simLatency(rng)); err != nil {
			return nil, err
		}
		late := http.Header{simLateHeader: {"1"}}
		if fault == simTwice {
			return w.forward(req.Context(), req, body, late)
		}
		w.discard(w.forward(req.Context(), req, body, late))
		return simRefusal(rng, w.call, class, req), nil
	}
	resp, err := w.forward(req.Context(), req, body, w.ask(rng, fault, class))
	if err != nil {
		return nil, err
	}
	return w.spoil(rng, fault, class, req, resp)
}

// ask returns what a request asks of the server: to lag, to be stale, or not to end.
func (w *simWire) ask(rng *rand.Rand, fault simFault, class string) http.Header {
	switch {
	case fault == simStale:
		return http.Header{simStaleHeader: {"1"}}
	case class == "list" && w.call.hasNoEnd():
		return http.Header{simEndlessHeader: {"1"}}
	case fault == simLag:
		return http.Header{simLagHeader: {simLags[rng.IntN(len(simLags))].String()}}
	case class == "list" && w.sim.lag > 0:
		return http.Header{simLagHeader: {w.sim.lag.String()}}
	}
	return nil
}

// spoil returns the response of a request that took effect, as it arrives.
func (w *simWire) spoil(rng *rand.Rand, fault simFault, class string, req *http.Request, resp *http.Response) (*http.Response, error) {
	switch fault {
	case simHungAfter:
		w.discard(resp, nil)
		return nil, simHang(req.Context())
	case simOtherAfter:
		defer w.discard(resp, nil)
		return simOther(rng, class, req, resp), nil
	case simDrips:
		pause := time.Duration(1+rng.IntN(3_000)) * time.Millisecond
		resp.Body = &simDrops{ctx: req.Context(), ReadCloser: resp.Body, pause: pause}
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

// forward sends a request to the server, with more headers.
func (w *simWire) forward(ctx context.Context, req *http.Request, body []byte, more http.Header) (*http.Response, error) {
	if simWrites(req) {
		w.sim.witness()
	}
	r := req.Clone(ctx)
	r.Header.Set(simCallHeader, w.call.id)
	maps.Copy(r.Header, more)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return w.sim.server.Client().Transport.RoundTrip(r)
}

// deliverLater delivers a request whose sender believes that it was lost.
func (w *simWire) deliverLater(delay time.Duration, req *http.Request, body []byte) {
	w.sim.late.Go(func() {
		time.Sleep(delay)
		w.discard(w.forward(context.WithoutCancel(req.Context()), req, body, http.Header{simLateHeader: {"1"}}))
	})
}

func (w *simWire) discard(resp *http.Response, err error) {
	if err == nil {
		_ = resp.Body.Close()
	}
}

// random returns the random source for the seed and for who asks.
func (s *sim) random(who ...string) *rand.Rand {
	h := fnv.New64a()
	for _, part := range who {
		_, _ = h.Write([]byte(part + "\x00"))
	}
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}
