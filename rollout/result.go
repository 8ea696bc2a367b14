package rollout

import (
	"fmt"
	"log/slog"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/logform"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// Split holds the percentage of the traffic by the name of the Revision, or [cloudrun.Latest].
type Split map[string]int64

// String returns the split as gcloud writes it, the largest share first:
// hello-00001-abc=95,hello-00002-xyz=5.
func (s Split) String() string { return traffic.Split(s).String() }

// splitOf returns the split that a Service requests.
func splitOf(s *servingv1.Service) Split { return Split(traffic.SplitOf(s)) }

// Result is the result of [Run] and [Abort]. Its text, its JSON and its form in
// logs have no values of variables.
type Result struct {
	// Service is the Service as last read. Only its name is part of the result's
	// text, JSON and logs.
	Service *servingv1.Service `json:"-"`
	// Candidate is the candidate at the last step.
	Candidate Candidate `json:"candidate"`
	// PreviousSplit is the split before the rollout, and Split the current one.
	PreviousSplit Split `json:"previousSplit,omitempty"`
	Split         Split `json:"split,omitempty"`
	// Restored reports whether the traffic was returned to the previous split.
	Restored bool `json:"restored,omitempty"`
	// Resumed reports whether the call continued a rollout of an earlier call.
	Resumed bool `json:"resumed,omitempty"`
	// Warnings are things that the caller should know although the call succeeded.
	Warnings []string `json:"warnings,omitempty"`
}

// String returns what became of the traffic, on one line.
func (r Result) String() string {
	restored := ""
	if r.Restored {
		restored = " (returned to the split before the rollout)"
	}
	return fmt.Sprintf("service %q: revision %q with %d%% of the traffic: %v -> %v%s",
		r.Candidate.Service, r.Candidate.Revision, r.Candidate.Percent, r.PreviousSplit, r.Split, restored)
}

// LogValue returns the result as a group: service, revision, percent,
// previousSplit, split, restored, resumed and warnings.
func (r Result) LogValue() slog.Value {
	return logform.Group(slog.String("service", r.Candidate.Service), slog.String("revision", r.Candidate.Revision), slog.Int("percent", r.Candidate.Percent),
		slog.String("previousSplit", r.PreviousSplit.String()), slog.String("split", r.Split.String()),
		slog.Bool("restored", r.Restored), slog.Bool("resumed", r.Resumed), slog.Any("warnings", r.Warnings))
}
