package cloudrun_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// exportedService has fields that the Knative types do not know or spell differently.
const exportedService = `{"apiVersion":"serving.knative.dev/v1","kind":"Service",
"metadata":{"name":"hello","namespace":"123456789012","generation":3,"resourceVersion":"AAYabc00003","uid":"7d5f2a10-aaaa-4bbb-8ccc-000000000001",
 "selfLink":"/apis/serving.knative.dev/v1/namespaces/123456789012/services/hello","creationTimestamp":"2025-05-01T12:00:00.123456Z",
 "labels":{"cloud.googleapis.com/location":"us-central1","env":"prod"},
 "annotations":{"serving.knative.dev/creator":"dev@example.com","serving.knative.dev/lastModifier":"dev@example.com","run.googleapis.com/client-name":"gcloud",
  "run.googleapis.com/client-version":"520.0.0","run.googleapis.com/ingress":"all","run.googleapis.com/ingress-status":"all","run.googleapis.com/operation-id":"0a1b2c3d",
  "run.googleapis.com/urls":"[\"https://hello-123456789012.us-central1.run.app\"]","run.googleapis.com/description":"yes, no: <on> & off"}},
"spec":{"template":{"metadata":{"labels":{"client.knative.dev/nonce":"qwertyuiop","run.googleapis.com/startupProbeType":"Default"},
  "annotations":{"autoscaling.knative.dev/maxScale":"100","run.googleapis.com/startup-cpu-boost":"true"}},
 "spec":{"containerConcurrency":80,"timeoutSeconds":300,"serviceAccountName":"123456789012-compute@developer.gserviceaccount.com",
  "containers":[{"name":"hello-1","image":"us-docker.pkg.dev/cloudrun/container/hello","sandboxLauncher":true,"ports":[{"name":"http1","containerPort":8080}],
   "env":[{"name":"EMPTY","value":""},{"name":"SECRET","valueFrom":{"secretKeyRef":{"name":"s","key":"1"}}}],
   "resources":{"limits":{"cpu":"1000m","memory":"1024Mi"}},
   "startupProbe":{"timeoutSeconds":240,"periodSeconds":240,"failureThreshold":1,"tcpSocket":{"port":8080}}}]}},
 "traffic":[{"latestRevision":true,"percent":100}]}}`

func TestExportManifest(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	require.NoError(t, s.PutService("demo", "us-central1", json.RawMessage(exportedService)))
	m, err := c.ExportManifest(t.Context(), "hello")
	require.NoError(t, err)
	text, err := m.YAML()
	require.NoError(t, err)
	const golden = "testdata/manifests/exported.yaml"
	if *update {
		require.NoError(t, os.WriteFile(golden, text, 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(text))

	s.ResetRequests()
	read := mustParseManifest(t, string(text))
	r, err := cloudrun.NewDeployer(c).ReplaceManifest(t.Context(), read)
	require.NoError(t, err)
	require.Equal(t, cloudrun.Unchanged, r.Action)
	require.Len(t, s.Requests(), 1)
	require.Empty(t, s.History())

	_, err = c.ExportManifest(t.Context(), "missing")
	require.True(t, apierrors.IsNotFound(err))
	require.ErrorContains(t, err, "export service")
	_, err = c.ExportManifest(t.Context(), "../x")
	require.Error(t, err)
}

// TestExportManifestElsewhere checks that a Service made from an export keeps unknown fields and spellings.
func TestExportManifestElsewhere(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		require.NoError(t, s.PutService("demo", "us-central1", json.RawMessage(exportedService)))
		m, err := c.ExportManifest(t.Context(), "hello")
		require.NoError(t, err)
		_, target := newServer(t)
		_, err = cloudrun.NewDeployer(target).ReplaceManifest(t.Context(), m)
		require.NoError(t, err)
		again, err := target.ExportManifest(t.Context(), "hello")
		require.NoError(t, err)
		for _, kept := range []string{`"sandboxLauncher":true`, `"cpu":"1000m"`, `"memory":"1024Mi"`, `"env":"prod"`, `{"name":"EMPTY","value":""}`} {
			require.Contains(t, string(again.JSON()), kept)
		}
	})
}

// TestExportManifestAsGcloud compares the export with that of the installed gcloud.
func TestExportManifestAsGcloud(t *testing.T) {
	if _, err := exec.LookPath("gcloud"); err != nil {
		t.Skip("gcloud is not installed: its export is not compared")
	}
	if testing.Short() {
		t.Skip("gcloud takes seconds: not run with -short")
	}
	t.Parallel()
	s := cloudruntest.NewServer()
	t.Cleanup(s.Close)
	known := []byte(exportedService)
	require.NoError(t, s.PutService("demo", "us-central1", known))
	cmd := exec.CommandContext(t.Context(), "gcloud", "run", "services", "describe", "hello", "--format=export", "--project=demo", "--region=us-central1")
	cmd.Env = append(append(os.Environ(), s.Environ()...), "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_CORE_DISABLE_PROMPTS=1")
	out, err := cmd.Output()
	require.NoError(t, err)
	theirs := mustParseManifest(t, string(out))

	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", s.ClientOptions()...)
	require.NoError(t, err)
	ours, err := c.ExportManifest(t.Context(), "hello")
	require.NoError(t, err)
	require.JSONEq(t, string(ours.JSON()), string(theirs.JSON()))
}
