package traffic

import (
	"cmp"
	"maps"
	"slices"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/history"
	"github.com/cloudrun-go/cloudrun/internal/split"
)

// Serving returns the Revisions that the spec of a Service sends traffic to, the
// largest share first. LATEST is resolved to the latest ready Revision.
func Serving(s *servingv1.Service) []string {
	return serving(SplitOf(s), s.Status.LatestReadyRevisionName)
}

// serving returns the Revisions of a split. LATEST is left out if its Revision is empty.
func serving(shares Split, latest string) []string {
	resolved := Split{}
	for name, percent := range shares {
		if name == split.Latest {
			name = latest
		}
		if name != "" && percent > 0 {
			resolved[name] += percent
		}
	}
	return slices.SortedFunc(maps.Keys(resolved), func(a, b string) int {
		return cmp.Or(cmp.Compare(resolved[b], resolved[a]), cmp.Compare(a, b))
	})
}

// RecordSuccess records that the candidate was released, and what served before.
func (r Rollout) RecordSuccess(s *servingv1.Service) {
	latest := s.Status.LatestReadyRevisionName
	if r.Latest {
		latest = r.Revision
	}
	served := append([]string{r.Revision}, serving(r.Previous, latest)...)
	s.Annotations = history.Read(s.Annotations).With(history.Served, served...).Put(s.Annotations)
}

// RecordReturn records why the traffic was returned. A Revision that served
// before is still known as such if it was only withdrawn.
func (r Rollout) RecordReturn(s *servingv1.Service, fate history.Fate) {
	known := history.Read(s.Annotations)
	if fate == history.Withdrawn && (known.Fate(r.Revision) != "" || r.base()[r.Revision] > 0) {
		return
	}
	s.Annotations = known.With(fate, r.Revision).Put(s.Annotations)
}

// RecordMove records that a call has set the traffic, which ended the rollout of a
// candidate; empty if there was none. A Revision that was rejected and serves again
// is not rejected any more. If the call makes a Revision, LATEST is that one.
func RecordMove(s *servingv1.Service, candidate string, makes bool) {
	known, now := history.Read(s.Annotations), Serving(s)
	if makes {
		now = serving(SplitOf(s), "")
	}
	for _, revision := range now {
		if known.Unreleased(revision) {
			known = known.With(history.Served, revision)
		}
	}
	if candidate != "" && known.Fate(candidate) == "" && !slices.Contains(now, candidate) {
		known = known.With(history.Withdrawn, candidate)
	}
	s.Annotations = known.Put(s.Annotations)
}

// RecordRollback records that the traffic was rolled back from Revisions. They are
// rejected, unless the rollback returns to a Revision that was rejected before:
// that undoes an earlier one.
func RecordRollback(s *servingv1.Service, from ...string) {
	known, now := history.Read(s.Annotations), Serving(s)
	if !slices.ContainsFunc(now, known.Unreleased) {
		left := slices.DeleteFunc(slices.Clone(from), func(revision string) bool { return revision == "" || slices.Contains(now, revision) })
		known = known.With(history.Rejected, left...)
	}
	s.Annotations = known.With(history.Served, now...).Put(s.Annotations)
}

// Past is what decides whether a Revision is one to roll back to.
type Past struct {
	Name            string
	Percent         int64
	Ready, Rejected bool
	Rank            int // see [Usage]
}

// ToRollBackTo returns the Revision to roll back to, of all from the newest to the
// oldest: a ready one that is older than the one with most of the traffic, and was
// not rejected. It is the one that served last, if that is known, or else the
// newest one. It is empty if there is none. Those that were rejected are returned too.
func ToRollBackTo(all []Past) (previous string, rejected []string) {
	serving := -1
	for i, r := range all {
		if r.Percent > 0 && (serving < 0 || r.Percent > all[serving].Percent) {
			serving = i
		}
	}
	if serving < 0 {
		return "", nil
	}
	rank := 0
	for _, r := range all[serving+1:] {
		served := all[serving].Rank > 0 && r.Rank > all[serving].Rank && (rank == 0 || r.Rank < rank)
		switch {
		case r.Ready && r.Rejected:
			rejected = append(rejected, r.Name)
		case r.Ready && (previous == "" || served):
			previous = r.Name
			if served {
				rank = r.Rank
			}
		}
	}
	return previous, rejected
}
