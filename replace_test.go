package cloudrun_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// replaceCase is a recorded run of gcloud run services replace.
type replaceCase struct {
	Command []string
	Before  json.RawMessage
	File    string
	Exit    int
	Writes  []struct {
		Method string
		Query  map[string]string
		Body   map[string]any
	}
}

func replaceCases(t testing.TB) map[string]replaceCase {
	t.Helper()
	files, err := filepath.Glob("testdata/manifests/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]replaceCase{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var tc replaceCase
		require.NoError(t, json.Unmarshal(raw, &tc), file)
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = tc
	}
	return all
}

// run makes the call that corresponds to the recorded command.
func (tc replaceCase) run(t *testing.T, s *cloudruntest.Server) (*cloudrun.Result, error) {
	region := "us-central1"
	if !slices.Contains(tc.Command, "--region=us-central1") {
		region = "europe-west1"
	}
	c, err := cloudrun.NewClient(t.Context(), "demo", region, s.ClientOptions()...)
	require.NoError(t, err)
	m, err := cloudrun.ParseManifest([]byte(tc.File))
	if err != nil {
		return nil, err
	}
	if tc.Command[0] == "beta" {
		m, err = m.With(cloudrun.WithLaunchStage("BETA"))
		require.NoError(t, err)
	}
	d := cloudrun.NewDeployer(c, cloudrun.WithPublicAccess(), cloudrun.WithEnv("NOT", "wanted"))
	switch {
	case slices.Contains(tc.Command, "--dry-run"):
		return d.ReplaceManifest(t.Context(), m, cloudrun.DryRun())
	case slices.Contains(tc.Command, "--async"):
		return d.ReplaceManifest(t.Context(), m, cloudrun.Async())
	}
	return d.ReplaceManifest(t.Context(), m)
}

// replaceWrites returns the requests other than reads and waits.
func replaceWrites(s *cloudruntest.Server) (writes []cloudruntest.Request) {
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, ":wait") {
			writes = append(writes, r)
		}
	}
	return writes
}

// sentService returns a Service from a request, without the fields that have no effect there.
func sentService(t *testing.T, body map[string]any) string {
	t.Helper()
	meta := body["metadata"].(map[string]any)
	for _, k := range []string{"uid", "generation", "selfLink", "creationTimestamp"} {
		delete(meta, k)
	}
	if labels, ok := meta["labels"].(map[string]any); ok && len(labels) == 0 {
		delete(meta, "labels")
	}
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	return string(raw)
}

// TestReplaceSendsWhatGcloudSends compares the requests with recorded ones.
func TestReplaceSendsWhatGcloudSends(t *testing.T) {
	t.Parallel()
	for name, tc := range replaceCases(t) {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				s, _ := newServer(t)
				if string(tc.Before) != "null" {
					require.NoError(t, s.PutService("demo", "us-central1", tc.Before))
				}
				result, err := tc.run(t, s)
				if tc.Exit != 0 {
					require.NotEmpty(t, manifestProblems(t, err))
					require.Empty(t, s.Requests())
					return
				}
				require.NoError(t, err)
				if name == "exported-with-status" { // gcloud writes even without a change
					require.Equal(t, cloudrun.Unchanged, result.Action)
					require.Len(t, s.Requests(), 1)
					return
				}
				writes := replaceWrites(s)
				require.Len(t, writes, len(tc.Writes))
				for i, want := range tc.Writes {
					require.Equal(t, want.Method, writes[i].Method)
					require.Equal(t, want.Query["dryRun"], writes[i].Query.Get("dryRun"))
					var sent map[string]any
					require.NoError(t, json.Unmarshal(writes[i].Body, &sent))
					require.JSONEq(t, sentService(t, want.Body), sentService(t, sent))
				}
			})
		})
	}
}

func mustParseManifest(t *testing.T, text string) *cloudrun.Manifest {
	t.Helper()
	m, err := cloudrun.ParseManifest([]byte(text))
	require.NoError(t, err)
	return m
}

func TestReplaceReportsWhatItDid(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		m := mustParseManifest(t, manifestContainer("        env: [{name: A, value: a}]\n"))
		replace := func(m *cloudrun.Manifest, action cloudrun.Action, writes int) *cloudrun.Result {
			t.Helper()
			s.ResetRequests()
			r, err := d.ReplaceManifest(t.Context(), m)
			require.NoError(t, err)
			require.Equal(t, action, r.Action)
			require.Len(t, replaceWrites(s), writes)
			return r
		}
		first := replace(m, cloudrun.Created, 1)
		require.Equal(t, "True", string(first.Service.Status.GetCondition("Ready").Status))
		require.NotEmpty(t, first.URL)
		second := replace(m, cloudrun.Unchanged, 1) // the manifest lacks the server's defaults
		require.Equal(t, first.Revision, second.Revision)

		exported, err := c.ExportManifest(t.Context(), "hello")
		require.NoError(t, err)
		replace(exported, cloudrun.Unchanged, 0)

		labelled, err := m.With(cloudrun.WithServiceMinInstances(1))
		require.NoError(t, err)
		replace(labelled, cloudrun.Updated, 1)
		require.Len(t, s.Revisions("demo", "hello"), 1)
		changed, err := m.With(cloudrun.WithEnv("A", "b"))
		require.NoError(t, err)
		r := replace(changed, cloudrun.Updated, 1)
		require.Equal(t, []string{"the annotation run.googleapis.com/minScale (1) is removed: it is not in the manifest"}, r.Warnings)
		require.Len(t, s.Revisions("demo", "hello"), 2)
	})
}

// TestReplaceWarnsOfPinnedTraffic covers a manifest with a new image and the traffic of an older export.
func TestReplaceWarnsOfPinnedTraffic(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		first, err := d.ReplaceManifest(t.Context(), mustParseManifest(t, manifestSpec("")))
		require.NoError(t, err)
		pinned := mustParseManifest(t, manifestText("", "        args: [a]\n", "  traffic: [{revisionName: "+first.Revision+", percent: 100}]\n"))
		var told []string
		r, err := d.ReplaceManifest(t.Context(), pinned, cloudrun.WithProgress(func(e cloudrun.Event) {
			if e.Kind == cloudrun.Warned {
				told = append(told, e.Message)
			}
		}))
		require.NoError(t, err)
		require.Len(t, r.Warnings, 1)
		require.Contains(t, r.Warnings[0], "gets no traffic, which is pinned to "+first.Revision+"=100")
		require.Equal(t, r.Warnings, told)
		r, err = d.ReplaceManifest(t.Context(), pinned)
		require.NoError(t, err)
		require.Empty(t, r.Warnings, "nothing is new")
	})
}

func TestReplaceWarnsOfAnnotationsWithoutEffect(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		m := mustParseManifest(t, `{"apiVersion": "serving.knative.dev/v1", "kind": "Service",
			"metadata": {"name": "hello", "annotations": {"autoscaling.knative.dev/maxScale": "3", "run.googleapis.com/ingres": "all", "run.googleapis.com/new": "x", "mine/ingres": "x"}},
			"spec": {"template": {"metadata": {"annotations": {"run.googleapis.com/ingress": "internal"}}, "spec": {"containers": [{"image": "img"}]}}}}`)
		r, err := cloudrun.NewDeployer(c).ReplaceManifest(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, []string{
			"the annotation autoscaling.knative.dev/maxScale has no effect in metadata: move it to spec.template.metadata",
			"unknown annotation run.googleapis.com/ingres in metadata: did you mean run.googleapis.com/ingress?",
			"the annotation run.googleapis.com/ingress has no effect in spec.template.metadata: move it to metadata",
		}, r.Warnings)
	})
}

func TestReplaceRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		metadata, problem string
		existing          bool
	}{
		"another region":             {"  labels: {cloud.googleapis.com/location: europe-west1}\n", `manifest: metadata.labels[cloud.googleapis.com/location]: got "europe-west1", but the client is for "us-central1": remove the label, or create a client for that region`, false},
		"another project":            {"  namespace: other\n", `manifest: metadata.namespace: got "other", but the client is for "demo": remove it, or change it to that`, false},
		"the number of another one":  {"  namespace: 99999\n", `manifest: metadata.namespace: got "99999", but the number of the client's project is "123456789012"`, true},
		"both":                       {"  namespace: other\n  labels: {cloud.googleapis.com/location: europe-west1}\n", "metadata.namespace", false},
		"a name that is none":        {"  name: Hello\n", "duplicate key", false},
		"a number for a new Service": {"  namespace: 123456789012\n", "", false},
		"the number":                 {"  namespace: \"123456789012\"\n", "", true},
		"the project":                {"  namespace: demo\n", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				if tc.existing {
					_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
					require.NoError(t, err)
				}
				s.ResetRequests()
				m, err := cloudrun.ParseManifest([]byte(manifestMetadata(tc.metadata)))
				if err == nil {
					_, err = d.ReplaceManifest(t.Context(), m)
				}
				if tc.problem == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, tc.problem)
				require.NotEmpty(t, manifestProblems(t, err))
				require.Empty(t, replaceWrites(s))
			})
		})
	}
}

func TestReplaceOfNothing(t *testing.T) {
	t.Parallel()
	_, c := newServer(t)
	for _, d := range []*cloudrun.Deployer{cloudrun.NewDeployer(c), cloudrun.NewDeployer(nil)} {
		for _, s := range []*servingv1.Service{nil, {}, {Spec: servingv1.ServiceSpec{}}} {
			_, err := d.Replace(t.Context(), s)
			var failed *cloudrun.DeployError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, cloudrun.StageOptions, failed.Stage)
		}
		for _, m := range []*cloudrun.Manifest{nil, {}} {
			_, err := d.ReplaceManifest(t.Context(), m)
			require.ErrorContains(t, err, "ParseManifest")
			_, err = d.ReplaceManifest(t.Context(), m, cloudrun.DryRun())
			require.ErrorContains(t, err, "ParseManifest")
		}
	}
	_, err := cloudrun.NewDeployer(nil).ReplaceManifest(t.Context(), mustParseManifest(t, manifestSpec("")))
	require.ErrorContains(t, err, "no client")
}

// TestReplaceTyped checks that fields added by encoding the Knative types are not sent.
func TestReplaceTyped(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		service, err := cloudrun.NewService("hello", cloudrun.WithImage("img"))
		require.NoError(t, err)
		service.Status.URL = nil
		service.Status.LatestCreatedRevisionName = "dropped"
		service.ResourceVersion, service.UID, service.Generation = "1", "2", 3
		service.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"memory": resource.MustParse("1Gi")}
		r, err := cloudrun.NewDeployer(c).Replace(t.Context(), service)
		require.NoError(t, err)
		require.Equal(t, cloudrun.Created, r.Action)
		require.Equal(t, "dropped", service.Status.LatestCreatedRevisionName)
		body := string(replaceWrites(s)[0].Body)
		for _, absent := range []string{"status", "null", `"resourceVersion"`, `"uid"`, `"generation"`, "dropped"} {
			require.NotContains(t, body, absent)
		}
		require.Contains(t, body, `"limits":{"memory":"1Gi"}`)
	})
}

// TestReplaceOnCluster covers Knative's own API server, which requires the creator and has no region.
func TestReplaceOnCluster(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.Cluster())
		t.Cleanup(s.Close)
		c, err := cloudrun.NewClusterClient(t.Context(), "demo", s.ClientOptions()...)
		require.NoError(t, err)
		d := cloudrun.NewDeployer(c)
		for _, text := range []string{"", "        args: [a]\n"} {
			_, err = d.ReplaceManifest(t.Context(), mustParseManifest(t, manifestContainer(text)))
			require.NoError(t, err)
		}
		exported, err := c.ExportManifest(t.Context(), "hello")
		require.NoError(t, err)
		r, err := d.ReplaceManifest(t.Context(), exported)
		require.NoError(t, err)
		require.Equal(t, cloudrun.Unchanged, r.Action)
		_, err = d.ReplaceManifest(t.Context(), mustParseManifest(t, manifestMetadata("  namespace: 99\n")))
		require.ErrorContains(t, err, `the client is for "demo"`)
	})
}

func TestDryRunOfAManifestWritesNothing(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		r, err := d.ReplaceManifest(t.Context(), mustParseManifest(t, manifestSpec("")), cloudrun.DryRun())
		require.NoError(t, err)
		require.Equal(t, cloudrun.Created, r.Action)
		require.NotNil(t, r.Service.Spec.Template.Spec.TimeoutSeconds, "a default of the server")
		require.Empty(t, s.History())
		_, err = d.ReplaceManifest(t.Context(), mustParseManifest(t, manifestContainer("        ports: [{containerPort: 70000}]\n")), cloudrun.DryRun())
		var refused *cloudrun.APIError
		require.ErrorAs(t, err, &refused)
	})
}
