// Package split computes traffic splits and tags as gcloud does for
// "run services update-traffic" and for the flags --tag and --no-traffic of
// "run deploy". It is arithmetic on a small type of its own: functions do not
// modify their arguments, and know nothing about the API.
//
// As on the control plane, an empty list of targets means that LATEST serves all
// traffic. gcloud rejects such a list.
package split

import (
	"maps"
	"slices"
)

// all is the sum of the percentages of a Service.
const all = 100

// Target is one entry of a Service's traffic list: it sends a share of the
// traffic to a revision, or gives a revision a tag and with it a URL, or both.
type Target struct {
	// Revision is the name of the revision; it is ignored if Latest is set.
	Revision string
	// Latest is true if the target follows the latest ready revision.
	Latest bool
	// Tag is the tag of the revision, or empty.
	Tag string
	// Percent is the share of the traffic, from 0 to 100. Results may hold an
	// untagged target of 0 percent: a share that was scaled down to nothing.
	Percent int64
	// Ref is the number that the caller gave this target in its list. Results
	// keep it, so that the caller can keep fields that this package does not
	// know. A new target has -1. A target with a tag and a share may become two,
	// both with its number.
	Ref int
}

// key returns the revision's name or Latest, which percentages and tags refer to.
func (t Target) key() string {
	if t.Latest {
		return Latest
	}
	return t.Revision
}

func newTarget(key, tag string, percent int64, ref int) Target {
	if key == Latest {
		return Target{Latest: true, Tag: tag, Percent: percent, Ref: ref}
	}
	return Target{Revision: key, Tag: tag, Percent: percent, Ref: ref}
}

// Pinned reports whether LATEST gets no traffic, so that a new revision would get
// none either.
func Pinned(current []Target) bool {
	return shares(orLatest(current))[Latest] == 0
}

// ToLatest sends all traffic to LATEST. It keeps tags.
func ToLatest(current []Target) []Target {
	return assemble(orLatest(current), map[string]int64{Latest: all})
}

// NoTraffic keeps the traffic on its revisions while a new one is deployed. It
// moves the share of LATEST to latestReady, the revision that serves it now, and
// keeps tags on LATEST. It returns a pinned list unchanged. It fails if there is
// a share to move and latestReady is empty.
func NoTraffic(current []Target, latestReady string) ([]Target, error) {
	if Pinned(current) {
		return slices.Clone(current), nil
	}
	current = orLatest(current)
	byKey := shares(current)
	if latestReady == "" {
		return nil, &Error{Field: FieldTraffic, Value: list(byKey),
			Reason: "cannot move off LATEST, because no revision is ready to keep it: deploy one with traffic first"}
	}
	byKey[latestReady] += byKey[Latest]
	delete(byKey, Latest)
	return assemble(current, byKey), nil
}

// orLatest returns the explicit form of an empty list.
func orLatest(current []Target) []Target {
	if len(current) > 0 {
		return current
	}
	return []Target{newTarget(Latest, "", all, -1)}
}

// shares returns the share of each key, without those of 0.
func shares(current []Target) map[string]int64 {
	byKey := make(map[string]int64)
	for _, t := range current {
		if t.Percent != 0 {
			byKey[t.key()] += t.Percent
		}
	}
	return byKey
}

// assemble returns the normal form of a list: a target for every share, then one
// for every tag of current.
func assemble(current []Target, byKey map[string]int64) []Target {
	targets := make([]Target, 0, len(byKey)+len(current))
	for _, key := range slices.SortedFunc(maps.Keys(byKey), compareKeys) {
		targets = append(targets, newTarget(key, "", byKey[key], origin(current, key)))
	}
	for _, t := range current {
		if t.Tag != "" {
			targets = append(targets, newTarget(t.key(), t.Tag, 0, t.Ref))
		}
	}
	return targets
}

// origin returns the number of the target that had the share of a key: the
// untagged one if it exists, else the first with a share.
func origin(current []Target, key string) int {
	ref := -1
	for _, t := range current {
		switch {
		case t.key() != key:
		case t.Tag == "":
			return t.Ref
		case t.Percent != 0 && ref < 0:
			ref = t.Ref
		}
	}
	return ref
}
