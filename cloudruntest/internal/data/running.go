package data

import (
	"slices"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// running is the running part of a Service: its containers, and how requests
// are spread over them.
type running struct {
	balancer  balancer
	instances map[*store.Revision]*instance
}

func newRunning() *running { return &running{instances: map[*store.Revision]*instance{}} }

// pick returns the Revision that a request goes to, or nil.
func (rn *running) pick(sv *store.Service, traffic []tree.Object, tag string) *store.Revision {
	if tag != "" {
		for _, t := range traffic {
			if tree.Text(t, "tag") == tag {
				return sv.Revision(tree.Text(t, "revisionName"))
			}
		}
		return nil
	}
	weights := map[string]int{}
	for _, t := range traffic {
		percent, _ := tree.Number(t["percent"])
		weights[tree.Text(t, "revisionName")] += int(percent)
	}
	return sv.Revision(rn.balancer.next(weights))
}

// instance returns the running container of a Revision.
func (rn *running) instance(st *store.Store, sv *store.Service, rev *store.Revision, im images) *instance {
	if i, ok := rn.instances[rev]; ok {
		return i
	}
	if len(rn.instances) >= len(sv.Revisions) {
		rn.dropRetired(sv)
	}
	c := describe(st, sv, rev)
	i := &instance{container: c, factory: im.factory(c.Image)}
	rn.instances[rev] = i
	return i
}

// dropRetired drops the containers of Revisions that the Service no longer has.
func (rn *running) dropRetired(sv *store.Service) {
	for rev := range rn.instances {
		if !slices.Contains(sv.Revisions, rev) {
			delete(rn.instances, rev)
		}
	}
}
