package rollout

import (
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// Split holds the percentage of the traffic by the name of the Revision, or [cloudrun.Latest].
type Split map[string]int64

// String returns the split as gcloud writes it, the largest share first:
// hello-00001-abc=95,hello-00002-xyz=5.
func (s Split) String() string { return traffic.Split(s).String() }

// splitOf returns the split that a Service requests.
func splitOf(s *servingv1.Service) Split { return Split(traffic.SplitOf(s)) }

// Result is the result of [Run] and [Abort].
type Result struct {
	// Service is the Service as last read.
	Service *servingv1.Service
	// Candidate is the candidate at the last step.
	Candidate Candidate
	// PreviousSplit is the split before the rollout, and Split the current one.
	PreviousSplit, Split Split
	// Restored reports whether the traffic was returned to the previous split.
	Restored bool
	// Resumed reports whether the call continued a rollout of an earlier call.
	Resumed bool
	// Warnings are things that the caller should know although the call succeeded.
	Warnings []string
}
