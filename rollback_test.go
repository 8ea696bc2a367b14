package cloudrun_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
)

const historyAnnotation = "cloudrun-go.github.io/history"

// deployAll deploys Revisions, one a minute.
func deployAll(t *testing.T, d *cloudrun.Deployer, suffixes ...string) {
	t.Helper()
	for _, suffix := range suffixes {
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix(suffix), cloudrun.ToLatest())
		require.NoError(t, err)
		time.Sleep(time.Minute)
	}
}

// rollBack rolls back and returns the Revision that gets the traffic.
func rollBack(t *testing.T, d *cloudrun.Deployer, opts ...cloudrun.RollbackOption) string {
	t.Helper()
	r, err := d.Rollback(t.Context(), "hello", opts...)
	require.NoError(t, err)
	return r.Revision
}

// A Revision that the traffic was rolled back from is not one to go back to, until it serves again.
func TestRollbackSkipsWhatWasRolledBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		between func(t *testing.T, d *cloudrun.Deployer)
		want    string
	}{
		"rolled back": {func(t *testing.T, d *cloudrun.Deployer) { require.Equal(t, "hello-v1", rollBack(t, d)) }, "hello-v1"},
		"to traffic of before": {func(t *testing.T, d *cloudrun.Deployer) {
			s, err := d.Client().GetService(t.Context(), "hello")
			require.NoError(t, err)
			s.Spec.Traffic[0].RevisionName, s.Spec.Traffic[0].LatestRevision = "hello-v1", nil
			rollBack(t, d, cloudrun.RollbackToTraffic(s.Spec.Traffic))
		}, "hello-v1"},
		"and that undone": {func(t *testing.T, d *cloudrun.Deployer) {
			r, err := d.Rollback(t.Context(), "hello")
			require.NoError(t, err)
			rollBack(t, d, cloudrun.RollbackToTraffic(r.PreviousTraffic))
		}, "hello-v2"},
		"and chosen again": {func(t *testing.T, d *cloudrun.Deployer) {
			rollBack(t, d)
			_, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-v2", 100))
			require.NoError(t, err)
		}, "hello-v2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				_, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				deployAll(t, d, "v1", "v2")
				tc.between(t, d)
				deployAll(t, d, "v3")
				require.Equal(t, tc.want, rollBack(t, d, cloudrun.DryRun()))
			})
		})
	}
}

// If all older Revisions were rejected, the error names them. They can still be chosen.
func TestRollbackToNothingButRejected(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		deployAll(t, d, "v1", "v2")
		rollBack(t, d)
		require.NoError(t, func() error {
			_, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToLatest())
			return err
		}())
		deployAll(t, d, "v3")
		rollBack(t, d, cloudrun.RollbackTo("hello-v2"))
		rollBack(t, d)
		deployAll(t, d, "v4")
		require.NoError(t, d.DeleteRevision(t.Context(), "hello", "hello-v1"))
		all, err := d.Revisions(t.Context(), "hello")
		require.NoError(t, err)
		rejected := map[string]bool{}
		for _, r := range all {
			rejected[r.Name] = r.Rejected
		}
		require.Equal(t, map[string]bool{"hello-v4": false, "hello-v3": true, "hello-v2": true}, rejected)
		_, err = d.Rollback(t.Context(), "hello")
		require.ErrorIs(t, err, cloudrun.ErrNothingToRollBackTo)
		require.ErrorContains(t, err, "there is no older revision that is ready and was not rejected (hello-v3, hello-v2): name one with RollbackTo")
		require.Equal(t, "hello-v3", rollBack(t, d, cloudrun.RollbackTo("hello-v3")))
	})
}

// Pruning keeps a Revision to roll back to.
func TestPruneDoesNotCountWhatWasRejected(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		deployAll(t, d, "v0", "v1", "v2")
		rollBack(t, d)
		deployAll(t, d, "v3")
		would, err := d.PruneRevisions(t.Context(), "hello", 2, cloudrun.DryRun())
		require.NoError(t, err)
		require.Equal(t, []string{"hello-v0"}, revisionNames(would))
		require.Equal(t, "hello-v1", rollBack(t, d, cloudrun.DryRun()))
	})
}

// What became of Revisions is no configuration: plans and manifests do not have it.
func TestHistoryIsNotConfiguration(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		deployAll(t, d, "v1", "v2")
		rollBack(t, d)
		s, err := c.GetService(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, "hello-v1=served,hello-v2=rejected", s.Annotations[historyAnnotation])
		exported, err := c.ExportManifest(t.Context(), "hello")
		require.NoError(t, err)
		require.NotContains(t, string(exported.JSON()), historyAnnotation)
		_, err = d.ReplaceManifest(t.Context(), exported)
		require.NoError(t, err)
		s, err = c.GetService(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, "hello-v1=served,hello-v2=rejected", s.Annotations[historyAnnotation])
	})
}
