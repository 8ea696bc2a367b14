package cloudruntest

import (
	"time"
)

// rollout is what becomes of a Service after a write. Nothing runs in the
// background: the stage that it is in follows from the time.
type rollout struct {
	at      time.Time
	version int64 // resource version of the first stage
	stages  []stage
	base    view   // what the status was before the write
	made    string // name of the revision that the write made
	id      string // of the operation
	err     string // of the operation
	never   bool
	done    time.Duration // when the operation is
	noURL   bool
	seeded  object // status that was given to PutService
	// seededVersion is the resource version that was given to PutService.
	seededVersion string
}

// stage is what the status is from a time on.
type stage struct {
	after      time.Duration
	blank      bool // no status at all
	unobserved bool // the status is as before the write
	uncreated  bool // the new revision is not named yet
	routed     bool // status.traffic follows the spec
	conditions []Condition
}

// view is the status at a moment.
type view struct {
	blank      bool
	observed   int64
	conditions []seenCondition
	created    string
	ready      string
	traffic    []any
}

type seenCondition struct {
	Condition
	since time.Time
}

// index is the stage that a rollout is in.
func (r *rollout) index(now time.Time) int {
	i := 0
	for j, st := range r.stages {
		if now.Sub(r.at) >= st.after {
			i = j
		}
	}
	return i
}

// view is the status of a Service in a stage of its rollout.
func (sv *service) view(i int, now time.Time) view {
	r := &sv.rollout
	if r.seeded != nil {
		return seededView(r.seeded)
	}
	st := r.stages[i]
	v := view{blank: st.blank, observed: sv.generation, created: r.base.created, traffic: r.base.traffic}
	if st.unobserved {
		return r.base
	}
	if !st.uncreated && sv.latest != nil {
		v.created = sv.latest.name
	}
	if ready := sv.latestReady(now); ready != nil {
		v.ready = ready.name
	}
	if st.routed {
		v.traffic = sv.resolve(v.ready)
	}
	v.conditions = r.seen(i)
	return v
}

// seen gives the conditions of a stage the times since when they are as they are.
func (r *rollout) seen(i int) []seenCondition {
	since := map[string]seenCondition{}
	for _, c := range r.base.conditions {
		since[c.Type] = c
	}
	for _, st := range r.stages[:i+1] {
		for _, c := range st.conditions {
			if old, ok := since[c.Type]; !ok || old.Status != c.Status {
				since[c.Type] = seenCondition{c, r.at.Add(st.after)}
			}
		}
	}
	list := make([]seenCondition, 0, len(r.stages[i].conditions))
	for _, c := range r.stages[i].conditions {
		list = append(list, seenCondition{c, since[c.Type].since})
	}
	return list
}

// roll plans the rollout of a write.
func (s *Server) roll(sv, old *service, script Script, made bool, now time.Time) rollout {
	r := rollout{at: now, version: s.clock.next(), noURL: script.NoURL}
	if old != nil {
		r.base = old.view(old.rollout.index(now), now)
	}
	p := planner{server: s, sv: sv, script: script, now: now, made: made, first: old == nil, noOutcome: script.NeverReady}
	if made {
		r.made = sv.latest.name
		p.timeRevision(sv.latest)
	}
	p.plan()
	r.stages, r.never, r.done = p.stages, p.noOutcome, p.done
	lasts := p.noOutcome || p.done > 0 || script.OperationError != ""
	if lasts && !script.NoOperation && !s.conf.cluster {
		r.id, r.err = newUID(), script.OperationError
	}
	return r
}

// planner makes the stages of a rollout.
type planner struct {
	server    *Server
	sv        *service
	script    Script
	now       time.Time
	made      bool // the write made a revision
	first     bool // the write created the Service
	noOutcome bool // the end is never reached
	stages    []stage
	done      time.Duration
}

// timeRevision sets when a new revision is ready or has failed.
func (p *planner) timeRevision(r *revision) {
	script := p.script
	r.outcome = p.now.Add(p.noticed() + script.TimeToReady - script.TimeToReady/3)
	r.never = script.NeverReady
	if len(script.Stages) == 0 {
		return
	}
	r.never = true
	for _, st := range script.Stages {
		if c, ok := find(st.Conditions, "ConfigurationsReady"); ok && r.never && c.Status != "Unknown" && !st.Unobserved {
			if c.Status == "True" || r.failure != nil {
				r.never, r.outcome = false, p.now.Add(st.After)
			}
		}
	}
}

func find(conditions []Condition, kind string) (Condition, bool) {
	for _, c := range conditions {
		if c.Type == kind {
			return c, true
		}
	}
	return Condition{}, false
}

// add appends a stage. Stages are in order: none begins before the one in front of it.
func (p *planner) add(st stage) {
	if n := len(p.stages); n > 0 {
		st.after = max(st.after, p.stages[n-1].after)
	}
	if !st.unobserved && !st.blank {
		st.conditions = append(st.conditions, p.script.ExtraConditions...)
	}
	p.stages = append(p.stages, st)
}

func (p *planner) plan() {
	switch {
	case len(p.script.Stages) > 0:
		p.planScripted()
	case p.server.conf.cluster:
		p.planCluster()
	default:
		p.planCloudRun()
	}
}

func (p *planner) planScripted() {
	routed := false
	for _, st := range p.script.Stages {
		c, ok := find(st.Conditions, "RoutesReady")
		routed = routed || ok && c.Status == "True"
		p.add(stage{after: st.After, unobserved: st.Unobserved, conditions: st.Conditions, routed: routed})
	}
	last := p.script.Stages[len(p.script.Stages)-1]
	p.done = last.After
	if c, ok := find(last.Conditions, "Ready"); !ok || c.Status == "Unknown" {
		p.noOutcome = true
	}
}

// noticed is the time from the write on at which the controllers get to work.
func (p *planner) noticed() time.Duration { return p.script.ObservedLag + p.script.FalseAlarm }

// pending reports whether the outcome of the latest revision is open when the write is noticed.
func (p *planner) pending() bool {
	return p.made || p.sv.latest != nil && p.sv.latest.never || p.configured() > 0
}

// configured is the time from the write on at which the revision's outcome is known.
func (p *planner) configured() time.Duration {
	if p.sv.latest == nil {
		return 0
	}
	return max(0, p.sv.latest.outcome.Sub(p.now))
}

// routed is the time from the write on at which all is done.
func (p *planner) routed() time.Duration {
	rest := p.script.TimeToReady
	if p.made {
		rest /= 3
	}
	return max(p.noticed(), p.configured(), p.targeted()) + rest
}

// targeted is the time from the write on at which the outcome of all revisions
// is known that the traffic names.
func (p *planner) targeted() (known time.Duration) {
	for _, t := range objects(at(p.sv.doc, "spec"), "traffic") {
		if r := p.sv.revision(text(t, "revisionName")); r != nil && !r.never {
			known = max(known, r.outcome.Sub(p.now))
		}
	}
	return known
}

func (p *planner) planCloudRun() {
	if p.script.ObservedLag > 0 {
		p.add(stage{unobserved: true})
	}
	if p.script.FalseAlarm > 0 {
		alarm := Condition{Status: "False", Reason: "RevisionMissing", Message: "Revision is not ready yet and cannot serve traffic."}
		p.add(stage{after: p.script.ObservedLag, conditions: three(alarm, unknown("", ""), unknown("", ""))})
	}
	if p.pending() {
		deploying := unknown("Deploying", "Deploying Revision.")
		p.add(stage{after: p.noticed(), conditions: three(deploying, deploying, unknown("", ""))})
	}
	if p.sv.latest != nil && p.sv.latest.never {
		p.noOutcome = true
		return
	}
	p.routeCloudRun()
}

// routeCloudRun adds the stages after the revision's outcome is known.
func (p *planner) routeCloudRun() {
	config, routes := p.outcomes()
	ready, assigning := config, unknown("Routing", "Assigning traffic.")
	if config.Status == "True" {
		ready = routes
		p.add(stage{after: max(p.noticed(), p.configured()), conditions: three(unknown("", ""), config, assigning)})
	} else if !p.made {
		p.add(stage{after: p.noticed(), conditions: three(config, config, assigning)})
	}
	if p.noOutcome || routes.Status == "Unknown" {
		p.noOutcome = true
		return
	}
	p.done = p.routed()
	lag := p.script.RouteLag
	final := stage{after: p.done, conditions: three(ready, config, routes), routed: routes.Status == "True" && lag == 0}
	p.add(final)
	if lag > 0 && routes.Status == "True" {
		final.after, final.routed = p.done+lag, true
		p.add(final)
	}
}

// outcomes is what becomes of the configuration and of the routes.
func (p *planner) outcomes() (config, routes Condition) {
	config = Condition{Status: "True"}
	if r := p.sv.latest; r != nil && r.failure != nil {
		config = Condition{Status: "False", Reason: r.failure.reason(), Message: failureMessage(r)}
	}
	return config, p.routeOutcome(config)
}

func failureMessage(r *revision) string {
	message := "Revision '" + r.name + "' is not ready and cannot serve traffic."
	if !r.failure.Hidden {
		message += " " + r.failure.message()
	}
	return message
}

// routeOutcome is what becomes of the traffic that the spec asks for.
func (p *planner) routeOutcome(config Condition) Condition {
	end := p.now.Add(p.routed())
	for _, t := range objects(at(p.sv.doc, "spec"), "traffic") {
		name := text(t, "revisionName")
		r := p.sv.revision(name)
		switch {
		case name == "" && p.sv.latestReady(end) == nil:
			return config
		case name == "" || r != nil && r.ready(end):
		case r == nil:
			return Condition{Status: "False", Reason: "RevisionMissing", Message: `Revision "` + name + `" referenced in traffic not found.`}
		case r.failed(end):
			return Condition{Status: "False", Reason: "RevisionFailed", Message: `Revision "` + name + `" failed to become ready.`}
		default:
			return Condition{Status: "Unknown", Reason: "RevisionMissing", Message: `Revision "` + name + `" is not yet ready.`}
		}
	}
	return Condition{Status: "True"}
}

// three is the usual set of conditions, in Cloud Run's order.
func three(ready, config, routes Condition) []Condition {
	ready.Type, config.Type, routes.Type = "Ready", "ConfigurationsReady", "RoutesReady"
	return []Condition{ready, config, routes}
}

func unknown(reason, message string) Condition {
	return Condition{Status: "Unknown", Reason: reason, Message: message}
}
