package lifecycle

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// course is what happens to a Service after a write.
type course struct {
	stages []store.Stage
	done   time.Duration // time from the write until it is ready or has failed
	never  bool          // it stays undecided
}

// timing computes when the parts of a write happen, as times from the write on.
type timing struct {
	sv     *store.Service // as the write leaves it
	script Script
	at     time.Time // of the write
	made   bool      // the write created a Revision
	first  bool      // the write created the Service
	taken  string    // the name of another Revision that the new one asked for
}

// noticed returns when the controllers start to work.
func (t timing) noticed() time.Duration { return t.script.noticed() }

// share returns when a part of the time to ready has passed.
func (t timing) share(percent int) time.Duration {
	return t.noticed() + t.script.TimeToReady*time.Duration(percent)/100
}

// stuck reports whether the latest Revision stays undecided.
func (t timing) stuck() bool { return t.sv.Latest != nil && t.sv.Latest.Fate.Never }

// pending reports whether the latest Revision is undecided when the write is noticed.
func (t timing) pending() bool { return t.made || t.stuck() || t.configured() > 0 }

// configured returns when the latest Revision is decided.
func (t timing) configured() time.Duration {
	if t.sv.Latest == nil {
		return 0
	}
	return max(0, t.sv.Latest.Fate.At.Sub(t.at))
}

// targeted returns when all Revisions with traffic are decided.
func (t timing) targeted() (known time.Duration) {
	for _, target := range t.sv.Targets() {
		if r := t.sv.Revision(tree.Text(target, "revisionName")); r != nil && !r.Fate.Never {
			known = max(known, r.Fate.At.Sub(t.at))
		}
	}
	return known
}

// routed returns when all is done.
func (t timing) routed() time.Duration {
	rest := t.script.TimeToReady
	if t.made {
		rest /= 3
	}
	return max(t.noticed(), t.configured(), t.targeted()) + rest
}

// routes returns the final condition of the routes, given that of the configuration.
func (t timing) routes(config store.Condition) store.Condition {
	end := t.at.Add(t.routed())
	for _, target := range t.sv.Targets() {
		name := tree.Text(target, "revisionName")
		r := t.sv.Revision(name)
		switch {
		case name == "" && t.sv.LatestReady(end) == nil:
			return config
		case name == "" || r != nil && r.Ready(end):
		case r == nil:
			return failed("RevisionMissing", `Revision "`+name+`" referenced in traffic not found.`)
		case r.Failed(end):
			return failed("RevisionFailed", `Revision "`+name+`" failed to become ready.`)
		default:
			return unknown("RevisionMissing", `Revision "`+name+`" is not yet ready.`)
		}
	}
	return succeeded()
}
