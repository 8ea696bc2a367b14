package fleet_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/fleet"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t)
		all := targets(3, "us-central1")
		existing(t, s, all[:2])
		all[1].Options = []cloudrun.DeployOption{cloudrun.WithMemory("1Gi")}
		options = with(options, fleet.WithRunID("build-7"), fleet.WithDefaults(cloudrun.IfChanged()))
		plans, err := fleet.Plan(t.Context(), all, options...)
		require.NoError(t, err)
		require.Equal(t, []cloudrun.Action{cloudrun.Unchanged, cloudrun.Updated, cloudrun.Created},
			[]cloudrun.Action{plans.Results[0].Plan.Action, plans.Results[1].Plan.Action, plans.Results[2].Plan.Action})
		require.Equal(t, 2, plans.Changes())
		lines := strings.Split(plans.String(), "\n")
		require.Len(t, lines, 5)
		require.Contains(t, lines[1], `service "service-2" (demo, us-central1)`)
		require.Equal(t, "2 of 3 targets would change", lines[3])
		require.Empty(t, s.History())
		encoded, err := json.Marshal(plans)
		require.NoError(t, err)
		require.Contains(t, string(encoded), `"service":"service-2"`)

		_, err = fleet.Deploy(t.Context(), all, options...)
		require.NoError(t, err)
		plans, err = fleet.Plan(t.Context(), all, with(options, fleet.WithDefaults(cloudrun.WithEnv("A", "1")))...)
		require.NoError(t, err)
		require.Equal(t, 1, plans.Changes(), "what the run has written is done")
	})
}

// A target without a plan does not keep the others from theirs.
func TestPlanReportsFailures(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t)
		s.Fault(cloudruntest.Fault{Method: "GET", Path: "service-2", Status: 403, Times: -1})
		plans, err := fleet.Plan(t.Context(), targets(3, "us-central1"), options...)
		var failed *fleet.Error
		require.ErrorAs(t, err, &failed)
		require.Len(t, failed.Targets, 1)
		require.ErrorContains(t, err, "1 of 3 targets have no plan: service-2 (demo, us-central1): ")
		require.Equal(t, 2, plans.Changes())
		require.Contains(t, plans.String(), "service-2 (demo, us-central1): ")
	})
}
