package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"slices"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

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
	Revision string
	// PreviousTraffic is the traffic before the call, as in [Result.PreviousTraffic].
	PreviousTraffic []servingv1.TrafficTarget
	// Traffic is the traffic after the call. With [DryRun] it is what the traffic would be.
	Traffic []servingv1.TrafficTarget
	// Result is the result of the change; nil with [DryRun].
	Result *Result
}

// String returns the change in one line.
func (r *RollbackResult) String() string {
	return fmt.Sprintf("traffic: %s -> %s", traffic.Describe(r.PreviousTraffic), traffic.Describe(r.Traffic))
}

// Rollback sends all traffic of a Service to the previous Revision: the newest
// one that is ready and older than the Revision with most of the traffic.
// [RollbackTo] sends it to another Revision, and [RollbackToTraffic] restores a
// whole split. Rollback keeps tags and waits as [Deployer.UpdateTraffic] does.
// With [DryRun] it returns the change without making it.
//
// Afterwards the traffic is pinned: later deployments get none of it until
// UpdateTraffic or Deploy is called with [ToLatest].
//
// The error is a [*DeployError]. It matches [ErrNothingToRollBackTo] if there is
// no such Revision; nothing is written then.
func (d *Deployer) Rollback(ctx context.Context, name string, opts ...RollbackOption) (*RollbackResult, error) {
	c, err := d.beginCall("roll back service", name, edits.Of(opts))
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
	traffic.EndRollout(s)
	if to.traffic != nil {
		s.Spec.Traffic = traffic.Previous(to.traffic, s.Status.LatestReadyRevisionName)
		return nil
	}
	targets, err := split.Shift(traffic.Targets(s), map[string]int64{to.revision: 100})
	if err != nil {
		return &OptionError{Option: "the traffic", Reason: err.Error()}
	}
	traffic.Set(s, targets)
	return nil
}

// previousRevision returns the newest Revision that is ready and older than the one with most of the traffic.
func (c *call) previousRevision(ctx context.Context) (string, error) {
	all, err := c.client.revisionInfos(ctx, c.name)
	if err != nil {
		return "", err
	}
	serving := -1 // all is sorted from the newest to the oldest
	for i, r := range all {
		if r.Percent > 0 && (serving < 0 || r.Percent > all[serving].Percent) {
			serving = i
		}
	}
	for _, r := range all[serving+1:] {
		if serving >= 0 && r.Ready {
			return r.Name, nil
		}
	}
	return "", fmt.Errorf("%w: deploy one, or name a revision with RollbackTo", ErrNothingToRollBackTo)
}
