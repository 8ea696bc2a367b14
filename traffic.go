package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/logform"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/runmark"
	"github.com/cloudrun-go/cloudrun/internal/spec"
	"github.com/cloudrun-go/cloudrun/internal/split"
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
// possible, for example over 100 percent, if a tag or a Revision does not exist,
// or if a Revision has failed or belongs to another Service; nothing is written
// then. A Revision that cannot be read is left to the server. If it does not
// exist there, the error wraps a [*NotReadyError] of the condition RoutesReady,
// and the traffic still goes where it went before; restore the spec with
// [Deployer.Rollback] and [RollbackToTraffic]. If the wait times out, its
// [*TimeoutError] reports the observed traffic.
func (d *Deployer) UpdateTraffic(ctx context.Context, name string, opts ...TrafficOption) (result *Result, err error) {
	ctx, t := d.Client().trace(ctx, "update traffic of service", name)
	defer func() { t.EndWith(result.traced(), err) }()
	c, err := d.beginCall(t, edits.Of(opts))
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
		if err := editService(s, c.options, c.client.onCluster()); err != nil {
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
	checked := map[string]bool{}
	compose := func(ctx context.Context, base *document) (composed, error) {
		d := base.draft()
		spec.DropBreakglass(&d.service.ObjectMeta)
		if err := edit(d.service); err != nil {
			return composed{}, err
		}
		if err := c.checkTargets(ctx, base.service, d.service.Spec.Traffic, checked); err != nil {
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
	was := s.Spec.Traffic
	if traffic.Set(s, targets); traffic.Same(was, s.Spec.Traffic) {
		s.Spec.Traffic = was
	}
	if e.Divides() {
		traffic.RecordMove(s, traffic.EndRollout(s), false)
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

// checkTargets refuses traffic to Revisions that cannot serve. The server would
// accept it and only report a failure later. A Revision is checked once in a call:
// when the call tries again, the traffic may have been written already.
func (c *call) checkTargets(ctx context.Context, base *servingv1.Service, targets []servingv1.TrafficTarget, checked map[string]bool) error {
	known, names := traffic.Known(base), map[string]bool{}
	for _, t := range targets {
		if !known[t.RevisionName] && !checked[t.RevisionName] {
			names[t.RevisionName] = true
		}
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(names)) {
		checked[name] = true
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
	switch {
	case apierrors.IsNotFound(err):
		return c.client.meant(ctx, c.name, revision)
	case err != nil:
		return ""
	}
	if of := r.Labels[labelService]; of != "" && of != c.name {
		return fmt.Sprintf("it is one of service %q, not of %q", of, c.name)
	}
	if ready := status.Find(r.Status.Conditions, status.ConditionReady); status.StateOf(ready) == status.Failed {
		return "it has failed and cannot serve: " + status.Describe(ready)
	}
	return ""
}

// ErrNothingToRollBackTo is matched by the error of [Deployer.Rollback] if no
// Revision is both ready and older than the one that serves.
var ErrNothingToRollBackTo = errors.New("there is no older revision that is ready")

const thingRollback = "what to roll back to"

// RollbackTo sends the traffic to a Revision.
func RollbackTo(revision string) RollbackOption {
	return onRollback(edits.Configures(edits.Spell("RollbackTo", revision), thingRollback, "revision "+revision, names.Revision(revision),
		func(c *rollbackConfig) { c.revision = revision }))
}

// RollbackToTraffic restores traffic, such as the [Result.PreviousTraffic] of the
// call that changed it. A share of [Latest] goes to the Revision that was the
// latest then.
func RollbackToTraffic(targets []servingv1.TrafficTarget) RollbackOption {
	var err error
	if len(targets) == 0 {
		err = errors.New("there are no targets")
	}
	kept := slices.Clone(targets)
	return onRollback(edits.Configures("RollbackToTraffic", thingRollback, "traffic "+traffic.Describe(targets), err,
		func(c *rollbackConfig) { c.traffic = kept }))
}

// rollbackConfig configures a rollback. At most one of its fields is set.
type rollbackConfig struct {
	revision string
	traffic  []servingv1.TrafficTarget
}

// RollbackResult is the result of [Deployer.Rollback].
type RollbackResult struct {
	// Revision is the Revision that gets the traffic; empty with [RollbackToTraffic].
	Revision string `json:"revision,omitempty"`
	// PreviousTraffic is the traffic before the call, as in [Result.PreviousTraffic].
	PreviousTraffic []servingv1.TrafficTarget `json:"previousTraffic,omitempty"`
	// Traffic is the traffic after the call. With [DryRun] it is what the traffic would be.
	Traffic []servingv1.TrafficTarget `json:"traffic"`
	// Result is the result of the change; nil with [DryRun].
	Result *Result `json:"result,omitempty"`
}

// String returns the change in one line.
func (r *RollbackResult) String() string {
	return fmt.Sprintf("traffic: %s -> %s", traffic.Describe(r.PreviousTraffic), traffic.Describe(r.Traffic))
}

// LogValue returns the change as a group: revision, previousTraffic, traffic and
// result.
func (r *RollbackResult) LogValue() slog.Value {
	var result slog.Attr
	if r.Result != nil {
		result = slog.Attr{Key: "result", Value: r.Result.LogValue()}
	}
	return logform.Group(slog.String("revision", r.Revision), slog.String("previousTraffic", traffic.Describe(r.PreviousTraffic)),
		slog.String("traffic", traffic.Describe(r.Traffic)), result)
}

// Rollback sends all traffic of a Service to the previous Revision. It is ready,
// older than the Revision with most of the traffic, and was not rejected: by a
// rollout, or by an earlier rollback. Of these it is the one that served last, if a
// rollout has recorded that, or else the newest.
// [RollbackTo] sends it to another Revision, and [RollbackToTraffic] restores a
// whole split. Rollback keeps tags and waits as [Deployer.UpdateTraffic] does.
// With [DryRun] it returns the change without making it.
//
// Afterwards the traffic is pinned: later deployments get none of it until
// UpdateTraffic or Deploy is called with [ToLatest].
//
// The error is a [*DeployError]. It matches [ErrNothingToRollBackTo] if there is
// no such Revision; nothing is written then.
func (d *Deployer) Rollback(ctx context.Context, name string, opts ...RollbackOption) (_ *RollbackResult, err error) {
	ctx, t := d.Client().trace(ctx, "roll back service", name)
	defer func() { t.End(err) }()
	c, err := d.beginCall(t, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	to := edits.Configure(c.options, rollbackConfig{})
	if to.revision == "" && to.traffic == nil {
		if to.revision, err = c.previousRevision(ctx); err != nil {
			return nil, c.fail(StageRead, NotWritten, err)
		}
	}
	dryRun := edits.Configure(c.options, dryRunConfig{}).on
	w, err := c.writeTraffic(ctx, to.edit, dryRun)
	if err != nil {
		return nil, err
	}
	result := &RollbackResult{Revision: to.revision, PreviousTraffic: w.composed.previous, Traffic: w.doc.service.Spec.Traffic}
	if dryRun {
		return result, nil
	}
	result.Result, err = c.finishTraffic(ctx, w)
	result.Traffic = result.Result.Service.Spec.Traffic
	return result, err
}

// edit sets the traffic to go back to.
func (to rollbackConfig) edit(s *servingv1.Service) error {
	from := append(traffic.Serving(s), traffic.EndRollout(s))
	runmark.Remove(s.Annotations)
	if to.traffic != nil {
		s.Spec.Traffic = traffic.Previous(to.traffic, s.Status.LatestReadyRevisionName)
	} else {
		targets, err := split.Shift(traffic.Targets(s), map[string]int64{to.revision: 100})
		if err != nil {
			return &OptionError{Option: "the traffic", Reason: err.Error()}
		}
		traffic.Set(s, targets)
	}
	traffic.RecordRollback(s, from...)
	return nil
}

// previousRevision returns the Revision to roll back to.
func (c *call) previousRevision(ctx context.Context) (string, error) {
	all, err := c.client.revisionInfos(ctx, c.name)
	if err != nil {
		return "", err
	}
	past := make([]traffic.Past, len(all))
	for i, r := range all {
		past[i] = traffic.Past{Name: r.Name, Percent: r.Percent, Ready: r.Ready, Rejected: r.Rejected, Rank: r.rank}
	}
	previous, rejected := traffic.ToRollBackTo(past)
	switch {
	case previous != "":
		return previous, nil
	case len(rejected) > 0:
		return "", fmt.Errorf("%w and was not rejected (%s): name one with RollbackTo", ErrNothingToRollBackTo, strings.Join(rejected, ", "))
	}
	return "", fmt.Errorf("%w: deploy one, or name a revision with RollbackTo", ErrNothingToRollBackTo)
}

// Revisions lists the Revisions of a Service, the newest first, with their share
// of the traffic and their tags. The error is a [*DeployError]. It satisfies
// IsNotFound of k8s.io/apimachinery/pkg/api/errors if the Service does not exist.
func (d *Deployer) Revisions(ctx context.Context, name string) (_ []RevisionInfo, err error) {
	ctx, t := d.Client().trace(ctx, "list revisions of service", name)
	defer func() { t.End(err) }()
	c, err := d.beginCall(t, nil)
	if err != nil {
		return nil, err
	}
	all, err := c.client.revisionInfos(ctx, name)
	if err != nil {
		return nil, c.fail(StageRead, NotWritten, err)
	}
	return all, nil
}

func (c *Client) revisionInfos(ctx context.Context, name string) ([]RevisionInfo, error) {
	s, err := c.GetService(ctx, name)
	if err != nil {
		return nil, err
	}
	usage := traffic.Usages(s)
	var found []agedRevision // without the rest of what the server sent
	for r, err := range list[status.RevisionSummary](ctx, c, kindRevisions, []ListOption{WithService(name)}) {
		if err != nil {
			return nil, err
		}
		if err := names.Revision(r.Metadata.Name); err != nil {
			return nil, fmt.Errorf("list revisions: %w", err)
		}
		if len(found) == maxRevisions {
			return nil, fmt.Errorf("the service has more than %d revisions", maxRevisions)
		}
		found = append(found, agedRevision{r.Age(), revisionInfo(r, usage(r.Metadata.Name))})
	}
	slices.SortFunc(found, func(a, b agedRevision) int { return b.age.Compare(a.age) })
	all := make([]RevisionInfo, len(found))
	for i, r := range found {
		all[i] = r.info
	}
	return all, nil
}
