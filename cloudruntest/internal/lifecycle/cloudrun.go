package lifecycle

import "github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"

// cloudRunCourse returns the course of a write on Cloud Run.
func cloudRunCourse(t timing) course {
	stages := cloudRunStart(t)
	if t.stuck() {
		return course{stages: stages, never: true}
	}
	config := cloudRunConfig(t.sv.Latest)
	routes := t.routes(config)
	assigning := unknown("Routing", "Assigning traffic.")
	switch {
	case config.Status == "True":
		stages = append(stages, store.Stage{After: max(t.noticed(), t.configured()), Conditions: conditions(pending(), config, assigning)})
	case !t.made:
		stages = append(stages, store.Stage{After: t.noticed(), Conditions: conditions(config, config, assigning)})
	}
	if t.script.NeverReady || routes.Status == "Unknown" {
		return course{stages: stages, never: true}
	}
	return course{stages: append(stages, cloudRunEnd(t, config, routes)...), done: t.routed()}
}

// cloudRunStart returns the stages until the Revision is decided.
func cloudRunStart(t timing) []store.Stage {
	var stages []store.Stage
	if t.script.ObservedLag > 0 {
		stages = append(stages, store.Stage{Unobserved: true})
	}
	if t.script.FalseAlarm > 0 {
		alarm := failed("RevisionMissing", "Revision is not ready yet and cannot serve traffic.")
		stages = append(stages, store.Stage{After: t.script.ObservedLag, Conditions: conditions(alarm, pending(), pending())})
	}
	if t.pending() {
		deploying := unknown("Deploying", "Deploying Revision.")
		stages = append(stages, store.Stage{After: t.noticed(), Conditions: conditions(deploying, deploying, pending())})
	}
	return stages
}

// cloudRunEnd returns the last stages. Traffic may follow later than readiness.
func cloudRunEnd(t timing, config, routes store.Condition) []store.Stage {
	ready := config
	if config.Status == "True" {
		ready = routes
	}
	serves, lag := routes.Status == "True", t.script.RouteLag
	end := store.Stage{After: t.routed(), Conditions: conditions(ready, config, routes), Routed: serves && lag == 0}
	if !serves || lag == 0 {
		return []store.Stage{end}
	}
	late := end
	late.After, late.Routed = end.After+lag, true
	return []store.Stage{end, late}
}

// cloudRunConfig returns the final condition of the configuration.
func cloudRunConfig(latest *store.Revision) store.Condition {
	if latest == nil || latest.Fate.Failure == nil {
		return succeeded()
	}
	message := "Revision '" + latest.Name + "' is not ready and cannot serve traffic."
	if f := latest.Fate.Failure; !f.Hidden {
		message += " " + failureMessage(f)
	}
	return failed(failureReason(latest.Fate.Failure), message)
}
