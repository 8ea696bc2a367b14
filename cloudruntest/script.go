package cloudruntest

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
)

// Script determines the course of the following writes of a Service. With the
// zero value the Service becomes ready after the server's time to ready.
type Script struct {
	// TimeToReady is how long the Service takes to become ready or to fail. 0
	// means the time of [WithTimeToReady]. The Revision takes two thirds of it.
	TimeToReady time.Duration
	// ObservedLag is how long a write stays unobserved. Until then
	// status.observedGeneration and the whole status are those before the write.
	ObservedLag time.Duration
	// FalseAlarm is how long Ready is False after the write is observed, before
	// the Service becomes ready after all.
	FalseAlarm time.Duration
	// RouteLag is how long status.traffic stays unchanged after the Service became ready.
	RouteLag time.Duration
	// Stages replaces the stages that the Service passes through. Their times
	// count from the write and must be in order.
	Stages []Stage
	// FailRevision makes a new Revision fail.
	FailRevision *Failure
	// NeverReady keeps the Service not ready forever, without a failure.
	NeverReady bool
	// ExtraConditions are shown beside the usual ones.
	ExtraConditions []Condition
	// NoOperation leaves out the annotation that names the write's operation, so
	// that only polling shows when the Service is ready.
	NoOperation bool
	// OperationError makes the write's operation end in an error with this
	// message, whatever happens to the Service.
	OperationError string
	// NoURL leaves out status.url.
	NoURL bool
	// DeletionTime is how long a deletion takes. Meanwhile the Service has a
	// deletionTimestamp.
	DeletionTime time.Duration
	// Refuse makes the server refuse the writes with this HTTP status. They have no effect.
	Refuse int
}

// Stage is one step in the course of a Service.
type Stage struct {
	// After is the time from the write until the stage begins.
	After time.Duration
	// Unobserved shows the whole status as it was before the write.
	Unobserved bool
	// Conditions are the conditions shown. A new Revision is ready from the first
	// stage on in which ConfigurationsReady is True. status.traffic is current
	// from the first stage on in which RoutesReady is True.
	Conditions []Condition
}

// Condition is one condition of a Service or Revision.
type Condition struct {
	Type     string
	Status   string // True, False or Unknown
	Reason   string
	Message  string
	Severity string // empty means error
}

// Failure describes how a Revision fails.
type Failure struct {
	// Reason is the reason of the conditions. The default is HealthCheckContainerError.
	Reason string
	// Message is the message of the conditions. By default the container did not
	// listen on its port. {image}, {port}, {account}, {secret} and {secretField}
	// stand for what the Service has.
	Message string
	// Condition is the Revision's condition that fails beside Ready. The default
	// is ContainerHealthy.
	Condition string
	// LogURL is the Revision's status.logUrl. By default it is made up.
	LogURL string
	// Hidden keeps the message out of the Service's conditions. Only the
	// Revision's conditions have it.
	Hidden bool
	// Log is what the container wrote before it failed: lines of stderr. A JSON
	// object becomes the payload of its entry, and its severity that of the entry.
	Log []string
	// SystemLog is what Cloud Run wrote then, such as why it ended the container.
	// The placeholders of Message apply.
	SystemLog []string
	// LogDelay is how long after the failure the lines can be read.
	LogDelay time.Duration
}

// Script sets the course of the following writes of a Service, until the next
// Script for it. The service is a name, which applies to every project,
// PROJECT/NAME, or empty for every Service that has no Script of its own.
func (s *Server) Script(service string, script Script) {
	s.store.Lock()
	defer s.store.Unlock()
	s.control.Scripts.Set(service, script.internal())
}

// internal converts the script to the internal type. The public types are separate
// so that the documentation of this package shows their fields.
func (s Script) internal() lifecycle.Script {
	stages := make([]lifecycle.ScriptStage, len(s.Stages))
	for i, st := range s.Stages {
		stages[i] = lifecycle.ScriptStage{After: st.After, Unobserved: st.Unobserved, Conditions: internalConditions(st.Conditions)}
	}
	return lifecycle.Script{
		TimeToReady: s.TimeToReady, ObservedLag: s.ObservedLag, FalseAlarm: s.FalseAlarm, RouteLag: s.RouteLag, Stages: stages,
		FailRevision: (*store.Failure)(s.FailRevision), NeverReady: s.NeverReady, ExtraConditions: internalConditions(s.ExtraConditions),
		NoOperation: s.NoOperation, OperationError: s.OperationError, NoURL: s.NoURL, DeletionTime: s.DeletionTime, Refuse: s.Refuse,
	}
}

func internalConditions(conditions []Condition) []store.Condition {
	list := make([]store.Condition, len(conditions))
	for i, c := range conditions {
		list[i] = store.Condition(c)
	}
	return list
}
