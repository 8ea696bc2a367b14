package lifecycle

import (
	"maps"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// CurrentStage returns the index of the stage that a rollout is in.
func CurrentStage(r *store.Rollout, now time.Time) int {
	i := 0
	for j, st := range r.Stages {
		if now.Sub(r.At) >= st.After {
			i = j
		}
	}
	return i
}

// CurrentView returns the status of a Service.
func CurrentView(sv *store.Service, now time.Time) store.View {
	return viewAt(sv, CurrentStage(&sv.Rollout, now), now)
}

// Serving returns the names of the Revisions that a Service uses: those with
// traffic or a tag, now or soon.
func Serving(sv *store.Service, now time.Time) map[string]bool {
	used := map[string]bool{}
	if r := sv.LatestReady(now); r != nil && routesLatest(sv) {
		used[r.Name] = true
	}
	for _, list := range [][]tree.Object{sv.Targets(), CurrentView(sv, now).Traffic} {
		for _, t := range list {
			if name := tree.Text(t, "revisionName"); name != "" {
				used[name] = true
			}
		}
	}
	return used
}

// viewAt returns the status of a Service in a stage of its rollout.
func viewAt(sv *store.Service, i int, now time.Time) store.View {
	r := &sv.Rollout
	if r.Status != nil {
		return seededView(r.Status)
	}
	st := r.Stages[i]
	if st.Unobserved {
		return r.Base
	}
	v := store.View{Blank: st.Blank, Observed: sv.Generation, Created: r.Base.Created, Traffic: r.Base.Traffic, Conditions: dated(r, i)}
	if !st.Uncreated && sv.Latest != nil {
		v.Created = sv.Latest.Name
	}
	if ready := sv.LatestReady(now); ready != nil {
		v.Ready = ready.Name
	}
	if st.Routed {
		v.Traffic = resolve(sv, v.Ready)
	}
	return v
}

// dated returns the conditions of a stage with the times of their last transitions.
func dated(r *store.Rollout, i int) []store.DatedCondition {
	since := map[string]store.DatedCondition{}
	for _, c := range r.Base.Conditions {
		since[c.Type] = c
	}
	for _, st := range r.Stages[:i+1] {
		for _, c := range st.Conditions {
			if old, ok := since[c.Type]; !ok || old.Status != c.Status {
				since[c.Type] = store.DatedCondition{Condition: c, Since: r.At.Add(st.After)}
			}
		}
	}
	list := make([]store.DatedCondition, 0, len(r.Stages[i].Conditions))
	for _, c := range r.Stages[i].Conditions {
		list = append(list, store.DatedCondition{Condition: c, Since: since[c.Type].Since})
	}
	return list
}

// seededView reads a seeded status. The next write starts from it.
func seededView(status tree.Object) store.View {
	v := store.View{Created: tree.Text(status, "latestCreatedRevisionName"), Ready: tree.Text(status, "latestReadyRevisionName"),
		Traffic: tree.Objects(status, "traffic")}
	v.Observed, _ = tree.Number(status["observedGeneration"])
	for _, c := range tree.Objects(status, "conditions") {
		since, _ := time.Parse(time.RFC3339, tree.Text(c, "lastTransitionTime"))
		v.Conditions = append(v.Conditions, store.DatedCondition{Since: since, Condition: store.Condition{
			Type: tree.Text(c, "type"), Status: tree.Text(c, "status"), Reason: tree.Text(c, "reason"),
			Message: tree.Text(c, "message"), Severity: tree.Text(c, "severity"),
		}})
	}
	return v
}

// routesLatest reports whether the latest ready Revision gets traffic or a tag.
func routesLatest(sv *store.Service) bool {
	for _, t := range sv.Targets() {
		if tree.Text(t, "revisionName") == "" {
			return true
		}
	}
	return false
}

// resolve returns the traffic of the spec with the names of the Revisions.
func resolve(sv *store.Service, latestReady string) []tree.Object {
	var list []tree.Object
	for _, t := range sv.Targets() {
		t = maps.Clone(t)
		if tree.Text(t, "revisionName") == "" {
			if latestReady == "" {
				continue
			}
			t["revisionName"], t["latestRevision"] = latestReady, true
		}
		list = append(list, t)
	}
	return list
}
