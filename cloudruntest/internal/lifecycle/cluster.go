package lifecycle

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
)

// clusterCourse returns the stages that Knative's controllers were observed to
// pass through. The response to a write always shows the first one.
func clusterCourse(t timing) course {
	stages := clusterStart(t)
	switch r := t.sv.Latest; {
	case t.taken != "":
		return clusterTaken(t, stages)
	case t.stuck():
		return course{stages: stages, never: true}
	case r != nil && r.Fate.Failure != nil:
		return clusterFailure(t, stages)
	default:
		return clusterRoute(t, stages)
	}
}

// clusterStart returns the stages until the Revision is decided.
func clusterStart(t timing) []store.Stage {
	configStale := unknown("OutOfDate", "The Configuration is still working to reflect the latest desired specification.")
	routeStale := unknown("OutOfDate", "The Route is still working to reflect the latest desired specification.")
	stages := []store.Stage{{Blank: t.first, Unobserved: !t.first}}
	if t.script.FalseAlarm > 0 {
		alarm := failed("NotOwned", `There is an existing Route "`+t.sv.Key.Name+`" that we do not own.`)
		stages = append(stages, store.Stage{After: t.share(3) - t.script.FalseAlarm, Uncreated: true, Conditions: clusterConditions(configStale, alarm, alarm)})
	}
	switch {
	case t.first:
		missing := awaiting(t)
		return append(stages,
			store.Stage{After: t.share(3), Uncreated: true, Conditions: clusterConditions(configStale, routeStale, routeStale)},
			store.Stage{After: t.share(6), Uncreated: true, Conditions: clusterConditions(configStale, missing, missing)},
			store.Stage{After: t.share(8), Conditions: clusterConditions(pending(), missing, missing)})
	case t.made || t.taken != "":
		stages = append(stages,
			store.Stage{After: t.share(3), Uncreated: true, Conditions: clusterConditions(configStale, configStale, succeeded())})
		if t.made {
			stages = append(stages, store.Stage{After: t.share(8), Conditions: clusterConditions(pending(), pending(), succeeded())})
		}
		return stages
	default:
		return append(stages, store.Stage{After: t.share(3), Conditions: clusterConditions(succeeded(), routeStale, routeStale)})
	}
}

// clusterTaken ends without the new Revision, because another one has its name.
func clusterTaken(t timing, stages []store.Stage) course {
	cause := failed("RevisionFailed", `Revision creation failed with message: revisions.serving.knative.dev "`+t.taken+`" already exists.`)
	taken := failed("RevisionNameTaken", `The revision name "`+t.taken+`" is taken by a conflicting Revision, so traffic will not be migrated`)
	done := t.share(8)
	return course{done: done, stages: append(stages, store.Stage{After: done, Conditions: clusterConditions(cause, taken, taken)})}
}

func awaiting(t timing) store.Condition {
	return unknown("RevisionMissing", `Configuration "`+t.sv.Key.Name+`" is waiting for a Revision to become ready.`)
}

// clusterFailure ends with the cause in ConfigurationsReady only, unless an older Revision serves.
func clusterFailure(t timing, stages []store.Stage) course {
	r := t.sv.Latest
	cause := failed("RevisionFailed", `Revision "`+r.Name+`" failed with message: `+failureMessage(r.Fate.Failure)+".")
	done := max(t.configured(), t.share(100))
	if t.sv.LatestReady(t.at.Add(done)) != nil {
		serving := store.Stage{After: t.configured(), Routed: true, Conditions: clusterConditions(cause, cause, succeeded())}
		return course{stages: append(stages, serving), done: done, never: t.script.NeverReady}
	}
	missing := failed("RevisionMissing", `Configuration "`+t.sv.Key.Name+`" does not have any ready Revision.`)
	return course{done: done, never: t.script.NeverReady, stages: append(stages,
		store.Stage{After: t.configured(), Conditions: clusterConditions(cause, cause, awaiting(t))},
		store.Stage{After: done, Conditions: clusterConditions(cause, missing, missing)})}
}

func clusterRoute(t timing, stages []store.Stage) course {
	if t.made {
		next := unknown("TrafficNotMigrated", "Traffic is not yet migrated to the latest revision.")
		if t.first {
			next = awaiting(t)
		}
		stages = append(stages, store.Stage{After: t.configured(), Conditions: clusterConditions(succeeded(), next, next)})
	}
	done := max(t.routed(), t.share(100))
	routes := t.routes(succeeded())
	never := t.script.NeverReady || routes.Status == "Unknown"
	if never || routes.Status == "False" {
		stages = append(stages, store.Stage{After: t.share(75), Conditions: clusterConditions(succeeded(), routes, routes)})
	} else {
		stages = append(stages, clusterEnd(t, done)...)
	}
	return course{stages: stages, done: done, never: never}
}

// clusterEnd returns the last stages. Traffic may follow later than readiness.
func clusterEnd(t timing, done time.Duration) []store.Stage {
	unconfigured := unknown("IngressNotConfigured", "Ingress has not yet been reconciled.")
	uninitialized := unknown("Uninitialized", "Waiting for load balancer to be ready")
	now := t.script.RouteLag == 0
	ready := clusterConditions(succeeded(), succeeded(), succeeded())
	stages := []store.Stage{
		{After: t.share(75), Routed: now, Conditions: clusterConditions(succeeded(), unconfigured, unconfigured)},
		{After: t.share(80), Routed: now, Conditions: clusterConditions(succeeded(), uninitialized, uninitialized)},
		{After: done, Routed: now, Conditions: ready},
	}
	if !now {
		stages = append(stages, store.Stage{After: done + t.script.RouteLag, Routed: true, Conditions: ready})
	}
	return stages
}
