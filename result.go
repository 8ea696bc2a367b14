package cloudrun

import (
	"cmp"
	"fmt"
	"slices"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// Action is what a call did to the Service.
type Action string

// The actions.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Unchanged Action = "unchanged"
)

// Result is what a call of a [Deployer] did.
type Result struct {
	// Service is the Service as it was last seen.
	Service *servingv1.Service
	// Action reports whether the Service was created, updated or not changed.
	Action Action
	// Revision is the new Revision, or the latest one if the call made none.
	// It is empty if the server has not named it yet, such as after [Async].
	Revision string
	// Percent is the share of the traffic that the Revision gets, 0 to 100.
	Percent int64
	// URL is the first URL of the Service; empty if it has none, or none yet.
	URL string
	// URLs are all URLs of the Service itself.
	URLs []string
	// TagURLs are the URLs of the tagged Revisions, by tag.
	TagURLs map[string]string
	// PreviousTraffic is the traffic of the Service before the call. A target that
	// follows the latest ready Revision names it. [RollbackToTraffic] goes back to
	// it. It is empty if the call created the Service.
	PreviousTraffic []servingv1.TrafficTarget
	// Warnings do not make the call fail, such as that the new Revision gets no
	// traffic because the traffic is pinned to another.
	Warnings []string
}

// ending is how a call goes on after its write.
type ending struct {
	goal           status.Goal
	made           nonce.Nonce // of the new Revision; empty if there is none
	access         access      // what becomes of the IAM policy
	latest         string      // the latest Revision before the write; empty if that does not matter
	withoutTraffic bool        // the new Revision is not meant to get traffic
}

// newResult returns the result of a call whose Service was last seen as s.
func newResult(w written, s *servingv1.Service, e ending) *Result {
	urls, revision := status.URLs(s), status.Revision(s)
	r := &Result{
		Service: s, Action: actionOf(w), Revision: revision, Percent: status.Share(s, revision),
		URLs: urls, TagURLs: status.TagURLs(s), PreviousTraffic: w.composed.previous,
		Warnings: slices.Concat(w.composed.warnings, status.Warnings(s.Status.Conditions)),
	}
	if len(urls) > 0 {
		r.URL = urls[0]
	}
	if e.isNew(revision) && !e.withoutTraffic && status.AskedShare(s, revision) == 0 {
		r.Warnings = append(r.Warnings, pinnedWarning(s, revision))
	}
	return r
}

// isNew reports whether the write made the Revision.
func (e ending) isNew(revision string) bool {
	return e.made != "" || e.latest != "" && revision != "" && revision != e.latest
}

func actionOf(w written) Action {
	switch {
	case w.created:
		return Created
	case w.changed:
		return Updated
	}
	return Unchanged
}

func pinnedWarning(s *servingv1.Service, revision string) string {
	return fmt.Sprintf("%s gets no traffic, which is pinned to %s: move it with Deployer.UpdateTraffic, or deploy with ToLatest",
		cmp.Or(revision, "the new revision"), traffic.Describe(s.Spec.Traffic))
}
