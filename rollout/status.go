package rollout

import (
	"context"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// State is the state of the rollout of a Service.
type State struct {
	// Service is the Service as it was read. It is not part of the JSON.
	Service *servingv1.Service `json:"-"`
	// UnderWay reports whether a rollout has begun and not ended. A program that
	// ended in the middle of a rollout leaves it under way.
	UnderWay bool `json:"underWay"`
	// Candidate has the names, the share and the tag of the candidate at the
	// current step. It is empty if no rollout is under way.
	Candidate Candidate `json:"candidate"`
	// RunID is the [Config.RunID] of the rollout under way; empty if it has none.
	RunID string `json:"runId,omitempty"`
	// Began is when the rollout began, and Since when its current step did. They are
	// zero if no rollout is under way, or if that is not recorded.
	Began time.Time `json:"began,omitzero"`
	Since time.Time `json:"since,omitzero"`
	// PreviousSplit is the split before the rollout, which [Abort] restores, and
	// Split the current one. Both are the same if no rollout is under way.
	PreviousSplit Split `json:"previousSplit,omitempty"`
	Split         Split `json:"split,omitempty"`
	// Overridden reports whether another writer has changed the traffic since the
	// current step. [Run] then starts again from their traffic, and [Abort] keeps it.
	Overridden bool `json:"overridden"`
}

// Status reads the state of the rollout of a Service. Nothing is written. The
// error is a [*cloudrun.DeployError].
func Status(ctx context.Context, d *cloudrun.Deployer, service string) (_ *State, err error) {
	ctx, t := begin(ctx, d, "read rollout of service", service)
	defer func() { t.End(err) }()
	v, err := open(t, d, Config{}, nil)
	if err != nil {
		return nil, err
	}
	s, err := v.read(ctx)
	if err != nil {
		return nil, v.fail(cloudrun.StageRead, cloudrun.NotWritten, err)
	}
	recorded, err := traffic.ReadRollout(s)
	if err != nil {
		return nil, v.fail(cloudrun.StageRead, cloudrun.NotWritten, err)
	}
	state := &State{Service: s, PreviousSplit: splitOf(s), Split: splitOf(s)}
	if recorded == nil {
		return state, nil
	}
	state.UnderWay, state.PreviousSplit, state.Overridden = true, Split(recorded.Previous), !recorded.InForce(s)
	state.RunID, state.Began, state.Since = recorded.Release, recorded.Began, recorded.Since
	state.Candidate = Candidate{Service: service, Revision: recorded.Revision, Percent: int(recorded.Percent), Tag: recorded.Tag}
	return state, nil
}
