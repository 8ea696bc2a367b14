package status

import (
	"cmp"
	"context"
	"slices"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/nonce"
)

// patience is how long a Revision is followed that does not become ready, after
// it was found that another writer has changed the Service since.
const patience = time.Minute

// Follower follows the Revision that a write made, even if another writer changes
// the Service meanwhile. The Service then speaks of the other's Revision.
// It belongs to one wait.
type Follower struct {
	// Find returns the Revision that the write made; nil if the server does not list it yet.
	Find func(context.Context) (*RevisionSummary, error)

	write *Write
	own   *RevisionSummary // as it was found last
	since time.Time        // when it was first found that the Service was changed
}

// NewFollower returns a Follower of the Revision that a write made.
func NewFollower(w *Write, find func(context.Context) (*RevisionSummary, error)) *Follower {
	return &Follower{Find: find, write: w}
}

// Fate is what became of the Revision of a write.
type Fate int

// The fates.
const (
	AsService  Fate = iota // the state of the Service is that of the Revision
	Awaited                // it is not decided yet
	WasReady               // it became ready, and the Service was changed since
	WasFailed              // it failed, and the Service was changed since
	Unknowable             // it cannot be known
)

// Fate looks for the Revision and returns what became of it, for a Service as it was just seen.
func (f *Follower) Fate(ctx context.Context, s *servingv1.Service) (Fate, error) {
	if s.Generation <= f.write.Generation {
		return AsService, nil
	}
	if f.since.IsZero() {
		f.since = time.Now()
	}
	undecided := Awaited
	if time.Since(f.since) >= patience {
		undecided = Unknowable
	}
	own, err := f.Find(ctx)
	if err != nil {
		return undecided, err
	}
	if f.own = own; own == nil {
		return undecided, nil
	}
	if s.Status.ObservedGeneration == s.Generation && s.Status.LatestCreatedRevisionName == own.Metadata.Name {
		return AsService, nil
	}
	switch StateOf(Find(own.Status.Conditions, ConditionReady)) {
	case Ready:
		return WasReady, nil
	case Failed:
		return WasFailed, nil
	}
	return undecided, nil
}

// Superseded returns the Revision of the write if the Service was changed since; nil otherwise.
func (f *Follower) Superseded(s *servingv1.Service) *RevisionSummary {
	if f == nil || f.own == nil || f.own.Metadata.Name == Revision(s) {
		return nil
	}
	return f.own
}

// FirstMade returns the Revision of the oldest generation; nil if there is none.
// Other writers who keep a nonce make further Revisions with it, all of them later.
func FirstMade(all []*RevisionSummary) *RevisionSummary {
	if len(all) == 0 {
		return nil
	}
	return slices.MinFunc(all, func(a, b *RevisionSummary) int {
		return cmp.Or(cmp.Compare(a.generation(), b.generation()), a.Age().Compare(b.Age()))
	})
}

// RevisionOf returns the Revision that a call made, which the Service may not
// show any more, or the latest one if the call made none; empty if it is not known.
func RevisionOf(s *servingv1.Service, made nonce.Nonce, superseded *RevisionSummary) string {
	switch {
	case superseded != nil:
		return superseded.Metadata.Name
	case made != "" && !made.On(s.Spec.Template.Labels):
		return ""
	}
	return Revision(s)
}
