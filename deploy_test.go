package cloudrun_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// TestRequestsOfADeployment counts requests, because round trips dominate the time of a deployment.
func TestRequestsOfADeployment(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ready            time.Duration
		create, redeploy int
	}{
		"ready after a second": {time.Second, 5, 4},
		"ready at once":        {0, 4, 3},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t, cloudruntest.WithTimeToReady(tc.ready))
				d := cloudrun.NewDeployer(c, cloudrun.WithPublicAccess())
				start := time.Now()
				r, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				require.Equal(t, tc.ready, time.Since(start), "no pause of our own")
				require.Equal(t, cloudrun.Created, r.Action)
				require.Len(t, s.Requests(), tc.create, methods(s.Requests()))

				s.ResetRequests()
				start = time.Now()
				r, err = d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				require.Equal(t, tc.ready, time.Since(start))
				require.Equal(t, cloudrun.Updated, r.Action)
				require.EqualValues(t, 100, r.Percent)
				require.NotEmpty(t, r.URL)
				require.Len(t, s.Requests(), tc.redeploy, methods(s.Requests()))
			})
		})
	}
}

func TestDeployIfChanged(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.IfChanged())
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		s.ResetRequests()
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		require.Equal(t, cloudrun.Unchanged, r.Action)
		require.Len(t, s.Requests(), 1, methods(s.Requests()))
		r, err = d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "2"))
		require.NoError(t, err)
		require.Equal(t, cloudrun.Updated, r.Action)
		require.Len(t, s.Revisions("demo", "hello"), 2)
	})
}

func TestDeployThatFails(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "the container did not listen on PORT=8080"}})
		r, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Contains(t, failed.Message, "did not listen")
		require.NotEmpty(t, failed.LogURL)
		var call *cloudrun.DeployError
		require.ErrorAs(t, err, &call)
		require.Equal(t, cloudrun.StageWait, call.Stage)
		require.Equal(t, cloudrun.Written, call.Outcome)
		require.NotNil(t, r)
		require.Equal(t, failed.Revision, r.Revision)
		t.Log(err)
	})
}

func TestDeleteWaitsUntilTheServiceIsGone(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		require.NoError(t, d.Delete(t.Context(), "hello"))
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
	})
}

// TestDeployOfANamedRevision covers a job that runs again and asks for an existing Revision.
func TestDeployOfANamedRevision(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		for _, want := range []cloudrun.Action{cloudrun.Created, cloudrun.Unchanged} {
			r, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v1"), cloudrun.WithEnv("A", "1"))
			require.NoError(t, err)
			require.Equal(t, want, r.Action)
			require.Equal(t, "hello-v1", r.Revision)
		}
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v1"), cloudrun.WithEnv("A", "1"), cloudrun.WithTag("green"))
		require.NoError(t, err)
		require.Equal(t, "hello-v1", r.Revision)
		require.Contains(t, r.TagURLs, "green")
		require.Len(t, s.Revisions("demo", "hello"), 1)

		start := time.Now()
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v1"), cloudrun.WithEnv("A", "2"))
		require.True(t, apierrors.IsAlreadyExists(err), err)
		require.LessOrEqual(t, time.Since(start), 500*time.Millisecond, "no second try can help")
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "2"))
		require.NoError(t, err, "the name of the last Revision must not stay")
		require.Len(t, s.Revisions("demo", "hello"), 2)
	})
}

func TestDeployKeepsTheTrafficWhereItIs(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		first, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)

		second, err := d.Deploy(t.Context(), "hello", cloudrun.WithNoTraffic(), cloudrun.WithTag("next"))
		require.NoError(t, err)
		require.Regexp(t, `^hello-00002-[a-z]{3}$`, second.Revision)
		require.Zero(t, second.Percent)
		require.Empty(t, second.Warnings, "that was asked for")
		require.NotEmpty(t, second.TagURLs["next"])

		third, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		require.Zero(t, third.Percent)
		require.Len(t, third.Warnings, 1)
		require.Contains(t, third.Warnings[0], "pinned to "+first.Revision+"=100")

		_, err = d.Deploy(t.Context(), "new", cloudrun.WithNoTraffic())
		var refused *cloudrun.OptionError
		require.ErrorAs(t, err, &refused)
	})
}

func TestDeployPinsTheImageThatRuns(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		_, err := d.Deploy(t.Context(), "hello")
		var missing *cloudrun.OptionError
		require.ErrorAs(t, err, &missing, "a new Service needs an image")

		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		require.Contains(t, r.Service.Spec.Template.Spec.Containers[0].Image, "@sha256:")
		require.Empty(t, r.Warnings)

		r, err = d.Deploy(t.Context(), "hello", cloudrun.WithDescription("about the Service itself"))
		require.NoError(t, err)
		require.Equal(t, cloudrun.Updated, r.Action)
		require.Equal(t, "hello-00002-", r.Revision[:12], "no new Revision")
	})
}
