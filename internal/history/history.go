// Package history records on a Service what became of its Revisions. A Revision
// itself cannot be edited, and does not report whether it ever served.
package history

import (
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/names"
)

// Annotation is the annotation of a Service that holds its history, the most
// recent entry first: hello-v3=rejected,hello-v2=served.
const Annotation = "cloudrun-go.github.io/history"

// Fate is what became of a Revision.
type Fate string

// The fates of a Revision. That of most is not recorded.
const (
	// Served is the fate of a Revision that a rollout or a rollback gave its traffic.
	Served Fate = "served"
	// Rejected is the fate of a Revision whose check failed, or that was rolled back.
	Rejected Fate = "rejected"
	// Withdrawn is the fate of a Revision whose rollout ended early for another reason.
	Withdrawn Fate = "withdrawn"
)

// maxEntries bounds a history, and so the size of the annotation.
const maxEntries = 20

// Entry is the fate of one Revision.
type Entry struct {
	Revision string
	Fate     Fate
}

// History holds the fates of Revisions, the most recent first.
type History []Entry

// Read returns the history in the annotations of a Service. Entries that nobody
// could have written are ignored.
func Read(annotations map[string]string) History {
	var h History
	for entry := range strings.SplitSeq(annotations[Annotation], ",") {
		revision, fate, _ := strings.Cut(entry, "=")
		known := slices.Contains([]Fate{Served, Rejected, Withdrawn}, Fate(fate))
		if known && names.Revision(revision) == nil && h.Fate(revision) == "" && len(h) < maxEntries {
			h = append(h, Entry{revision, Fate(fate)})
		}
	}
	return h
}

// Put adds the history to the annotations of a Service, and returns them.
func (h History) Put(annotations map[string]string) map[string]string {
	if len(h) == 0 {
		return annotations
	}
	entries := make([]string, len(h))
	for i, e := range h {
		entries[i] = e.Revision + "=" + string(e.Fate)
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[Annotation] = strings.Join(entries, ",")
	return annotations
}

// Fate returns the fate of a Revision; empty if it is not recorded.
func (h History) Fate(revision string) Fate {
	if i := h.index(revision); i >= 0 {
		return h[i].Fate
	}
	return ""
}

func (h History) index(revision string) int {
	return slices.IndexFunc(h, func(e Entry) bool { return e.Revision == revision })
}

// Unreleased reports whether a Revision was rejected or withdrawn, so that it is
// not one to go back to.
func (h History) Unreleased(revision string) bool {
	fate := h.Fate(revision)
	return fate == Rejected || fate == Withdrawn
}

// With returns the history with a fate for Revisions, in place of the previous
// ones. The first Revision is the most recent entry. The oldest entries are dropped.
func (h History) With(fate Fate, revisions ...string) History {
	var next History
	for _, r := range revisions {
		if next.index(r) < 0 {
			next = append(next, Entry{r, fate})
		}
	}
	for _, e := range h {
		if !slices.Contains(revisions, e.Revision) {
			next = append(next, e)
		}
	}
	return next[:min(len(next), maxEntries)]
}

// Rank returns how recently a Revision is known to have served: 1 is the most
// recent. It is 0 if that is not known, or not the fate of the Revision.
func (h History) Rank(revision string) int {
	if i := h.index(revision); i >= 0 && h[i].Fate == Served {
		return i + 1
	}
	return 0
}
