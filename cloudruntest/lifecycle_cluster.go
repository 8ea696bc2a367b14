package cloudruntest

import "time"

// sorted is the set of conditions of a Service on a cluster, in its order.
func sorted(config, ready, routes Condition) []Condition {
	config.Type, ready.Type, routes.Type = "ConfigurationsReady", "Ready", "RoutesReady"
	return []Condition{config, ready, routes}
}

var (
	yes                  = Condition{Status: "True"}
	configOutOfDate      = unknown("OutOfDate", "The Configuration is still working to reflect the latest desired specification.")
	routeOutOfDate       = unknown("OutOfDate", "The Route is still working to reflect the latest desired specification.")
	trafficNotMigrated   = unknown("TrafficNotMigrated", "Traffic is not yet migrated to the latest revision.")
	ingressNotConfigured = unknown("IngressNotConfigured", "Ingress has not yet been reconciled.")
	ingressUninitialized = unknown("Uninitialized", "Waiting for load balancer to be ready")
)

// share is a part of the time to ready, after the write was noticed.
func (p *planner) share(percent int) time.Duration {
	return p.noticed() + p.script.TimeToReady*time.Duration(percent)/100
}

// planCluster gives the stages that Knative's controllers were seen to pass
// through. The answer to the write always shows the first of them.
func (p *planner) planCluster() {
	p.add(stage{blank: p.first, unobserved: !p.first})
	if p.script.FalseAlarm > 0 {
		alarm := Condition{Status: "False", Reason: "NotOwned", Message: `There is an existing Route "` + p.sv.key.name + `" that we do not own.`}
		p.add(stage{after: p.share(3) - p.script.FalseAlarm, uncreated: true, conditions: sorted(configOutOfDate, alarm, alarm)})
	}
	switch {
	case p.first:
		p.clusterCreate()
	case p.made:
		p.add(stage{after: p.share(3), uncreated: true, conditions: sorted(configOutOfDate, configOutOfDate, yes)})
		p.add(stage{after: p.share(8), conditions: sorted(unknown("", ""), unknown("", ""), yes)})
	default:
		p.add(stage{after: p.share(3), conditions: sorted(yes, routeOutOfDate, routeOutOfDate)})
	}
	switch r := p.sv.latest; {
	case r != nil && r.never:
		p.noOutcome = true
	case r != nil && r.failure != nil:
		p.clusterFailure(r)
	default:
		p.clusterRoute()
	}
}

func (p *planner) waiting() Condition {
	return unknown("RevisionMissing", `Configuration "`+p.sv.key.name+`" is waiting for a Revision to become ready.`)
}

func (p *planner) clusterCreate() {
	w := p.waiting()
	p.add(stage{after: p.share(3), uncreated: true, conditions: sorted(configOutOfDate, routeOutOfDate, routeOutOfDate)})
	p.add(stage{after: p.share(6), uncreated: true, conditions: sorted(configOutOfDate, w, w)})
	p.add(stage{after: p.share(8), conditions: sorted(unknown("", ""), w, w)})
}

// clusterFailure ends with the cause in ConfigurationsReady only, if there is no older revision to serve.
func (p *planner) clusterFailure(r *revision) {
	failed := Condition{Status: "False", Reason: "RevisionFailed", Message: `Revision "` + r.name + `" failed with message: ` + r.failure.message() + "."}
	p.done = max(p.configured(), p.share(100))
	if p.sv.latestReady(p.now.Add(p.done)) != nil {
		p.add(stage{after: p.configured(), routed: true, conditions: sorted(failed, failed, yes)})
		return
	}
	p.add(stage{after: p.configured(), conditions: sorted(failed, failed, p.waiting())})
	missing := Condition{Status: "False", Reason: "RevisionMissing", Message: `Configuration "` + p.sv.key.name + `" does not have any ready Revision.`}
	p.add(stage{after: p.done, conditions: sorted(failed, missing, missing)})
}

func (p *planner) clusterRoute() {
	if p.made {
		next := trafficNotMigrated
		if p.first {
			next = p.waiting()
		}
		p.add(stage{after: p.configured(), conditions: sorted(yes, next, next)})
	}
	p.done = max(p.routed(), p.share(100))
	switch routes := p.routeOutcome(yes); {
	case routes.Status == "Unknown", p.noOutcome:
		p.noOutcome = true
		p.add(stage{after: p.share(75), conditions: sorted(yes, routes, routes)})
	case routes.Status == "False":
		p.add(stage{after: p.share(75), conditions: sorted(yes, routes, routes)})
	default:
		now := p.script.RouteLag == 0
		p.add(stage{after: p.share(75), routed: now, conditions: sorted(yes, ingressNotConfigured, ingressNotConfigured)})
		p.add(stage{after: p.share(80), routed: now, conditions: sorted(yes, ingressUninitialized, ingressUninitialized)})
		p.add(stage{after: p.done, routed: now, conditions: sorted(yes, yes, yes)})
		if !now {
			p.add(stage{after: p.done + p.script.RouteLag, routed: true, conditions: sorted(yes, yes, yes)})
		}
	}
}
