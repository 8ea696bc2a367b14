package rollout_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/rollout"
)

func (r *staged) status() *rollout.State {
	r.Helper()
	state, err := rollout.Status(r.Context(), r.deployer, "hello")
	require.NoError(r, err)
	require.Equal(r, "hello", state.Service.Name)
	return state
}

func TestStatus(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := newStaged(t)
		state := r.status()
		require.False(t, state.UnderWay)
		require.Empty(t, state.Candidate)
		require.Equal(t, rollout.Split{"hello-v1": 100}, state.PreviousSplit)
		require.Equal(t, rollout.Split{"hello-v1": 100}, state.Split)

		_, err := rollout.Run(t.Context(), r.deployer, "hello", rollout.Config{Check: func(_ context.Context, c rollout.Candidate) error {
			state := r.status()
			require.True(t, state.UnderWay)
			require.False(t, state.Overridden)
			require.Equal(t, c.Percent, state.Candidate.Percent)
			return failAt(25)(c)
		}})
		require.ErrorIs(t, err, errBad)
		require.False(t, r.status().UnderWay)

		r.crash()
		state = r.status()
		require.True(t, state.UnderWay)
		require.Equal(t, rollout.Candidate{Service: "hello", Revision: "hello-v2", Percent: 25, Tag: "candidate"}, state.Candidate)
		require.Equal(t, rollout.Split{"hello-v1": 100}, state.PreviousSplit)
		require.Equal(t, rollout.Split{"hello-v1": 75, "hello-v2": 25}, state.Split)

		r.others(onlyTraffic("hello-v2"))
		require.True(t, r.status().Overridden)

		r.others(func(s *servingv1.Service) { s.Annotations[rolloutAnnotation] = "{" })
		_, err = rollout.Status(t.Context(), r.deployer, "hello")
		require.ErrorContains(t, err, "read rollout of service \"hello\": the annotation")
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))

		r.server.Fault(cloudruntest.Fault{Method: "GET", Status: 403})
		_, err = rollout.Status(t.Context(), r.deployer, "hello")
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
	})
}

// All mistakes of a call are reported at once, and nothing is sent.
func TestCallsCheckTheirArguments(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(context.Context, *cloudrun.Deployer, string, ...cloudrun.CallOption) error{
		"Run": func(ctx context.Context, d *cloudrun.Deployer, service string, opts ...cloudrun.CallOption) error {
			_, err := rollout.Run(ctx, d, service, rollout.Config{Steps: []int{5}}, opts...)
			if d != nil && d.Client() != nil {
				require.ErrorContains(t, err, "Config.Steps [5]")
			}
			return err
		},
		"Abort": func(ctx context.Context, d *cloudrun.Deployer, service string, opts ...cloudrun.CallOption) error {
			_, err := rollout.Abort(ctx, d, service, opts...)
			return err
		},
		"Status": func(ctx context.Context, d *cloudrun.Deployer, service string, opts ...cloudrun.CallOption) error {
			defaults := make([]cloudrun.DeployOption, len(opts))
			for i, o := range opts {
				defaults[i] = o
			}
			if d != nil && d.Client() != nil {
				d = cloudrun.NewDeployer(d.Client(), defaults...)
			}
			_, err := rollout.Status(ctx, d, service)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				for _, d := range []*cloudrun.Deployer{nil, cloudrun.NewDeployer(nil)} {
					require.ErrorContains(t, do(t.Context(), d, "hello"), "the deployer has no client")
				}
				err := do(t.Context(), cloudrun.NewDeployer(c), "No/Name", cloudrun.WithWaitTimeout(-1), nil)
				var failed *cloudrun.DeployError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, cloudrun.StageOptions, failed.Stage)
				require.Equal(t, cloudrun.NotWritten, failed.Outcome)
				require.ErrorContains(t, err, "No/Name")
				require.ErrorContains(t, err, "WithWaitTimeout(-1ns)")
				require.ErrorContains(t, err, "nil")
				var option *cloudrun.OptionError
				require.ErrorAs(t, err, &option)
				require.Empty(t, s.Requests())
			})
		})
	}
}
