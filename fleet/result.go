package fleet

import (
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/runmark"
)

// Status is what became of a target.
type Status string

// The states of targets.
const (
	// Deployed means that the Service is as the target asks, by this call or by an
	// earlier one of the run.
	Deployed Status = "deployed"
	// Failed means that the deployment failed; Err says whether anything was written.
	Failed Status = "failed"
	// Skipped means that the target was not tried. Nothing was sent.
	Skipped Status = "skipped"
	// RolledBack means that the target was written, and that its traffic was returned
	// to what served before.
	RolledBack Status = "rolled back"
)

// Result is what became of one target.
type Result struct {
	Target Target
	// Wave is the number of the wave, from 1.
	Wave   int
	Status Status
	// Resumed reports whether an earlier call of the run had deployed the target.
	Resumed bool
	// Deployment is the result of the deployment; nil if nothing was written and the
	// Service was not found to be as asked for.
	Deployment *cloudrun.Result
	// Duration is how long the target was under way.
	Duration time.Duration
	// Err is why a target failed, was skipped or was rolled back. It is nil if it is deployed.
	Err error
}

// Action returns what was done to the Service; empty if nothing was.
func (r Result) Action() cloudrun.Action {
	if r.Deployment == nil {
		return ""
	}
	return r.Deployment.Action
}

// Revision returns the Revision that was made, or the latest one; empty if it is not known.
func (r Result) Revision() string {
	if r.Deployment == nil {
		return ""
	}
	return r.Deployment.Revision
}

// URL returns the URL of the Service; empty if it is not known.
func (r Result) URL() string {
	if r.Deployment == nil {
		return ""
	}
	return r.Deployment.URL
}

// Cause returns in few words why the target is not deployed; empty if it is.
func (r Result) Cause() string { return cause(r.Err) }

// deployed returns the result of a deployment that ended with an error or nil.
func deployed(t Target, runID string, d *cloudrun.Result, err error) Result {
	r := Result{Target: t, Status: Deployed, Deployment: d, Err: err}
	if err != nil {
		r.Status = Failed
	}
	r.Resumed = d != nil && d.Action == cloudrun.Unchanged && d.Service != nil && runmark.Read(d.Service.Annotations).ID == runID
	return r
}
