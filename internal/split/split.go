// Package split computes traffic splits and tags the way gcloud does for
// "run services update-traffic" and for the --tag and --no-traffic flags of
// "run deploy". It is arithmetic on a small type of its own: functions leave
// their arguments alone, return fresh lists and know nothing of the API.
//
// An empty list of targets means what it means to the control plane: LATEST
// serves all traffic. gcloud refuses to work on one.
package split

import (
	"cmp"
	"maps"
	"slices"
)

// Latest stands for the latest ready revision wherever a revision is named.
// Revision names have no upper-case letters, so it cannot be one.
const Latest = "LATEST"

// all is the percentage that the targets of a Service add up to.
const all = 100

// Target is one entry of a Service's traffic list: it sends a share of the
// traffic to a revision, or gives a revision a tag and with it a URL, or both.
type Target struct {
	// Revision is the name of the revision; it is ignored if Latest is set.
	Revision string
	// Latest is true if the target follows the latest ready revision.
	Latest bool
	// Tag is the tag that the revision can be reached by, or empty.
	Tag string
	// Percent is the share of the traffic, from 0 to 100. Results may hold an
	// untagged target of 0 percent: a share that was scaled down to nothing.
	Percent int64
	// Ref says which target of the Service this one continues, so that the
	// caller can carry over fields that are not known here. The caller numbers
	// the targets when it makes its list; results keep the number, and -1 stands
	// for a new target. A target with a tag and a share may become two, which
	// both continue it.
	Ref int
}

// key is what percentages and tags refer to: the revision's name or Latest.
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

// Pinned says whether LATEST gets none of the traffic, so that a new revision
// would get none either.
func Pinned(current []Target) bool {
	return shares(orLatest(current))[Latest] == 0
}

// ToLatest sends all traffic to LATEST. Tags stay.
func ToLatest(current []Target) []Target {
	return assemble(orLatest(current), map[string]int64{Latest: all})
}

// NoTraffic keeps the traffic where it is while a new revision is deployed:
// LATEST's share moves to latestReady, the revision that serves it now, and a
// tag on LATEST stays there. A pinned list is returned as it is. It fails if
// there is a share to move and latestReady is empty.
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

// orLatest spells out what an empty list means.
func orLatest(current []Target) []Target {
	if len(current) > 0 {
		return current
	}
	return []Target{newTarget(Latest, "", all, -1)}
}

// shares adds up what each key gets. Keys that get nothing are left out.
func shares(current []Target) map[string]int64 {
	byKey := make(map[string]int64)
	for _, t := range current {
		if t.Percent != 0 {
			byKey[t.key()] += t.Percent
		}
	}
	return byKey
}

// assemble gives the normal form of a list: a target for every share, then a
// target of its own for every tag of current.
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

// origin finds the target that the share of a key continues: the untagged one
// if there is one, else the first that has a share.
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

// compareKeys sorts revisions by name and LATEST behind them.
func compareKeys(a, b string) int {
	if (a == Latest) != (b == Latest) {
		if a == Latest {
			return 1
		}
		return -1
	}
	return cmp.Compare(a, b)
}
