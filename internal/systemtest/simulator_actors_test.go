package systemtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// start calls act the given number of times, with pauses.
func (s *sim) start(actor string, times int, act func(rng *rand.Rand, n int)) {
	s.actors.Go(func() {
		rng := s.random("actor", actor)
		for n := range times {
			time.Sleep(time.Duration(rng.Int64N(int64(s.pace))))
			act(rng, n)
		}
	})
}

// script chooses how the server handles the next writes.
func (s *sim) script(rng *rand.Rand) {
	script := cloudruntest.Script{
		TimeToReady: time.Duration(rng.IntN(15_000)) * time.Millisecond,
		ObservedLag: time.Duration(rng.IntN(800)) * time.Millisecond,
		RouteLag:    time.Duration(rng.IntN(2_000)) * time.Millisecond,
		NoOperation: rng.IntN(3) == 0,
	}
	switch rng.IntN(6) {
	case 0:
		script.FalseAlarm = time.Duration(rng.IntN(700)) * time.Millisecond
	case 1:
		script.FailRevision = &cloudruntest.Failure{}
	}
	s.server.Script("hello", script)
}

// call calls the library over its own simulated network.
func (s *sim) call(rng *rand.Rand, actor string, n int, kind string, do func(context.Context, *cloudrun.Client, *simCall) (*cloudrun.Result, error)) {
	c := &simCall{id: fmt.Sprintf("%s/%d", actor, n), actor: actor, kind: kind, rate: s.rate, faulty: 1 + rng.IntN(4),
		count: map[string]int{}, notBefore: map[string]time.Time{}}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	if rng.IntN(20) == 0 {
		c.outage = 1 + rng.IntN(3)
	}
	client, err := s.client(&simWire{s, c})
	if err != nil {
		s.t.Error(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.start = time.Now()
	if rng.IntN(6) == 0 {
		c.deadline = c.start.Add(time.Duration(rng.IntN(8_000))*time.Millisecond + time.Duration(rng.IntN(1_000_000)))
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, c.deadline)
		defer stop()
	}
	result, err := do(ctx, client, c)
	c.cancelled = ctx.Err() != nil
	c.close(err)
	c.outcome = s.look(result)
}

// simOutcome is the state of the server when a call returned.
type simOutcome struct {
	simState
	result *cloudrun.Result
	writes int // the number of writes so far
}

// simState is the state of the server at a time.
type simState struct {
	at     time.Time
	ready  map[string]string // the Ready condition of each Revision
	uid    string            // of the Service; empty if there is none
	failed bool              // whether the Service had failed
}

func (s *sim) look(result *cloudrun.Result) simOutcome {
	return simOutcome{s.state(), result, len(s.server.History())}
}

// witness records the state of the server before a write.
func (s *sim) witness() {
	state := s.state()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states = append(s.states, state)
}

func (s *sim) state() simState {
	o := simState{at: time.Now(), ready: map[string]string{}}
	for _, raw := range s.server.Revisions("demo", "hello") {
		name, ready := s.ready(raw)
		o.ready[name] = ready
	}
	if raw, ok := s.server.Service("demo", "hello"); ok {
		_, ready := s.ready(raw)
		o.failed = ready == "False"
		o.uid, _ = simAt(testkit.Decode(string(raw)), "metadata")["uid"].(string)
	}
	return o
}

// ready returns the name of an object and its Ready condition.
func (s *sim) ready(raw []byte) (name, ready string) {
	var o struct {
		Metadata struct{ Name string }
		Status   struct {
			Conditions []struct{ Type, Status string }
		}
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		s.t.Error(err)
	}
	for _, c := range o.Status.Conditions {
		if c.Type == "Ready" {
			ready = c.Status
		}
	}
	return o.Metadata.Name, ready
}

// deploy changes the settings of this deployer and those that all deployers share.
func (s *sim) deploy(rng *rand.Rand, i, n int) {
	s.call(rng, fmt.Sprintf("deployer-%d", i), n, "deploy", func(ctx context.Context, client *cloudrun.Client, c *simCall) (*cloudrun.Result, error) {
		c.want = fmt.Sprintf("call-%d", n)
		opts := []cloudrun.DeployOption{cloudrun.WithEnv(fmt.Sprintf("DEPLOYER_%d", i), c.want)}
		switch i {
		case 0:
			opts = append(opts, cloudrun.WithMemory([]string{"256Mi", "1Gi"}[rng.IntN(2)]))
		case 1:
			opts = append(opts, cloudrun.WithConcurrency(1+rng.IntN(50)))
		case 2:
			opts = append(opts, cloudrun.WithRequestTimeout(time.Duration(1+rng.IntN(50))*time.Second))
		default:
			opts = append(opts, cloudrun.WithLabel("deployer-3", c.want))
		}
		if !s.exists || rng.IntN(2) == 0 {
			opts = append(opts, cloudrun.WithImage(testkit.Image))
		}
		add := func(oneIn int, o cloudrun.DeployOption) bool {
			chosen := rng.IntN(oneIn) == 0
			if chosen {
				opts = append(opts, o)
			}
			return chosen
		}
		c.public = !s.cluster && add(4, cloudrun.WithPublicAccess())
		c.routes = add(6, cloudrun.WithTag(fmt.Sprintf("d%d", i)))
		if s.exists && add(8, cloudrun.WithNoTraffic()) {
			c.routes = true
		}
		add(8, cloudrun.WithRevisionSuffix(fmt.Sprintf("d%d-%d", i, n)))
		add(8, cloudrun.IfChanged())
		c.async = add(8, cloudrun.Async())
		add(2, cloudrun.WithProgress(c.event))
		return cloudrun.NewDeployer(client).Deploy(ctx, "hello", opts...)
	})
}

// edit changes the editor's own annotation with UpdateService.
func (s *sim) edit(rng *rand.Rand, n int) {
	s.call(rng, "editor", n, "edit", func(ctx context.Context, client *cloudrun.Client, c *simCall) (*cloudrun.Result, error) {
		c.want = fmt.Sprint(n)
		got, err := client.UpdateService(ctx, "hello", func(s *servingv1.Service) error {
			if s.Annotations == nil {
				s.Annotations = map[string]string{}
			}
			s.Annotations["editor.example/n"] = c.want
			return nil
		})
		return &cloudrun.Result{Service: got}, err
	})
}

// move sends the traffic to a Revision or to the latest one.
func (s *sim) move(rng *rand.Rand, n int) {
	target := cloudrun.TrafficOption(cloudrun.ToLatest())
	if all := s.server.Revisions("demo", "hello"); len(all) > 0 && rng.IntN(2) == 0 {
		var r servingv1.Revision
		_ = json.Unmarshal(all[rng.IntN(len(all))], &r)
		target = cloudrun.ToRevision(r.Name, 100)
	}
	s.call(rng, "mover", n, "move", func(ctx context.Context, client *cloudrun.Client, c *simCall) (*cloudrun.Result, error) {
		c.routes = true
		return cloudrun.NewDeployer(client).UpdateTraffic(ctx, "hello", target)
	})
}

var simCondition = cloudrun.BindingCondition{Title: "office hours", Expression: "request.time.getHours() < 17"}

// grant grants a role, with or without a condition, and perhaps revokes it.
func (s *sim) grant(rng *rand.Rand, i, n int) {
	role, member := []string{"roles/run.invoker", "roles/run.viewer"}[rng.IntN(2)], fmt.Sprintf("user:granter-%d-%d@example.com", i, n)
	var opts []cloudrun.MemberOption
	if rng.IntN(2) == 0 {
		opts = append(opts, cloudrun.WithCondition(simCondition))
	}
	s.call(rng, fmt.Sprintf("granter-%d", i), 2*n, "grant", func(ctx context.Context, client *cloudrun.Client, c *simCall) (*cloudrun.Result, error) {
		return nil, cloudrun.AddMember(ctx, client, "hello", role, member, opts...)
	})
	if rng.IntN(3) > 0 {
		return
	}
	s.call(rng, fmt.Sprintf("granter-%d", i), 2*n+1, "revoke", func(ctx context.Context, client *cloudrun.Client, c *simCall) (*cloudrun.Result, error) {
		return nil, cloudrun.RemoveMember(ctx, client, "hello", role, member, opts...)
	})
}

// rewrite reads an object, edits it and writes it without this library, until
// there is no conflict.
func (s *sim) rewrite(rng *rand.Rand, actor, read, method, write string, edit func(map[string]any) any) {
	for range 50 {
		time.Sleep(simLatency(rng))
		status, raw := s.raw(actor, http.MethodGet, read, nil)
		if status == http.StatusNotFound {
			return
		}
		body, _ := json.Marshal(edit(testkit.Decode(string(raw))))
		time.Sleep(simLatency(rng))
		if status, _ = s.raw(actor, method, write, body); status == http.StatusOK {
			return
		}
	}
	s.t.Errorf("%s never came through", actor)
}

const (
	simServices = "/apis/serving.knative.dev/v1/namespaces/demo/services"
	simPolicy   = "/v1/projects/demo/locations/us-central1/services/hello"
)

func (s *sim) raw(actor, method, path string, body []byte) (status int, answer []byte) {
	req, err := http.NewRequest(method, s.server.URL+path, bytes.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return 0, nil
	}
	req.Header.Set(simCallHeader, actor)
	if method != http.MethodGet {
		s.witness()
	}
	resp, err := s.server.Client().Do(req)
	if err != nil {
		s.t.Error(err)
		return 0, nil
	}
	defer resp.Body.Close()
	answer, _ = io.ReadAll(resp.Body)
	return resp.StatusCode, answer
}

// console changes fields that no other actor knows.
func (s *sim) console(rng *rand.Rand, i, n int) {
	actor, what := fmt.Sprintf("console-%d", i), rng.IntN(7)
	if s.cluster {
		what %= 4 // a cluster drops fields that it does not know
	}
	s.rewrite(rng, actor, simServices+"/hello", http.MethodPut, simServices+"/hello", func(o map[string]any) any {
		template := simAt(o, "spec", "template")
		delete(simAt(template, "metadata"), "name")
		container := template["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
		key, value := fmt.Sprintf("%s.example/%d", actor, n), map[string]any{"n": json.Number("12345678901234567890"), "when": n}
		switch what {
		case 0:
			simAt(o, "metadata", "labels")[fmt.Sprintf("%s-%d", actor, n)] = "x"
		case 1:
			simAt(o, "metadata", "annotations")[key] = "x"
		case 2:
			simAt(template, "metadata", "annotations")[key] = "x"
		case 3:
			env, _ := container["env"].([]any)
			v := map[string]any{"name": fmt.Sprintf("%s-%d", actor, n), "value": "x"}
			if !s.cluster {
				v["future"] = value
			}
			container["env"] = append(env, v)
		case 4:
			simAt(template, "spec")[actor] = value
		case 5:
			container[actor] = value
		default:
			simAt(o, "spec")[actor] = value
		}
		return o
	})
}

// create creates the Service unless it exists.
func (s *sim) create(actor string) {
	s.raw(actor, http.MethodPost, simServices, s.document())
}

// audit changes fields of the policy that the library does not know.
func (s *sim) audit(rng *rand.Rand, n int) {
	s.rewrite(rng, "auditor", simPolicy+":getIamPolicy?options.requestedPolicyVersion=3", http.MethodPost, simPolicy+":setIamPolicy", func(p map[string]any) any {
		p["version"] = 3
		bindings, _ := p["bindings"].([]any)
		p["bindings"] = append(bindings, map[string]any{"role": "roles/run.invoker", "members": []any{fmt.Sprintf("user:auditor-%d@example.com", n)},
			"condition": map[string]any{"title": "audit", "expression": "true", "location": "here"}})
		p["auditConfigs"] = []any{map[string]any{"service": "allServices", "auditLogConfigs": []any{map[string]any{"logType": "ADMIN_READ", "n": n}}}}
		return map[string]any{"policy": p}
	})
}

// simAt returns the object at a path and creates it if it is missing.
func simAt(o map[string]any, path ...string) map[string]any {
	for _, key := range path {
		next, ok := o[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			o[key] = next
		}
		o = next
	}
	return o
}
