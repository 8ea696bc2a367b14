package traffic

import (
	"maps"
	"slices"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/split"
)

// Split holds the percentage of each Revision, or of [split.Latest], that gets traffic.
type Split map[string]int64

// SplitOf returns the split that the spec of a Service requests.
func SplitOf(s *servingv1.Service) Split {
	if len(s.Spec.Traffic) == 0 {
		return Split{split.Latest: 100}
	}
	return splitOf(Targets(s))
}

func splitOf(targets []split.Target) Split {
	shares := Split{}
	for _, t := range targets {
		key := t.Revision
		if t.Latest {
			key = split.Latest
		}
		if t.Percent > 0 {
			shares[key] += t.Percent
		}
	}
	return shares
}

// String lists the shares, the largest first: hello-00001-abc=95,hello-00002-xyz=5.
func (s Split) String() string {
	routes := Routes{}
	for revision, percent := range s {
		if percent > 0 {
			routes[Route{Revision: revision}] = percent
		}
	}
	return routes.String()
}

// Equal reports whether both splits have the same shares.
func (s Split) Equal(other Split) bool { return maps.Equal(s, other) }

// shift returns the split with another share for a Revision. The others share
// the rest in proportion to their shares.
func (s Split) shift(revision string, percent int64) (Split, error) {
	targets := make([]split.Target, 0, len(s))
	for _, name := range slices.Sorted(maps.Keys(s)) {
		targets = append(targets, split.Target{Revision: name, Latest: name == split.Latest, Percent: s[name], Ref: -1})
	}
	shifted, err := split.Shift(targets, map[string]int64{revision: percent})
	if err != nil {
		return nil, err
	}
	return splitOf(shifted), nil
}
