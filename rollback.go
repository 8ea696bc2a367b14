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

// ErrNothingToRollBackTo is matched by the error of [Deployer.Rollback] when no
// Revision is both ready and older than the one that serves.
var ErrNothingToRollBackTo = errors.New("there is no older revision that is ready")

const thingRollback = "what to roll back to"

// RollbackTo names the Revision to go back to.
func RollbackTo(revision string) RollbackOption {
	return onRollback(edits.Configures(edits.Spell("RollbackTo", revision), thingRollback, "revision "+revision, names.Revision(revision),
		func(c *rollbackConfig) { c.revision = revision }))
}

// RollbackToTraffic goes back to a split of the traffic, such as the
// [Result.PreviousTraffic] of the call that changed it. Where that sent traffic to
// [Latest], it goes to the Revision that was the latest then.
func RollbackToTraffic(targets []servingv1.TrafficTarget) RollbackOption {
	var err error
	if len(targets) == 0 {
		err = errors.New("there are no targets in it")
	}
	kept := slices.Clone(targets)
	return onRollback(edits.Configures("RollbackToTraffic", thingRollback, "traffic "+traffic.Describe(targets), err,
		func(c *rollbackConfig) { c.traffic = kept }))
}

// Preview has [Deployer.Rollback] tell what it would do, and do nothing.
func Preview() RollbackOption {
	return onRollback(edits.Configures("Preview()", "whether anything is done", "no", nil, func(c *rollbackConfig) { c.preview = true }))
}

// rollbackConfig is what the options say of a rollback.
type rollbackConfig struct {
	revision string
	traffic  []servingv1.TrafficTarget
	preview  bool
}

// RollbackResult tells what a rollback did, or would do.
type RollbackResult struct {
	// Revision is the one that gets the traffic; empty with [RollbackToTraffic].
	Revision string
	// PreviousTraffic is the traffic before the call, as in [Result.PreviousTraffic].
	PreviousTraffic []servingv1.TrafficTarget
	// Traffic is the traffic after the call.
	Traffic []servingv1.TrafficTarget
	// Result is that of the change; nil for a [Preview].
	Result *Result
}

// String tells the change in one line.
func (r *RollbackResult) String() string {
	return fmt.Sprintf("traffic: %s -> %s", traffic.Describe(r.PreviousTraffic), traffic.Describe(r.Traffic))
}

// Rollback sends all traffic of a Service back to the previous Revision: the
// newest that is ready and older than the one that gets most of the traffic
// now. With [RollbackTo] it goes to another one, with [RollbackToTraffic] the
// whole split is restored. Tags stay. It waits like [Deployer.UpdateTraffic].
//
// The traffic is pinned afterwards: later deployments get none of it until
// UpdateTraffic or Deploy is called with [ToLatest].
//
// The error is a [*DeployError]; it matches [ErrNothingToRollBackTo] if no
// Revision qualifies. Nothing is written then.
func (d *Deployer) Rollback(ctx context.Context, name string, opts ...RollbackOption) (*RollbackResult, error) {
	const op = "roll back service"
	c, err := d.beginCall(op, name, edits.Of(opts))
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
	if to.preview {
		return c.previewRollback(ctx, to)
	}
	changed, err := c.applyTraffic(ctx, to.apply)
	if changed == nil {
		return nil, err
	}
	return &RollbackResult{Revision: to.revision, PreviousTraffic: changed.PreviousTraffic, Traffic: changed.Service.Spec.Traffic, Result: changed}, err
}

// apply gives a Service the traffic to go back to.
func (to *rollbackConfig) apply(s *servingv1.Service) error {
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

// previewRollback tells what a rollback would do to the Service as it is.
func (c *call) previewRollback(ctx context.Context, to rollbackConfig) (*RollbackResult, error) {
	s, err := c.client.GetService(ctx, c.name)
	if err != nil {
		return nil, c.fail(StageRead, NotWritten, err)
	}
	r := &RollbackResult{Revision: to.revision, PreviousTraffic: traffic.Resolved(s)}
	if err := to.apply(s); err != nil {
		return nil, c.fail(StageOptions, NotWritten, err)
	}
	r.Traffic = s.Spec.Traffic
	return r, nil
}

// previousRevision is the newest Revision that is ready and older than the one that serves most.
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
	return "", fmt.Errorf("%w: deploy one, or name the one to go to with RollbackTo", ErrNothingToRollBackTo)
}
