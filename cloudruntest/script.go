package cloudruntest

import "time"

// Script says how the following writes of a Service go. The zero value is the
// plain way: ready after the server's time to ready.
type Script struct {
	// TimeToReady is how long the Service takes to become ready or to fail; 0
	// means what [WithTimeToReady] says. The Revision takes two thirds of it.
	TimeToReady time.Duration
	// ObservedLag is how long a write goes unnoticed: until then
	// status.observedGeneration and all of status are as before it.
	ObservedLag time.Duration
	// FalseAlarm is how long Ready is False, once the write is noticed, before all goes well.
	FalseAlarm time.Duration
	// RouteLag is how long status.traffic stays as it was after the Service became ready.
	RouteLag time.Duration
	// Stages replaces the stages that the Service passes through. They count
	// from the write and must be in order.
	Stages []Stage
	// FailRevision makes a new Revision fail.
	FailRevision *Failure
	// NeverReady leaves the Service not ready for ever, without a failure.
	NeverReady bool
	// ExtraConditions are shown beside the usual ones.
	ExtraConditions []Condition
	// NoOperation leaves out the annotation that names the write's operation,
	// so that only polling tells when the Service is ready.
	NoOperation bool
	// OperationError makes the write's operation end in an error with this
	// message, whatever becomes of the Service.
	OperationError string
	// NoURL leaves out status.url.
	NoURL bool
	// DeletionTime is how long a deletion takes; the Service has a deletionTimestamp meanwhile.
	DeletionTime time.Duration
}

// Stage is one step of a Service towards its end.
type Stage struct {
	// After is the time since the write at which it begins.
	After time.Duration
	// Unobserved shows the whole status as it was before the write.
	Unobserved bool
	// Conditions are what is shown. A new Revision is ready from the first
	// stage on in which ConfigurationsReady is True; status.traffic follows
	// from the first one in which RoutesReady is.
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

// Failure is how a Revision fails.
type Failure struct {
	// Reason is that of the conditions; HealthCheckContainerError by default.
	Reason string
	// Message says why; by default that the container did not listen on its port.
	Message string
	// Condition is the Revision's condition that fails, beside Ready: ContainerHealthy by default.
	Condition string
	// LogURL is the Revision's status.logUrl; made up by default.
	LogURL string
	// Hidden keeps the message from the Service's conditions: only the Revision's tell it.
	Hidden bool
}

func (f *Failure) reason() string { return or(f.Reason, "HealthCheckContainerError") }

func (f *Failure) message() string {
	return or(f.Message, "The user-provided container failed to start and listen on the port defined provided by the PORT=8080 environment variable.")
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Script sets how the following writes of a Service go, until the next Script
// for it. The service is a name, which means it in every project, or PROJECT/NAME.
func (s *Server) Script(service string, script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[service] = script
}

// script finds the script of a Service.
func (s *Server) script(p *project, name string) Script {
	script := Script{}
	for _, key := range []string{name, p.number + "/" + name, p.id + "/" + name} {
		if found, ok := s.scripts[key]; ok {
			script = found
		}
	}
	if script.TimeToReady == 0 {
		script.TimeToReady = s.conf.timeToReady
	}
	return script
}
