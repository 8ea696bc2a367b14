package lifecycle

import (
	"slices"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
)

// Write is a write of a Service, as far as its course depends on it.
type Write struct {
	Service  *store.Service // as the write leaves it, without Rollout
	Previous *store.Service // nil for a create
	Script   Script
	Made     bool   // the write created the latest Revision
	Taken    string // the name that the write asked for, if another Revision has it; on a cluster
	At       time.Time
}

// Plan returns the course of a write.
func Plan(st *store.Store, w Write) store.Rollout {
	c := planCourse(w, st.Cluster)
	r := store.Rollout{At: w.At, Version: st.Versions.Next(), NoURL: w.Script.NoURL,
		Stages: inOrder(c.stages, w.Script.ExtraConditions), Done: c.done, Never: c.never}
	if w.Previous != nil {
		r.Base = CurrentView(w.Previous, w.At)
	}
	if w.Made {
		r.Made = w.Service.Latest.Name
	}
	lasts := c.never || c.done > 0 || w.Script.OperationError != ""
	if lasts && !w.Script.NoOperation && !st.Cluster {
		r.Operation, r.OperationError = store.NewUID(), w.Script.OperationError
	}
	return r
}

func planCourse(w Write, cluster bool) course {
	t := timing{sv: w.Service, script: w.Script, at: w.At, made: w.Made, taken: w.Taken, first: w.Previous == nil}
	switch {
	case len(w.Script.Stages) > 0:
		return scriptedCourse(w.Script)
	case cluster:
		return clusterCourse(t)
	default:
		return cloudRunCourse(t)
	}
}

// inOrder returns the stages with their times in order. It adds the extra
// conditions to the stages that show a status of their own.
func inOrder(stages []store.Stage, extra []store.Condition) []store.Stage {
	list := slices.Clone(stages)
	for i := range list {
		st := &list[i]
		if i > 0 {
			st.After = max(st.After, list[i-1].After)
		}
		if !st.Unobserved && !st.Blank {
			st.Conditions = slices.Concat(st.Conditions, extra)
		}
	}
	return list
}
