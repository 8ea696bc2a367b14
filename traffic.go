package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// UpdateTraffic changes the traffic and the tags of a Service, as gcloud run
// services update-traffic does. It makes no new Revision. It writes nothing if
// the traffic would not change.
//
// It waits until the traffic is observed, not only until the Service is ready.
// If the newest Revision has failed, traffic of other Revisions is still
// changed, and the result has a warning.
//
// The error is a [*DeployError]. It wraps an [*OptionError] if the split is not
// possible, for example over 100 percent, if a tag does not exist, or if a
// Revision has failed or belongs to another Service; nothing is written then. If a
// Revision does not exist, it wraps a [*NotReadyError] of the condition
// RoutesReady, and the traffic still goes where it went before; restore the
// spec with [Deployer.Rollback] and [RollbackToTraffic]. If the wait times out,
// its [*TimeoutError] reports the observed traffic.
func (d *Deployer) UpdateTraffic(ctx context.Context, name string, opts ...TrafficOption) (*Result, error) {
	c, err := d.beginCall("update traffic of service", name, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	change := edits.Configure(c.options, trafficConfig{})
	if change.isEmpty() {
		return nil, c.fail(StageOptions, NotWritten, &OptionError{Option: "UpdateTraffic",
			Reason: "the options do not change the traffic: add ToLatest, ToRevision or ToTag, or an option for tags"})
	}
	c.async = c.async && len(change.custom) == 0 // see EditTraffic
	w, err := c.writeTraffic(ctx, func(s *servingv1.Service) error {
		if err := editService(s, c.options); err != nil {
			return err
		}
		return change.edit(s)
	}, false)
	if err != nil {
		return nil, err
	}
	return c.finishTraffic(ctx, w)
}

// writeTraffic edits the traffic of the Service.
func (c *call) writeTraffic(ctx context.Context, edit func(*servingv1.Service) error, dryRun bool) (written, error) {
	compose := func(ctx context.Context, base *document) (composed, error) {
		d := base.draft()
		spec.DropBreakglass(&d.service.ObjectMeta)
		if err := edit(d.service); err != nil {
			return composed{}, err
		}
		if err := c.checkTargets(ctx, knownRevisions(base.service), d.service.Spec.Traffic); err != nil {
			return composed{}, err
		}
		body, err := d.merge()
		return composed{body: body, previous: traffic.Resolved(base.service)}, err
	}
	return c.write(ctx, serviceWrite{client: c.observed(StageWrite), name: c.name, dryRun: dryRun, compose: compose})
}

// finishTraffic waits until the traffic that was written is observed.
func (c *call) finishTraffic(ctx context.Context, w written) (*Result, error) {
	return c.finish(ctx, w, ending{goal: status.GoalRouted})
}

// edit edits the traffic. If that does not change, it keeps its form.
func (e trafficConfig) edit(s *servingv1.Service) error {
	targets, err := e.Apply(traffic.Targets(s))
	if err != nil {
		return &OptionError{Option: "UpdateTraffic", Reason: err.Error()}
	}
	if e.Divides() {
		traffic.EndRollout(s)
	}
	was := s.Spec.Traffic
	if traffic.Set(s, targets); traffic.Same(was, s.Spec.Traffic) {
		s.Spec.Traffic = was
	}
	return e.editCustom(s)
}

// editCustom applies the caller's own edits. They may change the traffic and the
// metadata: a change of the template would make a new Revision.
func (e trafficConfig) editCustom(s *servingv1.Service) error {
	if len(e.custom) == 0 {
		return nil
	}
	was := s.Spec.ConfigurationSpec.DeepCopy()
	for _, edit := range e.custom {
		if err := edit(s); err != nil {
			return err
		}
	}
	if !equality.Semantic.DeepEqual(*was, s.Spec.ConfigurationSpec) {
		return &OptionError{Option: "EditTraffic", Reason: "the edit changed the template: only spec.traffic and the metadata of the service can be changed"}
	}
	return nil
}

// knownRevisions returns the Revisions that a Service itself names.
func knownRevisions(s *servingv1.Service) map[string]bool {
	known := map[string]bool{"": true, s.Status.LatestCreatedRevisionName: true, s.Status.LatestReadyRevisionName: true}
	for _, t := range slices.Concat(s.Spec.Traffic, s.Status.Traffic) {
		known[t.RevisionName] = true
	}
	return known
}

// checkTargets refuses traffic to Revisions that cannot serve. The server would
// accept it and only report a failure later.
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

// whyNot returns why a Revision cannot get traffic of the Service. A Revision that
// cannot be read is left to the server.
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
