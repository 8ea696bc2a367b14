package lifecycle

import (
	"cmp"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
)

// Script determines the course of the following writes of a Service. The fields
// are documented at cloudruntest.Script.
type Script struct {
	TimeToReady     time.Duration
	ObservedLag     time.Duration
	FalseAlarm      time.Duration
	RouteLag        time.Duration
	Stages          []ScriptStage
	FailRevision    *store.Failure
	NeverReady      bool
	ExtraConditions []store.Condition
	NoOperation     bool
	OperationError  string
	NoURL           bool
	DeletionTime    time.Duration
	Refuse          int
}

// ScriptStage is one stage of a Script.
type ScriptStage struct {
	After      time.Duration
	Unobserved bool
	Conditions []store.Condition
}

// Scripts are the scripts of Services. The caller of its methods holds the store's lock.
type Scripts struct {
	// Outcome returns the script that a label names; nil if labels do not decide.
	Outcome func(name string) (Script, error)

	byName      map[string]Script // by NAME and PROJECT/NAME
	timeToReady time.Duration
}

// NewScripts returns Scripts with a default time to ready.
func NewScripts(timeToReady time.Duration) *Scripts {
	return &Scripts{byName: map[string]Script{}, timeToReady: timeToReady}
}

// Set sets the script of a Service: NAME in all projects, PROJECT/NAME, or empty for all.
func (s *Scripts) Set(service string, script Script) { s.byName[service] = script }

// For returns the script of a Service.
func (s *Scripts) For(p *store.Project, name string) Script {
	script := Script{}
	for _, key := range []string{"", name, p.Number + "/" + name, p.ID + "/" + name} {
		if found, ok := s.byName[key]; ok {
			script = found
		}
	}
	script.TimeToReady = cmp.Or(script.TimeToReady, s.timeToReady)
	return script
}

// RevisionFate returns what becomes of a Revision that a write at a time creates.
func (s Script) RevisionFate(now time.Time) store.Fate {
	fate := store.Fate{Failure: s.FailRevision, Never: s.NeverReady,
		At: now.Add(s.noticed() + s.TimeToReady - s.TimeToReady/3)}
	if len(s.Stages) == 0 {
		return fate
	}
	fate.Never = true
	for _, st := range s.Stages {
		c, ok := find(st.Conditions, "ConfigurationsReady")
		if !ok || st.Unobserved || c.Status == "Unknown" || c.Status != "True" && s.FailRevision == nil {
			continue
		}
		return store.Fate{Failure: s.FailRevision, At: now.Add(st.After)}
	}
	return fate
}

// noticed returns the time from the write until the controllers start to work.
func (s Script) noticed() time.Duration { return s.ObservedLag + s.FalseAlarm }

func find(conditions []store.Condition, kind string) (store.Condition, bool) {
	for _, c := range conditions {
		if c.Type == kind {
			return c, true
		}
	}
	return store.Condition{}, false
}
