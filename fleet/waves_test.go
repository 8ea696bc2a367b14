package fleet_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/fleet"
)

// A wave begins when the one before it has ended.
func TestWavesComeInOrder(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, options := newServer(t, cloudruntest.WithTimeToReady(5*time.Second))
		var order []string
		report, err := fleet.Deploy(t.Context(), targets(3, "us-central1", "us-east1"), with(options,
			fleet.WithWaves(fleet.OfService("service-2"), fleet.InRegion("us-east1"), fleet.InRegion("europe-west1")),
			fleet.WithProgress(func(e fleet.Event) {
				if e.Result != nil {
					order = append(order, e.Target.Region+"/"+e.Target.Service)
				}
			}))...)
		require.NoError(t, err)
		require.Len(t, order, 6)
		require.ElementsMatch(t, []string{"us-central1/service-2", "us-east1/service-2"}, order[:2])
		require.ElementsMatch(t, []string{"us-east1/service-1", "us-east1/service-3"}, order[2:4])
		require.ElementsMatch(t, []string{"us-central1/service-1", "us-central1/service-3"}, order[4:])
		var waves []int
		for _, r := range report.Results {
			waves = append(waves, r.Wave)
		}
		require.Equal(t, []int{3, 2, 1, 1, 3, 2}, waves)
	})
}

// After some failures nothing else is begun, and the report says so.
func TestStopAfterFailures(t *testing.T) {
	t.Parallel()
	first := fleet.WithWaves(fleet.OfService("service-1", "service-2"))
	for name, tc := range map[string]struct {
		options          []fleet.Option
		deployed, failed int
	}{
		"never":                       {nil, 4, 2},
		"after one":                   {[]fleet.Option{fleet.WithStopAfter(1), fleet.WithConcurrency(1)}, 1, 1},
		"after two":                   {[]fleet.Option{fleet.WithStopAfter(2), fleet.WithConcurrency(1)}, 3, 2},
		"a wave that fails":           {[]fleet.Option{first}, 1, 1},
		"a wave that may fail once":   {[]fleet.Option{first, fleet.WithStopAfter(2)}, 4, 2},
		"a wave that may always fail": {[]fleet.Option{first, fleet.WithStopAfter(0)}, 4, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, options := newServer(t)
				s.Script("service-2", cloudruntest.SecretDenied())
				s.Script("service-5", cloudruntest.SecretDenied())
				report, err := fleet.Deploy(t.Context(), targets(6, "us-central1"), with(options, tc.options...)...)
				require.Error(t, err)
				require.Equal(t, tc.deployed, report.Count(fleet.Deployed))
				require.Equal(t, tc.failed, report.Count(fleet.Failed))
				skipped := 6 - tc.deployed - tc.failed
				require.Equal(t, skipped, report.Count(fleet.Skipped))
				for _, r := range report.Results {
					if r.Status == fleet.Skipped {
						require.Contains(t, r.Cause(), "not tried: the run stopped after ")
						require.Nil(t, r.Deployment)
						require.Zero(t, writes(s)["us-central1/"+r.Target.Service])
					}
				}
			})
		})
	}
}

// A wave that failed goes back to what served before; new Services and earlier waves stay.
func TestRollbackOfAWave(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t)
		all := targets(5, "us-central1")
		existing(t, s, all[:4])
		before := revisions(t, s, all)
		s.Script("service-3", cloudruntest.SecretDenied())
		options = with(options, fleet.WithRunID("build-7"), fleet.WithRollback(),
			fleet.WithWaves(fleet.OfService("service-1"), fleet.OfService("service-2", "service-3", "service-5")))
		report, err := fleet.Deploy(t.Context(), all, options...)
		require.Equal(t, []fleet.Status{fleet.Deployed, fleet.RolledBack, fleet.RolledBack, fleet.Skipped, fleet.Deployed}, statuses(report))
		require.ErrorIs(t, err, fleet.ErrRolledBack)
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Contains(t, report.Summary(), "2 deployed, 2 rolled back, 1 skipped")
		after := revisions(t, s, all)
		require.NotEqual(t, before[0], after[0])
		require.Equal(t, before[1:4], after[1:4])

		s.Script("service-3", cloudruntest.Script{})
		report, err = fleet.Deploy(t.Context(), all, with(options, fleet.WithDefaults(cloudrun.ToLatest()))...)
		require.NoError(t, err, "the same run deploys again what was rolled back")
		require.Equal(t, 5, report.Count(fleet.Deployed))
		require.True(t, report.Results[0].Resumed)
		require.False(t, report.Results[1].Resumed)
		require.NotContains(t, revisions(t, s, all), before[1])
	})
}

// A wave that an earlier process of the run has deployed is rolled back, too.
func TestRollbackOfAWaveThatGoesOn(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t)
		all := targets(2, "us-central1")
		_, err := fleet.Deploy(t.Context(), all, options...)
		require.NoError(t, err)
		before := revisions(t, s, all)
		options = with(options, fleet.WithRunID("build-7"), fleet.WithRollback())
		_, err = fleet.Deploy(t.Context(), all[:1], options...)
		require.NoError(t, err)
		s.Script("service-2", cloudruntest.SecretDenied())
		report, err := fleet.Deploy(t.Context(), all, options...)
		require.Error(t, err)
		require.Equal(t, []fleet.Status{fleet.RolledBack, fleet.RolledBack}, statuses(report))
		require.Equal(t, before, revisions(t, s, all))
	})
}

// The end of the context is no failure of the wave: what was deployed stays.
func TestInterruptedWaveIsNotRolledBack(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t)
		all := targets(3, "us-central1")
		existing(t, s, all)
		s.Script("service-3", cloudruntest.Script{TimeToReady: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		report, err := fleet.Deploy(ctx, all, with(options, fleet.WithRollback())...)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []fleet.Status{fleet.Deployed, fleet.Deployed, fleet.Failed}, statuses(report))
		require.NotContains(t, err.Error(), "rolled back")
	})
}

// A rollback that fails is reported.
func TestRollbackThatFails(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t)
		all := targets(2, "us-central1")
		existing(t, s, all)
		s.Script("service-2", cloudruntest.SecretDenied())
		n := 0
		s.Fault(cloudruntest.Fault{Method: "PUT", Path: "service-1", Skip: 1, Status: 403, Times: -1, Do: func() { n++ }})
		report, err := fleet.Deploy(t.Context(), all, with(options, fleet.WithRollback())...)
		require.Equal(t, []fleet.Status{fleet.Failed, fleet.RolledBack}, statuses(report))
		require.ErrorContains(t, err, "service-1 (demo, us-central1): not rolled back: ")
		require.NotZero(t, n)
	})
}

// revisions returns the Revisions that serve, by target.
func revisions(t *testing.T, s *cloudruntest.Server, all []fleet.Target) []string {
	t.Helper()
	var names []string
	for _, target := range all {
		var service servingv1.Service
		raw, _ := s.Service(target.Project, target.Service)
		if raw != nil {
			require.NoError(t, json.Unmarshal(raw, &service))
		}
		serving := ""
		for _, share := range service.Status.Traffic {
			serving += share.RevisionName
		}
		names = append(names, serving)
	}
	return names
}
