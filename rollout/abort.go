package rollout

import (
	"context"
	"slices"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/history"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// Abort returns the traffic to the split that it had before an unfinished
// rollout. A [Run] that is still running stops. Without a rollout Abort does
// nothing. The candidate counts as rejected, so that [cloudrun.Deployer.Rollback]
// skips it. If another writer has changed the traffic since, it is kept and only
// the state of the rollout is removed; a warning says so.
//
// It waits as [cloudrun.Deployer.UpdateTraffic] does. [cloudrun.Async] has no
// effect. The error is a [*cloudrun.DeployError].
func Abort(ctx context.Context, d *cloudrun.Deployer, service string, opts ...cloudrun.CallOption) (_ *Result, err error) {
	ctx, t := begin(ctx, d, "abort rollout of service", service)
	defer func() { t.End(err) }()
	v, err := open(t, d, Config{}, opts)
	if err != nil {
		return nil, err
	}
	s, err := v.read(ctx)
	if err != nil {
		return nil, v.fail(cloudrun.StageRead, cloudrun.NotWritten, err)
	}
	result := &Result{Service: s, PreviousSplit: splitOf(s), Split: splitOf(s)}
	if s.Annotations[traffic.RolloutAnnotation] == "" {
		return result, nil
	}
	var back ending
	changed, failed := v.update(ctx, see(s), func(s *servingv1.Service) error {
		recorded, err := traffic.ReadRollout(s)
		back = ending{overridden: recorded == nil}
		if err != nil || recorded == nil {
			return err
		}
		result.PreviousSplit = Split(recorded.Previous)
		result.Candidate = Candidate{Service: v.name, Revision: recorded.Revision, Tag: recorded.Tag}
		back, err = goBack(s, recorded, history.Rejected)
		if back.overridden {
			back.notes = []string{"the traffic was changed since the last step of the rollout: it stays as it is"}
		}
		return err
	})
	if changed != nil {
		result.Service, result.Split, result.Restored = changed.Service, splitOf(changed.Service), !back.overridden
		result.Warnings = slices.Concat(back.notes, changed.Warnings)
	}
	if failed != nil {
		return result, failed
	}
	return result, nil
}
