package systemtest

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

func TestClusterClient(t *testing.T) {
	t.Parallel()
	_, err := cloudrun.NewClusterClient(t.Context(), "default", option.WithHTTPClient(http.DefaultClient))
	require.ErrorContains(t, err, "option.WithEndpoint")
	_, err = cloudrun.NewClusterClient(t.Context(), "Bad", option.WithEndpoint("https://k8s"))
	require.ErrorContains(t, err, `"Bad"`)
	c, err := cloudrun.NewClusterClient(t.Context(), "default", option.WithEndpoint("https://k8s"))
	require.NoError(t, err, "no default credentials are looked for")
	require.Equal(t, "default", c.Project())
	require.Empty(t, c.Region())
}

// A cluster responds to a create without a status and to an update with a stale
// one. It raises false alarms, and changes the resource version as it reconciles.
func TestClusterDeployment(t *testing.T) {
	t.Parallel()
	testkit.InVirtualTime(t, func(t *testing.T) {
		s, c := testkit.NewCluster(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage("registry.example/app:v1"))
		start := time.Now()
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		require.Equal(t, cloudrun.Created, r.Action)
		require.Equal(t, "hello-00001", r.Revision)
		require.EqualValues(t, 100, r.Percent)
		require.NotEmpty(t, r.URL)
		require.True(t, r.Service.IsReady())
		require.GreaterOrEqual(t, time.Since(start), 2*time.Second)
		require.LessOrEqual(t, time.Since(start), 5*time.Second)
		for _, request := range s.Requests() {
			require.Contains(t, request.Path, "/apis/serving.knative.dev/v1/namespaces/default/services", "no request is for what only Cloud Run has")
		}

		s.Script("hello", cloudruntest.Script{ObservedLag: 80 * time.Millisecond, FalseAlarm: 650 * time.Millisecond})
		r, err = d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "2"))
		require.NoError(t, err)
		require.Equal(t, cloudrun.Updated, r.Action)
		require.Equal(t, "hello-00002", r.Revision)
		require.EqualValues(t, 2, r.Service.Status.ObservedGeneration)

		s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "Container failed with: exit 1"}})
		r, err = d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "3"))
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "hello-00003", failed.Revision)
		require.Contains(t, failed.Message, "exit 1")
		require.Equal(t, cloudrun.Updated, r.Action)

		require.NoError(t, d.Delete(t.Context(), "hello"))
		_, err = c.GetService(t.Context(), "hello")
		require.True(t, apierrors.IsNotFound(err), err)
	})
}

func TestClusterCreateThatFails(t *testing.T) {
	t.Parallel()
	testkit.InVirtualTime(t, func(t *testing.T) {
		s, c := testkit.NewCluster(t)
		s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "Unable to fetch image"}})
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage("registry.example/app:none"))
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "ConfigurationsReady", failed.Condition)
		require.Contains(t, failed.Message, "Unable to fetch image", "Ready itself has lost the cause")
	})
}

func TestClusterServices(t *testing.T) {
	t.Parallel()
	testkit.InVirtualTime(t, func(t *testing.T) {
		s, c := testkit.NewCluster(t)
		for _, name := range []string{"a", "b", "c"} {
			made, err := c.CreateService(t.Context(), testkit.NewService(t, name))
			require.NoError(t, err)
			require.Empty(t, made.Status.Conditions, "the answer has no status yet")
			_, err = cloudrun.WaitReady(t.Context(), c, name)
			require.NoError(t, err)
		}
		names, err := testkit.ListNames(t, c, cloudrun.WithPageSize(2))
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b", "c"}, names)
		revisions := 0
		for r, err := range c.ListRevisions(t.Context(), cloudrun.WithService("b")) {
			require.NoError(t, err)
			require.Equal(t, "b-00001", r.Name)
			revisions++
		}
		require.Equal(t, 1, revisions)

		s.ResetHistory()
		_, err = c.CreateService(t.Context(), testkit.NewService(t, "d"), cloudrun.DryRun())
		require.NoError(t, err)
		_, err = c.UpdateService(t.Context(), "a", func(s *servingv1.Service) error { *s.Spec.Template.Spec.TimeoutSeconds = 5; return nil }, cloudrun.DryRun())
		require.NoError(t, err)
		require.Empty(t, s.History())
		_, err = c.CreateService(t.Context(), testkit.NewService(t, "a"))
		require.True(t, apierrors.IsAlreadyExists(err), err)
		_, err = c.ReplaceService(t.Context(), testkit.NewService(t, "a"))
		require.True(t, apierrors.IsInvalid(err), "a cluster wants a version: %v", err)

		require.NoError(t, c.DeleteService(t.Context(), "c"))
		require.True(t, apierrors.IsNotFound(c.DeleteService(t.Context(), "c")))
	})
}

// The controller writes a status between our read and our write, again and again.
func TestClusterConflicts(t *testing.T) {
	t.Parallel()
	testkit.InVirtualTime(t, func(t *testing.T) {
		s, c := testkit.NewCluster(t, cloudruntest.WithTimeToReady(time.Second))
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage("registry.example/app:v1"))
		require.NoError(t, err)
		conflict := cloudruntest.Fault{Method: http.MethodPut, Status: http.StatusConflict, Times: 9}
		s.Fault(conflict)
		r, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		require.Equal(t, "hello-00002", r.Revision)

		made, err := c.CreateService(t.Context(), testkit.NewService(t, "busy"))
		require.NoError(t, err)
		tries := 0
		_, err = c.UpdateService(t.Context(), "busy", func(s *servingv1.Service) error {
			if tries++; tries < 4 {
				time.Sleep(200 * time.Millisecond) // the controller has written a status by then
			}
			s.Labels = map[string]string{"a": "b"}
			return nil
		})
		require.NoError(t, err)
		require.Greater(t, tries, 1, "%s had no conflict", made.Name)
	})
}

func TestWhatAClusterDoesNotHave(t *testing.T) {
	t.Parallel()
	s, c := testkit.NewCluster(t)
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"make public":  func() error { return cloudrun.MakePublic(ctx, c, "hello") },
		"make private": func() error { return cloudrun.MakePrivate(ctx, c, "hello") },
		"is public":    func() error { _, err := cloudrun.IsPublic(ctx, c, "hello"); return err },
		"get policy":   func() error { _, err := c.GetPolicy(ctx, "hello"); return err },
		"permissions":  func() error { _, err := c.TestPermissions(ctx, "hello", "run.services.get"); return err },
		"add member":   func() error { return cloudrun.AddMember(ctx, c, "hello", "roles/run.invoker", "allUsers") },
		"locations":    func() error { _, err := c.ListLocations(ctx); return err },
	} {
		err := call()
		require.ErrorIs(t, err, cloudrun.ErrNotOnCluster, name)
	}
	_, err := cloudrun.NewDeployer(c, cloudrun.WithPublicAccess()).Deploy(ctx, "hello", cloudrun.WithImage("i"))
	var option *cloudrun.OptionError
	require.ErrorAs(t, err, &option)
	var failed *cloudrun.DeployError
	require.True(t, errors.As(err, &failed) && failed.Stage == cloudrun.StageOptions)
	require.Empty(t, s.Requests())
}

// A cluster without Knative, or one that hides whether it has Knative.
func TestClusterThatIsNotOne(t *testing.T) {
	t.Parallel()
	requests := 0
	notFound := testkit.RoundTripper(func(req *http.Request) (*http.Response, error) {
		requests++
		return testkit.Response(req, http.StatusNotFound, "text/plain; charset=utf-8", "404 page not found\n"), nil
	})
	c, err := cloudrun.NewClusterClient(t.Context(), "default", option.WithEndpoint("https://kubernetes.example"), option.WithHTTPClient(&http.Client{Transport: notFound}))
	require.NoError(t, err)
	_, err = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage("i"))
	require.ErrorIs(t, err, cloudrun.ErrNotAPI)
	require.ErrorContains(t, err, "kubernetes.example")
	require.Equal(t, 1, requests)
}
