package systemtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// sim is one schedule: a Service, the actors that change it concurrently, and
// the faults. The seed determines all of it.
type sim struct {
	t       testing.TB
	seed    uint64
	server  *cloudruntest.Server
	pace    time.Duration // the longest pause between two calls of an actor
	rate    float64       // of faults
	lag     time.Duration // how far all lists are behind
	exists  bool          // whether the Service exists at the start
	cluster bool          // a Knative API server instead of Cloud Run
	before  []byte        // the Service and its policy at the start
	policy  []byte

	actors sync.WaitGroup
	late   sync.WaitGroup // requests whose sender no longer waits

	mu      sync.Mutex
	calls   []*simCall
	by      map[*byte]string          // the call that sent a body, by its address
	delayed map[*byte]bool            // bodies that arrived when their sender had gone on
	unseen  map[*byte]bool            // bodies of writes of which their sender did not learn that they took effect
	states  []simState                // before each write
	deletes map[time.Time]simDeletion // by their times
	log     []string
	leaks   []string // goroutines left at the end
}

// simDeletion is who sent a deletion, and whether it arrived when its sender had gone on.
type simDeletion struct {
	id      string
	delayed bool
}

// simRandomNames matches the parts of paths that differ between runs.
var simRandomNames = regexp.MustCompile(`/[0-9a-f-]{36}|/hello-\d{5}-[a-z]{3}`)

func (s *sim) note(r cloudruntest.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.Header.Get(simCallHeader)
	if len(r.Body) > 0 {
		s.by[&r.Body[0]] = id
	}
	if len(r.Body) > 0 && r.Header.Get(simLateHeader) != "" {
		s.delayed[&r.Body[0]] = true
	}
	if len(r.Body) > 0 && r.Header.Get(simUnseenHeader) != "" {
		s.unseen[&r.Body[0]] = true
	}
	if r.Method == http.MethodDelete {
		s.deletes[r.Time] = simDeletion{id, r.Header.Get(simLateHeader) != ""}
	}
	s.log = append(s.log, fmt.Sprintf("%s %s %s %s %d", r.Time.Format("15:04:05.000000"), id, r.Method, simRandomNames.ReplaceAllString(r.Path, "/…"), r.Status))
}

// open starts the server.
func (s *sim) open(opts ...cloudruntest.Option) {
	s.server = cloudruntest.NewServer(append(opts, cloudruntest.InProcess(), cloudruntest.AllowUnknownFields(), cloudruntest.WithRequestLog(s.note))...)
	s.unseen = map[*byte]bool{}
	s.by, s.delayed, s.deletes = map[*byte]string{}, map[*byte]bool{}, map[time.Time]simDeletion{}
	asked := func(header, value string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.Header.Get(header) == value }
	}
	s.server.Fault(cloudruntest.Fault{Stale: true, Times: -1, Match: asked(simStaleHeader, "1")})
	s.server.Fault(cloudruntest.Fault{Endless: true, Times: -1, Match: asked(simEndlessHeader, "1")})
	for _, lag := range simLags {
		s.server.Fault(cloudruntest.Fault{Lag: lag, Times: -1, Match: asked(simLagHeader, lag.String())})
	}
}

// client returns a client over a transport.
func (s *sim) client(wire http.RoundTripper) (*cloudrun.Client, error) {
	opts := []option.ClientOption{option.WithEndpoint(s.server.URL), option.WithHTTPClient(&http.Client{Transport: wire})}
	if s.cluster {
		return cloudrun.NewClusterClient(context.Background(), "demo", opts...)
	}
	return cloudrun.NewClient(context.Background(), "demo", "us-central1", opts...)
}

// play runs the schedule until all actors are done.
func (s *sim) play() {
	rng := s.random("schedule")
	s.pace = []time.Duration{200 * time.Millisecond, 3 * time.Second, 15 * time.Second}[rng.IntN(3)]
	s.rate = []float64{0, 0.2, 0.5, 0.9}[rng.IntN(4)]
	if s.cluster = rng.IntN(4) == 0; s.cluster {
		s.open(cloudruntest.Cluster())
	} else {
		s.open()
	}
	defer s.server.Close()
	if rng.IntN(4) == 0 {
		s.lag = simLags[rng.IntN(len(simLags))]
	}
	if s.exists = rng.IntN(3) > 0; s.exists {
		s.prepare()
	}
	s.script(rng)
	s.start("fate", rng.IntN(3), func(rng *rand.Rand, _ int) { s.script(rng) })
	for i := range 1 + rng.IntN(4) {
		s.start(fmt.Sprintf("deployer-%d", i), 1+rng.IntN(3), func(rng *rand.Rand, n int) { s.deploy(rng, i, n) })
	}
	for i := range rng.IntN(3) {
		s.start(fmt.Sprintf("console-%d", i), 1+rng.IntN(6), func(rng *rand.Rand, n int) { s.console(rng, i, n) })
	}
	s.start("creator", rng.IntN(2), func(*rand.Rand, int) { s.create("creator") })
	s.start("editor", rng.IntN(4), s.edit)
	s.start("mover", rng.IntN(4), s.move)
	if rng.IntN(4) == 0 {
		s.start("recreator", 1+rng.IntN(2), s.recreate)
	}
	if rng.IntN(6) == 0 {
		s.start("remover", 1, s.remove)
	}
	s.start("applier", rng.IntN(3), s.apply)
	if !s.cluster {
		s.startIAM(rng)
	} else if rng.IntN(2) == 0 {
		s.start("restarter", 1+rng.IntN(2), s.restart)
	}
	s.actors.Wait()
	s.late.Wait()
	s.checkGoroutines()
}

// startIAM starts the actors that change the policy.
func (s *sim) startIAM(rng *rand.Rand) {
	for i := range rng.IntN(3) {
		s.start(fmt.Sprintf("granter-%d", i), 1+rng.IntN(3), func(rng *rand.Rand, n int) { s.grant(rng, i, n) })
	}
	s.start("auditor", rng.IntN(3), func(rng *rand.Rand, n int) { s.audit(rng, n) })
}

// checkGoroutines checks that no goroutine of the library is left.
func (s *sim) checkGoroutines() {
	synctest.Wait()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, stack := range strings.Split(string(stacks), "\n\n")[1:] { // the first is this one
		if strings.Contains(stack, "synctest bubble") && strings.Contains(stack, "cloudrun-go/cloudrun") && !strings.Contains(stack, "synctest.Test(") {
			s.leaks = append(s.leaks, "a goroutine is left after all calls have returned: "+stack)
		}
	}
}

// document is the Service that actors create without this library.
func (s *sim) document() []byte {
	if !s.cluster {
		return []byte(testkit.UnknownFieldsService)
	}
	return []byte(testkit.Encode(simKnown(testkit.Decode(testkit.UnknownFieldsService)).(map[string]any)))
}

// simKnown returns a document without the fields that no server knows yet.
func simKnown(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if v[key] = simKnown(value); strings.HasPrefix(key, "future") {
				delete(v, key)
			}
		}
	case []any:
		for i := range v {
			v[i] = simKnown(v[i])
		}
	}
	return v
}

// prepare stores the Service, and on Cloud Run its policy.
func (s *sim) prepare() {
	region := "us-central1"
	if s.cluster {
		region = ""
	}
	err := s.server.PutService("demo", region, s.document())
	if !s.cluster {
		err = errors.Join(err, s.server.SetPolicy("demo", "hello", json.RawMessage(testkit.FullPolicy)))
		s.policy = s.server.Policy("demo", "hello")
	}
	if err != nil {
		s.t.Error(err)
	}
	s.before, _ = s.server.Service("demo", "hello")
}

// recreate deletes the Service and creates another one of the same name.
func (s *sim) recreate(rng *rand.Rand, _ int) {
	s.raw("recreator", http.MethodDelete, simServices+"/hello", nil)
	time.Sleep(time.Duration(rng.Int64N(int64([]time.Duration{time.Millisecond, time.Second, 10 * time.Second}[rng.IntN(3)]))))
	s.create("recreator")
}

// restart restarts the API server of a cluster. For the calls of the library it
// is away for a time, and then its caches are empty.
func (s *sim) restart(rng *rand.Rand, _ int) {
	of := func(r *http.Request) bool { return strings.Contains(r.Header.Get(simCallHeader), "/") }
	down := time.Duration(100+rng.IntN(20_000)) * time.Millisecond
	s.server.Fault(cloudruntest.Fault{Match: of, Refuse: true, For: down})
	s.server.Fault(cloudruntest.Fault{Match: of, Status: http.StatusForbidden, For: down + time.Duration(50+rng.IntN(500))*time.Millisecond})
	time.Sleep(down)
}
