package lifecycle

import "github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"

// scriptedCourse returns the course that the stages of a script dictate.
func scriptedCourse(script Script) course {
	stages := make([]store.Stage, len(script.Stages))
	routed := false
	for i, st := range script.Stages {
		c, ok := find(st.Conditions, "RoutesReady")
		routed = routed || ok && c.Status == "True"
		stages[i] = store.Stage{After: st.After, Unobserved: st.Unobserved, Conditions: st.Conditions, Routed: routed}
	}
	last := script.Stages[len(script.Stages)-1]
	c, ok := find(last.Conditions, "Ready")
	return course{stages: stages, done: last.After, never: script.NeverReady || !ok || c.Status == "Unknown"}
}
