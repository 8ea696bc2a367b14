package cloudrun_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
)

// dailyRevisions deploys Revisions hello-d1, hello-d2, … one a day, without
// traffic except for the first.
func dailyRevisions(t *testing.T, d *cloudrun.Deployer, days int) {
	t.Helper()
	for day := 1; day <= days; day++ {
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithNoTrafficIfExists(), cloudrun.WithRevisionSuffix(fmt.Sprintf("d%d", day)))
		require.NoError(t, err)
		time.Sleep(24 * time.Hour)
	}
}

func TestPruneRevisionsByAge(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		dailyRevisions(t, d, 5)
		for _, tc := range []struct {
			age  time.Duration
			want []string
		}{
			{30 * 24 * time.Hour, []string{}},
			{71 * time.Hour, []string{"hello-d2", "hello-d3"}},
			{time.Second, []string{"hello-d4"}}, // d1 serves, d5 is the latest
		} {
			would, err := d.PruneRevisions(t.Context(), "hello", 1, cloudrun.OlderThan(tc.age), cloudrun.DryRun())
			require.NoError(t, err)
			require.Equal(t, tc.want, revisionNames(would), tc.age)
			deleted, err := d.PruneRevisions(t.Context(), "hello", 1, cloudrun.OlderThan(tc.age))
			require.NoError(t, err)
			require.Equal(t, tc.want, revisionNames(deleted), tc.age)
		}
		_, err := d.PruneRevisions(t.Context(), "hello", 1, cloudrun.OlderThan(-time.Hour))
		require.ErrorContains(t, err, "OlderThan(-1h0m0s)")
	})
}

// A Revision that was rejected does not count, and is kept while it is young.
func TestPruneByAgeWithARejectedRevision(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		for _, suffix := range []string{"a", "b", "bad"} {
			_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix(suffix))
			require.NoError(t, err)
			time.Sleep(24 * time.Hour)
		}
		_, err := d.Rollback(t.Context(), "hello")
		require.NoError(t, err)
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithNoTraffic(), cloudrun.WithRevisionSuffix("c"))
		require.NoError(t, err)
		for _, tc := range []struct {
			keep int
			age  time.Duration
			want []string
		}{
			{1, time.Hour, []string{"hello-a", "hello-bad"}},
			{1, 25 * time.Hour, []string{"hello-a"}},
			{2, time.Hour, []string{"hello-a"}}, // hello-c and hello-b count
			{2, 73 * time.Hour, []string{}},
		} {
			would, err := d.PruneRevisions(t.Context(), "hello", tc.keep, cloudrun.OlderThan(tc.age), cloudrun.DryRun())
			require.NoError(t, err)
			require.Equal(t, tc.want, revisionNames(would), "%d of %s", tc.keep, tc.age)
		}
	})
}

func TestListsByAge(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		for _, name := range []string{"a", "b", "c"} {
			_, err := c.CreateService(t.Context(), newService(t, name))
			require.NoError(t, err)
			time.Sleep(time.Hour)
		}
		for _, tc := range []struct {
			age  time.Duration
			want []string
		}{{time.Minute, []string{"a", "b", "c"}}, {2 * time.Hour, []string{"a", "b"}}, {4 * time.Hour, nil}} {
			got, err := listNames(t, c, cloudrun.OlderThan(tc.age), cloudrun.WithPageSize(1))
			require.NoError(t, err)
			require.Equal(t, tc.want, got, tc.age)
			revisions := 0
			for _, err := range c.ListRevisions(t.Context(), cloudrun.OlderThan(tc.age)) {
				require.NoError(t, err)
				revisions++
			}
			require.Equal(t, len(tc.want), revisions, tc.age)
		}
		_, err := listNames(t, c, cloudrun.OlderThan(0))
		require.ErrorContains(t, err, "OlderThan(0s)")
	})
}
