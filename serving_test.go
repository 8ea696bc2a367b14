package cloudrun_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// A call that makes a Revision returns when the Revision has its traffic and its tag.
func TestCallsWaitUntilTheNewRevisionServes(t *testing.T) {
	t.Parallel()
	const lag = 20 * time.Second
	for name, tc := range map[string]struct {
		do      func(context.Context, *cloudrun.Deployer) (*cloudrun.Result, error)
		waits   bool
		percent int64
		tag     string
	}{
		"Deploy": {func(ctx context.Context, d *cloudrun.Deployer) (*cloudrun.Result, error) {
			return d.Deploy(ctx, "hello", cloudrun.WithRevisionSuffix("v2"))
		}, true, 100, ""},
		"Deploy with a tag and without traffic": {func(ctx context.Context, d *cloudrun.Deployer) (*cloudrun.Result, error) {
			return d.Deploy(ctx, "hello", cloudrun.WithRevisionSuffix("v2"), cloudrun.WithNoTraffic(), cloudrun.WithTag("next"))
		}, true, 0, "next"},
		"Deploy without traffic": {func(ctx context.Context, d *cloudrun.Deployer) (*cloudrun.Result, error) {
			return d.Deploy(ctx, "hello", cloudrun.WithRevisionSuffix("v2"), cloudrun.WithNoTraffic())
		}, false, 0, ""},
		"Apply": {func(ctx context.Context, d *cloudrun.Deployer) (*cloudrun.Result, error) {
			p, err := d.Plan(ctx, "hello", cloudrun.WithRevisionSuffix("v2"))
			if err != nil {
				return nil, err
			}
			return d.Apply(ctx, p)
		}, true, 100, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
				_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v1"))
				require.NoError(t, err)
				s.Script("hello", cloudruntest.Script{RouteLag: lag})
				start := time.Now()
				r, err := tc.do(t.Context(), d)
				require.NoError(t, err)
				require.Equal(t, tc.waits, time.Since(start) >= lag, "it took %v", time.Since(start))
				require.Equal(t, "hello-v2", r.Revision)
				require.Equal(t, tc.percent, r.Percent)
				require.Equal(t, tc.tag != "", r.TagURLs[tc.tag] != "")
				require.Empty(t, r.Warnings)
			})
		})
	}
}

// WaitReady waits for readiness only.
func TestWaitReadyDoesNotWaitForTraffic(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		s.Script("hello", cloudruntest.Script{RouteLag: time.Hour})
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.Async())
		require.NoError(t, err)
		start := time.Now()
		_, err = cloudrun.WaitReady(t.Context(), c, "hello")
		require.NoError(t, err)
		require.Less(t, time.Since(start), time.Minute)
	})
}

const (
	clientName    = "run.googleapis.com/client-name"
	clientVersion = "run.googleapis.com/client-version"
)

// Each write names its client and replaces the name of an earlier one.
func TestCallsSignWhatTheyWrite(t *testing.T) {
	t.Parallel()
	named := cloudrun.WithClient("mytool", "1.2")
	for name, tc := range map[string]struct {
		do                func(context.Context, *cloudrun.Deployer) error
		service, template [2]string // name and version
	}{
		"Deploy": {func(ctx context.Context, d *cloudrun.Deployer) error {
			_, err := d.Deploy(ctx, "hello", cloudrun.WithEnv("A", "1"))
			return err
		}, [2]string{"cloudrun-go", ""}, [2]string{"cloudrun-go", ""}},
		"Deploy of another program": {func(ctx context.Context, d *cloudrun.Deployer) error {
			_, err := d.Deploy(ctx, "hello", cloudrun.WithEnv("A", "1"), named)
			return err
		}, [2]string{"mytool", "1.2"}, [2]string{"mytool", "1.2"}},
		"Deploy without a new Revision": {func(ctx context.Context, d *cloudrun.Deployer) error {
			_, err := d.Deploy(ctx, "hello", cloudrun.WithDescription("x"), named)
			return err
		}, [2]string{"mytool", "1.2"}, [2]string{"gcloud", "528.0.0"}},
		"UpdateTraffic": {func(ctx context.Context, d *cloudrun.Deployer) error {
			_, err := d.UpdateTraffic(ctx, "hello", cloudrun.WithTagOn("x", cloudrun.Latest))
			return err
		}, [2]string{"gcloud", "528.0.0"}, [2]string{"gcloud", "528.0.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				require.NoError(t, s.PutService("demo", "us-central1", []byte(`{"apiVersion": "serving.knative.dev/v1", "kind": "Service",
					"metadata": {"name": "hello", "namespace": "demo", "annotations": {"`+clientName+`": "gcloud", "`+clientVersion+`": "528.0.0"}},
					"spec": {"template": {"metadata": {"annotations": {"`+clientName+`": "gcloud", "`+clientVersion+`": "528.0.0"}},
						"spec": {"containers": [{"image": "`+image+`"}]}}}}`)))
				require.NoError(t, tc.do(t.Context(), cloudrun.NewDeployer(c)))
				got, err := c.GetService(t.Context(), "hello")
				require.NoError(t, err)
				require.Equal(t, tc.service, [2]string{got.Annotations[clientName], got.Annotations[clientVersion]})
				template := got.Spec.Template.Annotations
				require.Equal(t, tc.template, [2]string{template[clientName], template[clientVersion]})
			})
		})
	}
}

// Equivalent traffic is not written again.
func TestUpdateTrafficKeepsItsForm(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		threeRevisions(t, d)
		half := int64(50)
		_, err := c.UpdateService(t.Context(), "hello", func(s *servingv1.Service) error {
			s.Spec.Traffic = []servingv1.TrafficTarget{{RevisionName: "hello-v1", Percent: &half, Tag: "a"}, {RevisionName: "hello-v1", Percent: &half, Tag: "b"}}
			return nil
		})
		require.NoError(t, err)
		s.ResetHistory()
		r, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-v1", 100))
		require.NoError(t, err)
		require.Equal(t, cloudrun.Unchanged, r.Action)
		require.Empty(t, s.History())
	})
}

// Rollback goes to a Revision older than the one with the most traffic.
func TestRollbackFindsItsRevision(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		split map[string]int
		want  string
	}{
		"from the newest":     {map[string]int{"hello-v3": 100}, "hello-v2"},
		"from an older one":   {map[string]int{"hello-v2": 100}, "hello-v1"},
		"from most":           {map[string]int{"hello-v3": 10, "hello-v2": 90}, "hello-v1"},
		"from most, if newer": {map[string]int{"hello-v3": 60, "hello-v1": 40}, "hello-v2"},
		"from the oldest":     {map[string]int{"hello-v1": 100}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				_, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				threeRevisions(t, d)
				var opts []cloudrun.TrafficOption
				for revision, percent := range tc.split {
					opts = append(opts, cloudrun.ToRevision(revision, percent))
				}
				_, err := d.UpdateTraffic(t.Context(), "hello", opts...)
				require.NoError(t, err)
				r, err := d.Rollback(t.Context(), "hello")
				if tc.want == "" {
					require.ErrorIs(t, err, cloudrun.ErrNothingToRollBackTo)
					require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
					return
				}
				require.NoError(t, err)
				require.Equal(t, tc.want, r.Revision)
			})
		})
	}
}

func TestRollbackThatFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault cloudruntest.Fault
		opts  []cloudrun.RollbackOption
		stage cloudrun.Stage
	}{
		"to be written":              {cloudruntest.Fault{Method: http.MethodPut, Status: 403}, nil, cloudrun.StageWrite},
		"to find a Revision":         {cloudruntest.Fault{Method: http.MethodGet, Path: "/revisions", Status: 403}, nil, cloudrun.StageRead},
		"to read the Service":        {cloudruntest.Fault{Method: http.MethodGet, Path: "/services", Status: 403}, nil, cloudrun.StageRead},
		"to be previewed":            {cloudruntest.Fault{Method: http.MethodGet, Path: "/services", Status: 403}, []cloudrun.RollbackOption{cloudrun.RollbackTo("hello-v1"), cloudrun.DryRun()}, cloudrun.StageRead},
		"to have something to go to": {cloudruntest.Fault{}, []cloudrun.RollbackOption{cloudrun.RollbackToTraffic(nil)}, cloudrun.StageOptions},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				threeRevisions(t, d)
				s.ResetHistory()
				if tc.fault.Status != 0 {
					s.Fault(tc.fault)
				}
				r, err := d.Rollback(t.Context(), "hello", tc.opts...)
				require.Nil(t, r)
				var failed *cloudrun.DeployError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, tc.stage, failed.Stage)
				require.Equal(t, cloudrun.NotWritten, failed.Outcome)
				require.Empty(t, s.History())
			})
		})
	}
}

// If LATEST still means the same Revision, Rollback restores it as LATEST.
func TestRollbackToTrafficOfLatest(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		threeRevisions(t, d)
		moved, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-v1", 100))
		require.NoError(t, err)
		r, err := d.Rollback(t.Context(), "hello", cloudrun.RollbackToTraffic(moved.PreviousTraffic))
		require.NoError(t, err)
		require.Equal(t, `[{"r":"LATEST","p":100}]`, trafficOf(t, r.Traffic))
		require.Empty(t, r.Traffic[0].RevisionName)
	})
}

// revisionsOf stores a Service and Revisions that no sequence of calls makes.
func revisionsOf(t *testing.T, status, traffic string) *cloudrun.Deployer {
	t.Helper()
	s, c := newServer(t)
	threeRevisions(t, cloudrun.NewDeployer(c))
	raw := `{"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "hello", "namespace": "demo", "generation": 3},
		"spec": {"template": {"metadata": {"name": "hello-v2"}, "spec": {"containers": [{"image": "` + image + `"}]}}, "traffic": ` + traffic + `},
		"status": {"observedGeneration": 3, ` + status + `"conditions": [{"type": "Ready", "status": "True"}]}}`
	s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: "/services/hello", Times: -1, Body: raw})
	return cloudrun.NewDeployer(c)
}

func TestRevisionsInUse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status, traffic string
		revision, use   string
	}{
		"by the template's name":     {``, `[]`, "hello-v2", "it is the service's latest revision"},
		"as the latest created":      {`"latestCreatedRevisionName": "hello-v1", `, `[]`, "hello-v1", "it is the service's latest revision"},
		"as the latest ready":        {`"latestReadyRevisionName": "hello-v1", `, `[]`, "hello-v1", "it is the service's latest ready revision"},
		"through LATEST":             {`"latestReadyRevisionName": "hello-v1", `, `[{"latestRevision": true, "percent": 7}]`, "hello-v1", "it serves 7 % of the traffic"},
		"by its name, not as LATEST": {`"latestReadyRevisionName": "hello-v1", `, `[{"latestRevision": false, "revisionName": "hello-v3", "percent": 7}]`, "hello-v3", "it serves 7 % of the traffic"},
		"by what is observed":        {`"traffic": [{"revisionName": "hello-v3", "percent": 5}], `, `[]`, "hello-v3", "it serves 5 % of the traffic"},
		"by tags":                    {``, `[{"revisionName": "hello-v3", "tag": "b"}, {"revisionName": "hello-v3", "tag": "a"}]`, "hello-v3", "it is tagged a, b"},
		"not at all":                 {`"latestReadyRevisionName": "hello-v1", `, `[{"latestRevision": true, "percent": 100}]`, "hello-v3", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				d := revisionsOf(t, tc.status, tc.traffic)
				all, err := d.Revisions(t.Context(), "hello")
				require.NoError(t, err)
				require.Equal(t, []string{"hello-v3", "hello-v2", "hello-v1"}, []string{all[0].Name, all[1].Name, all[2].Name}, "the newest first")
				for _, r := range all {
					if r.Name == tc.revision {
						require.Equal(t, tc.use, r.InUse())
					}
				}
				if tc.use != "" {
					require.ErrorContains(t, d.DeleteRevision(t.Context(), "hello", tc.revision), tc.use)
				}
			})
		})
	}
}

// RevisionInfo describes the ingress container of a Revision and why it is not ready.
func TestRevisionsTellWhatTheyRun(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Reason: "HealthCheckContainerError", Message: "It did not start."}})
		d := cloudrun.NewDeployer(c)
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithContainer("proxy", cloudrun.WithImage("gcr.io/p/proxy")), cloudrun.WithContainer("app", cloudrun.WithImage(image), cloudrun.WithPort(8080)))
		require.Error(t, err)
		all, err := d.Revisions(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, image, all[0].Image)
		require.False(t, all[0].Ready)
		require.Equal(t, "HealthCheckContainerError", all[0].Reason)
		require.Contains(t, all[0].Message, "It did not start.")
	})
}

func TestRevisionsThatCannotBeRead(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		threeRevisions(t, d)
		forbid := func(path string) {
			s.ClearFaults()
			s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: path, Times: -1, Status: 403})
		}
		for _, path := range []string{"/revisions", "/services"} {
			forbid(path)
			_, err := d.Revisions(t.Context(), "hello")
			require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
			_, err = d.PruneRevisions(t.Context(), "hello", 1)
			require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
		}
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, d.DeleteRevision(t.Context(), "hello", "hello-v1")))
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, d.DeleteRevision(t.Context(), "No/Name", "hello-v1")))
		s.ClearFaults()
		require.Len(t, s.Revisions("demo", "hello"), 3)

		ctx, cancel := context.WithCancel(t.Context())
		s.Fault(cloudruntest.Fault{Method: http.MethodDelete, Match: func(*http.Request) bool { cancel(); return false }})
		_, err := d.PruneRevisions(ctx, "hello", 1)
		require.ErrorIs(t, err, context.Canceled)
	})
}
