package cloudrun_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// A run deploys a Service once, however often it is repeated.
func TestRunIDDeploysOnce(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]cloudrun.DeployOption{
		"a new Revision":       {cloudrun.WithImage(image)},
		"the metadata":         {cloudrun.WithDescription("x")},
		"without traffic":      {cloudrun.WithImage(image), cloudrun.WithNoTraffic()},
		"only what changes":    {cloudrun.WithEnv("A", "1"), cloudrun.IfChanged()},
		"traffic without more": {cloudrun.WithTag("blue")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				s.ResetHistory()
				deploy := func(id string) cloudrun.Action {
					r, err := d.Deploy(t.Context(), "hello", append(opts, cloudrun.WithRunID(id))...)
					require.NoError(t, err)
					return r.Action
				}
				require.Equal(t, cloudrun.Updated, deploy("build-1"))
				require.Equal(t, cloudrun.Unchanged, deploy("build-1"))
				require.Len(t, s.History(), 1)
			})
		})
	}
}

// A process that ends after its write leaves the mark of the run. The next one only waits.
func TestRunIDGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t, cloudruntest.WithTimeToReady(time.Minute))
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.WithRunID("build-1"))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := d.Deploy(ctx, "hello")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithPublicAccess())
		require.NoError(t, err)
		require.Equal(t, cloudrun.Unchanged, r.Action)
		require.True(t, r.Ready)
		require.EqualValues(t, 1, r.Generation)
		public, err := cloudrun.IsPublic(t.Context(), c, "hello")
		require.NoError(t, err)
		require.True(t, public, "the rest of the call is done")

		r, err = d.Deploy(t.Context(), "hello", cloudrun.WithRunID("build-2"))
		require.NoError(t, err)
		require.EqualValues(t, 2, r.Generation, "another run deploys")
	})
}

// A Revision of the run that has failed is deployed once more; one that another writer made is not.
func TestRunIDDeploysWhatFailedAgain(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.WithRunID("build-1"))
		s.Script("hello", cloudruntest.SecretDenied())
		var failed *cloudrun.NotReadyError
		_, err := d.Deploy(t.Context(), "hello")
		require.ErrorAs(t, err, &failed)
		s.Script("hello", cloudruntest.Script{})
		r, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, cloudrun.Updated, r.Action)
		require.Len(t, s.History(), 2)

		s.Script("hello", cloudruntest.SecretDenied())
		_, err = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.ErrorAs(t, err, &failed)
		_, err = d.Deploy(t.Context(), "hello")
		require.ErrorAs(t, err, &failed)
		require.Len(t, s.History(), 3, "the failure is that of another writer")
	})
}

// A rollback undoes what a run deployed, so the run can deploy it again.
func TestRollbackEndsTheRun(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		_, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithRunID("build-1"))
		require.NoError(t, err)
		_, err = d.Rollback(t.Context(), "hello", cloudrun.RollbackToTraffic(r.PreviousTraffic))
		require.NoError(t, err)
		r, err = d.Deploy(t.Context(), "hello", cloudrun.WithRunID("build-1"))
		require.NoError(t, err)
		require.Equal(t, cloudrun.Updated, r.Action)
	})
}

// The mark of a run is no change that a plan shows, and no part of a manifest.
func TestRunIDIsNotConfiguration(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.WithRunID("build-1"))
		_, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		plan, err := d.Plan(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, cloudrun.Unchanged, plan.Action)
		plan, err = d.Plan(t.Context(), "hello", cloudrun.WithRunID("build-2"))
		require.NoError(t, err)
		require.Equal(t, cloudrun.Updated, plan.Action)
		require.Empty(t, plan.Changes)
		exported, err := d.Client().ExportManifest(t.Context(), "hello")
		require.NoError(t, err)
		require.NotContains(t, string(exported.JSON()), "build-1")
	})
}

// In makes clients that share the connections and find their own hosts.
func TestClientIn(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s := cloudruntest.NewServer(cloudruntest.InProcess())
		t.Cleanup(s.Close)
		c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithHTTPClient(s.Client()))
		require.NoError(t, err)
		other, err := c.In("", "europe-west1")
		require.NoError(t, err)
		require.Equal(t, "demo", other.Project())
		require.Equal(t, "europe-west1", other.Region())
		_, err = cloudrun.NewDeployer(other).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		for _, r := range s.Requests() {
			require.Contains(t, []string{"europe-west1-run.googleapis.com", "run.googleapis.com"}, r.Host)
		}
		_, err = c.GetService(t.Context(), "hello")
		require.Error(t, err, "it is not in the region of the first client")

		_, err = c.In("", "evil.com/#")
		require.ErrorContains(t, err, "region")
		_, err = c.In("../x", "europe-west1")
		require.ErrorContains(t, err, "project")
		_, cluster := newCluster(t)
		_, err = cluster.In("a", "europe-west1")
		require.ErrorContains(t, err, "a cluster has no projects and regions")
	})
}

// A plan that is applied is part of its run, too.
func TestApplyIsPartOfTheRun(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.WithRunID("build-1"))
		plan, err := d.Plan(t.Context(), "hello")
		require.NoError(t, err)
		s.Script("hello", cloudruntest.SecretDenied())
		_, err = d.Apply(t.Context(), plan)
		require.Error(t, err)
		s.Script("hello", cloudruntest.Script{})
		r, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, cloudrun.Updated, r.Action, "what failed is deployed once more")
		r, err = d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, cloudrun.Unchanged, r.Action)
	})
}
