package systemtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// simWrite is a write in the server's history and its author.
type simWrite struct {
	cloudruntest.Write
	id      string // the call or the actor
	place   int    // the position in the history
	delayed bool   // it arrived when its sender had gone on
	unseen  bool   // its sender did not learn that it took effect
}

func (w simWrite) ofPolicy() bool { return w.Kind == "setIamPolicy" }

func (s *sim) writes() (all []simWrite) {
	for i, w := range s.server.History() {
		next := simWrite{Write: w, place: i}
		switch {
		case w.Kind == "delete":
			next.id, next.delayed = s.deletes[w.Time].id, s.deletes[w.Time].delayed
		case len(w.Body) > 0:
			next.id, next.delayed, next.unseen = s.by[&w.Body[0]], s.delayed[&w.Body[0]], s.unseen[&w.Body[0]]
		}
		all = append(all, next)
	}
	return all
}

// check returns the broken promises.
func (s *sim) check() (problems []string) {
	writes := s.writes()
	problems = append(problems, s.leaks...)
	problems = append(problems, s.checkServices(writes)...)
	problems = append(problems, s.checkPolicies(writes)...)
	for _, c := range s.calls {
		for _, p := range append(c.problems, c.check(s, writes)...) {
			problems = append(problems, c.id+" "+c.kind+": "+p)
		}
	}
	return problems
}

// checkServices checks that each write to the Service changed only fields of its author.
func (s *sim) checkServices(writes []simWrite) (problems []string) {
	fields := simLeaves(s.before)
	for _, w := range writes {
		if w.Kind == "delete" {
			fields = nil
			continue
		}
		if w.ofPolicy() {
			continue
		}
		call := s.byID(w.id)
		next := simLeaves(w.Body)
		for _, path := range simChanged(fields, next) {
			if _, was := fields[path]; fields != nil && !simOwns(w.id, call, path, was) {
				problems = append(problems, fmt.Sprintf("lost update: %s, which made generation %d, changed %s from %q to %q", w.id, w.Generation, path, fields[path], next[path]))
			}
		}
		fields = next
	}
	return problems
}

func (s *sim) byID(id string) *simCall {
	i := slices.IndexFunc(s.calls, func(c *simCall) bool { return c.id == id })
	if i < 0 {
		return nil
	}
	return s.calls[i]
}

// simLeaves returns the values of a Service by path. A cluster adds defaults to
// traffic targets, which change nothing.
func simLeaves(raw []byte) map[string]string {
	leaves := testkit.Leaves(raw)
	for _, added := range []string{`"latestRevision":false,`, `"percent":0,`} {
		if targets, ok := leaves["/spec/traffic"]; ok {
			leaves["/spec/traffic"] = strings.ReplaceAll(targets, added, "")
		}
	}
	return leaves
}

// simChanged returns the paths at which two documents differ.
func simChanged(a, b map[string]string) (paths []string) {
	for path, value := range a {
		if now, ok := b[path]; !ok || now != value {
			paths = append(paths, path)
		}
	}
	for path := range b {
		if _, ok := a[path]; !ok {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// simServers are fields that the server sets.
var simServers = []string{"/apiVersion", "/kind", "/metadata/resourceVersion", "/metadata/generation", "/metadata/uid", "/metadata/creationTimestamp",
	"/metadata/selfLink", "/metadata/namespace", "/metadata/annotations/serving.knative.dev/", "/metadata/annotations/run.googleapis.com/operation-id",
	"/metadata/annotations/run.googleapis.com/urls", "/metadata/annotations/run.googleapis.com/ingress", "/metadata/labels/cloud.googleapis.com/location",
	"/spec/template/metadata/name"}

// simOwns reports whether a writer may change a field. It may change its own
// fields and those that the server sets. A new field may be a default of the server.
func simOwns(id string, c *simCall, path string, was bool) bool {
	has := func(prefix string) bool { return strings.HasPrefix(path, prefix) }
	actor, _, _ := strings.Cut(id, "/")
	if slices.ContainsFunc(simServers, has) || strings.Contains(path, "/"+actor) {
		return true
	}
	foreign := slices.ContainsFunc([]string{"console-", "seed", "SEED", "editor", "DEPLOYER", "deployer", "future"}, func(mark string) bool { return strings.Contains(path, mark) })
	labels := actor == "deployer-3" && has("/spec/template/metadata/labels/") // deploys copy the labels of the Service, as gcloud does
	if !was && (!foreign || labels) {
		return true
	}
	if c == nil {
		return false
	}
	const container = "/spec/template/spec/containers/0/"
	clientAnnotation := strings.Contains(path, "/annotations/run.googleapis.com/client-")
	switch c.actor {
	case "mover":
		return path == "/spec/traffic" || clientAnnotation
	case "editor":
		return false
	}
	own := map[string]string{"deployer-0": container + "resources/limits/memory", "deployer-1": "/spec/template/spec/containerConcurrency", "deployer-2": "/spec/template/spec/timeoutSeconds"}
	marker := container + "env/" + strings.ToUpper(strings.ReplaceAll(c.actor, "-", "_")) + "/"
	return clientAnnotation || path == own[c.actor] || has(marker) || path == container+"image" ||
		path == "/spec/template/metadata/labels/client.knative.dev/nonce" || path == "/spec/traffic" && c.routes
}

// checkPolicies checks that each write to the IAM policy changed only entries of its author.
func (s *sim) checkPolicies(writes []simWrite) (problems []string) {
	facts := simPolicyFacts(s.policy)
	for _, w := range writes {
		if w.Kind == "delete" {
			facts = simPolicyFacts(nil)
		}
		if !w.ofPolicy() {
			continue
		}
		var sent struct{ Policy json.RawMessage }
		_ = json.Unmarshal(w.Body, &sent)
		next := simPolicyFacts(sent.Policy)
		changed := simChanged(facts, next)
		call := s.byID(w.id)
		for _, fact := range changed {
			public := call != nil && call.public && fact == "roles/run.invoker  allUsers"
			own := call != nil && strings.Contains(fact, "user:"+call.actor+"-")
			if !public && !own && w.id != "auditor" {
				problems = append(problems, fmt.Sprintf("IAM: %s changed %s", w.id, fact))
			}
		}
		if len(changed) != 1 && call != nil {
			problems = append(problems, fmt.Sprintf("IAM: %s changed %d things instead of one: %q", w.id, len(changed), changed))
		}
		facts = next
	}
	return problems
}

// simPolicyFacts returns what a policy says: who has which role under which condition, and all other fields.
func simPolicyFacts(raw []byte) map[string]string {
	facts := map[string]string{}
	policy := testkit.Decode(cmpOr(string(raw), "{}"))
	bindings, _ := policy["bindings"].([]any)
	for _, b := range bindings {
		b := b.(map[string]any)
		condition := ""
		if b["condition"] != nil {
			condition = testkit.Encode(b["condition"].(map[string]any))
		}
		members, _ := b["members"].([]any)
		for _, m := range members {
			facts[fmt.Sprintf("%v %s %v", b["role"], condition, m)] = "granted"
		}
	}
	for key, value := range policy {
		if !slices.Contains([]string{"bindings", "etag", "version"}, key) {
			testkit.Flatten(facts, "/"+key, value)
		}
	}
	return facts
}

func cmpOr(s, otherwise string) string {
	if strings.TrimSpace(s) == "" {
		return otherwise
	}
	return s
}

// check returns the promises that one call broke.
func (c *simCall) check(s *sim, writes []simWrite) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	var own []simWrite           // to the Service or the policy, whichever the call is about
	last := map[bool]*simWrite{} // by whether it is to the policy
	revisions, policies := 0, 0
	for _, w := range writes {
		if w.id != c.id {
			continue
		}
		about := w.ofPolicy() == (c.kind == "grant" || c.kind == "revoke")
		if before := last[w.ofPolicy()]; before != nil && simStrays(writes, *before, w) {
			continue
		} else if before != nil && c.again(writes, *before, w) {
			if last[w.ofPolicy()] = &w; about {
				own[len(own)-1] = w
			}
			continue
		}
		last[w.ofPolicy()] = &w
		if w.ofPolicy() {
			policies++
		}
		if w.Revision != "" {
			revisions++
		}
		if about {
			own = append(own, w)
		}
	}
	if len(own) > 1 && !c.moved(writes, own) {
		wrong("wrote %d times", len(own))
	}
	if revisions > 1 {
		wrong("made %d Revisions", revisions)
	}
	if policies > 1 {
		wrong("wrote the policy %d times", policies)
	}
	if took := c.end.Sub(c.start); took > simLongest {
		wrong("it took %v", took)
	}
	if !c.deadline.IsZero() && c.end.Sub(c.deadline) > 0 {
		wrong("went on for %v after its context had ended", c.end.Sub(c.deadline))
	}
	if c.err != nil {
		return append(problems, c.checkFailure(s, own, writes)...)
	}
	switch {
	case c.kind == "plan" && len(own) > 0:
		wrong("it wrote")
	case c.marked():
		problems = append(problems, c.checkDeployed(s, own, writes)...)
	case slices.Contains([]string{"edit", "grant", "revoke"}, c.kind) && len(own) != 1 && (c.kind != "revoke" || !c.gone(writes)): // what each writes is its own
		wrong("success, but it wrote %d times", len(own))
	case c.kind == "delete" && len(own) != 1 && !c.ambiguous && !c.gone(writes):
		wrong("success, but it deleted %d times", len(own))
	}
	return problems
}

// again reports whether a write repeats one that no client can know of: a deletion
// that the network delivered twice, or what was written to a Service that
// somebody deleted before the call could see it.
func (c *simCall) again(writes []simWrite, last, w simWrite) bool {
	if w.Kind == "delete" {
		return w.delayed
	}
	if !last.unseen || !simDeleted(writes[last.place:w.place]) {
		return false
	}
	// A conflict that a proxy caused looks like that of the deletion. A lost write
	// looks like none only if there is no Service.
	return w.UID != last.UID && (c.twice || w.Kind == "create" || w.ofPolicy())
}

// simStrays reports whether a write is an earlier attempt of one that the call has
// seen to succeed, and reached a later Service long after that, when nobody could
// recall it. A policy of a new Service has the etag of every new policy.
func simStrays(writes []simWrite, last, w simWrite) bool {
	return w.delayed && !last.unseen && w.UID != last.UID && (w.Kind == "create" || w.ofPolicy()) &&
		simDeleted(writes[last.place:w.place])
}

// lastState returns the state of a Service when a call ended, or before it was deleted.
func (s *sim) lastState(c *simCall, uid string) simState {
	if c.outcome.uid == uid {
		return c.outcome.simState
	}
	for _, state := range slices.Backward(s.states) {
		if state.uid == uid && !state.at.After(c.end) {
			return state
		}
	}
	return simState{}
}

func simDeleted(writes []simWrite) bool {
	return slices.ContainsFunc(writes, func(w simWrite) bool { return w.Kind == "delete" })
}

// blind reports whether a read may have ended the call: it was answered with
// another object, or a list had no end.
func (c *simCall) blind() bool { return c.endless || c.metAny(simOtherBefore, simOtherAfter) }

// moved reports whether another writer moved the traffic between two writes of a
// call that moves it too. Such a write has no mark: after a lost answer, it is
// made again if the Service no longer shows it.
func (c *simCall) moved(writes, own []simWrite) bool {
	if c.kind != "move" || len(own) != 2 || !own[0].unseen {
		return false
	}
	last := ""
	for _, w := range writes[own[0].place:own[1].place] {
		if w.ofPolicy() || w.Kind == "delete" {
			continue
		}
		now := simLeaves(w.Body)["/spec/traffic"]
		if last != "" && now != last {
			return true
		}
		last = now
	}
	return false
}

// marked reports whether what the call writes has a mark.
func (c *simCall) marked() bool { return c.kind == "deploy" || c.kind == "apply" }

// gone reports whether the Service was deleted, or away, during the call.
func (c *simCall) gone(writes []simWrite) bool {
	away := false
	for _, w := range writes {
		switch {
		case w.Time.After(c.end):
			return away
		case w.Kind == "delete":
			if away = true; !w.Time.Before(c.start) {
				return true
			}
		case w.Kind == "create":
			if away && !w.Time.Before(c.start) {
				return true
			}
			away = false
		}
	}
	return away
}

// checkDeployed checks a Deploy that reported success.
func (c *simCall) checkDeployed(s *sim, own, writes []simWrite) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if len(own) != 1 {
		return []string{fmt.Sprintf("success, but it wrote %d times", len(own))}
	}
	w, r := own[0], c.outcome.result
	marker := "/spec/template/spec/containers/0/env/" + strings.ToUpper(strings.ReplaceAll(c.actor, "-", "_")) + "/value"
	if got := testkit.Leaves(w.Body)[marker]; got != fmt.Sprintf("%q", c.want) {
		wrong("success, but it wrote %s=%s", marker, got)
	}
	if w.Revision == "" {
		wrong("success, but it made no Revision")
	}
	if want := map[string]cloudrun.Action{"create": cloudrun.Created, "update": cloudrun.Updated}[w.Kind]; r.Action != want {
		wrong("it says %s, but it did %s", r.Action, w.Kind)
	}
	if c.async {
		return problems
	}
	if r.Revision != w.Revision {
		wrong("it names the Revision %s, but it made %s", r.Revision, w.Revision)
	}
	if ready := s.lastState(c, w.UID).ready[w.Revision]; ready != "True" {
		wrong("success, but its Revision is Ready=%s", ready)
	}
	superseded := slices.ContainsFunc(writes[w.place+1:c.outcome.writes], func(later simWrite) bool {
		return later.Revision != "" && later.UID == w.UID && later.Generation <= r.Service.Generation
	})
	if superseded && !slices.ContainsFunc(r.Warnings, func(text string) bool { return strings.Contains(text, "another writer has changed the service since") }) {
		wrong("success with a later Revision, but without a warning: %q", r.Warnings)
	}
	if string(r.Service.UID) != w.UID {
		wrong("success with a Service that was created since")
	}
	if s := r.Service; s.Generation < w.Generation || !superseded && s.Status.ObservedGeneration != s.Generation {
		wrong("success with generation %d, of which %d was observed; it wrote %d", s.Generation, s.Status.ObservedGeneration, w.Generation)
	}
	return problems
}

// verdict returns one word for how a call ended.
func (c *simCall) verdict() string {
	var failed *cloudrun.DeployError
	switch {
	case c.err == nil:
		return "success"
	case errors.As(c.err, &failed):
		return failed.Outcome.String()
	}
	return "refused"
}
