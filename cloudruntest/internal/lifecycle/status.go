package lifecycle

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// serviceStatus returns the status of a Service in a stage of its rollout, or
// nil if it has none.
func serviceStatus(st *store.Store, sv *store.Service, i int, now time.Time) tree.Object {
	if sv.Rollout.Status != nil {
		return sv.Rollout.Status
	}
	v := viewAt(sv, i, now)
	if v.Blank {
		return nil
	}
	status := tree.Object{"conditions": renderConditions(st, v.Conditions)}
	if v.Observed > 0 {
		status["observedGeneration"] = v.Observed
	}
	if v.Created != "" {
		status["latestCreatedRevisionName"] = v.Created
	}
	if v.Ready != "" {
		status["latestReadyRevisionName"] = v.Ready
	}
	if len(v.Traffic) > 0 {
		status["traffic"] = withURLs(st, sv, v.Traffic)
	}
	addURL(st, status, sv, v)
	return status
}

// addURL adds the Service's URL. On a cluster it appears with the route, and the
// address when the route has traffic.
func addURL(st *store.Store, status tree.Object, sv *store.Service, v store.View) {
	u := serviceURL(st, sv)
	if u == "" || sv.Rollout.NoURL || st.Cluster && len(v.Traffic) == 0 && v.Created == "" {
		return
	}
	status["url"] = u
	if !st.Cluster || len(v.Traffic) > 0 {
		status["address"] = tree.Object{"url": u}
	}
}

func renderConditions(st *store.Store, conditions []store.DatedCondition) []any {
	list := make([]any, len(conditions))
	for i, c := range conditions {
		o := tree.Object{"type": c.Type, "status": c.Status, "lastTransitionTime": st.Timestamp(c.Since)}
		for k, v := range map[string]string{"reason": c.Reason, "message": c.Message, "severity": c.Severity} {
			if v != "" {
				o[k] = v
			}
		}
		list[i] = o
	}
	return list
}
