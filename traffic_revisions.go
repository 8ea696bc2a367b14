package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/status"
)

// knownRevisions are the Revisions that a Service itself names.
func knownRevisions(s *servingv1.Service) map[string]bool {
	known := map[string]bool{"": true, s.Status.LatestCreatedRevisionName: true, s.Status.LatestReadyRevisionName: true}
	for _, t := range slices.Concat(s.Spec.Traffic, s.Status.Traffic) {
		known[t.RevisionName] = true
	}
	return known
}

// checkTargets refuses traffic to Revisions that cannot serve it.
// The server would take it, and only then find that it leads nowhere.
func (c *call) checkTargets(ctx context.Context, known map[string]bool, targets []servingv1.TrafficTarget) error {
	names := map[string]bool{}
	for _, t := range targets {
		if !known[t.RevisionName] {
			names[t.RevisionName] = true
		}
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if reason := c.whyNot(ctx, name); reason != "" {
			problems = append(problems, &OptionError{Option: fmt.Sprintf("revision %q", name), Reason: reason})
		}
	}
	return errors.Join(problems...)
}

// whyNot tells why a Revision cannot get traffic of the Service. One that cannot
// be read is left to the server, which may know of more than it lists.
func (c *call) whyNot(ctx context.Context, revision string) string {
	r, err := c.client.GetRevision(ctx, revision)
	if err != nil {
		return ""
	}
	if of := r.Labels[labelService]; of != "" && of != c.name {
		return fmt.Sprintf("it is one of service %q, not of %q", of, c.name)
	}
	if ready := status.Find(r.Status.Conditions, status.ConditionReady); status.StateOf(ready) == status.Failed {
		return "it has failed and cannot serve: " + describe(ready)
	}
	return ""
}
