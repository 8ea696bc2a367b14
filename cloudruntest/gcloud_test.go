package cloudruntest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// gcloud is the installed gcloud, pointed at a server.
type gcloud struct {
	t   *testing.T
	s   *cloudruntest.Server
	env []string
	dir string
}

func newGcloud(t *testing.T, opts ...cloudruntest.Option) *gcloud {
	if _, err := exec.LookPath("gcloud"); err != nil {
		t.Skip("gcloud is not installed: its commands are not tried")
	}
	if testing.Short() {
		t.Skip("gcloud takes seconds a command: not tried with -short")
	}
	t.Parallel()
	s := cloudruntest.NewServer(opts...)
	t.Cleanup(s.Close)
	g := &gcloud{t: t, s: s, dir: t.TempDir()}
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "CLOUDSDK_") && !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			g.env = append(g.env, e)
		}
	}
	g.env = append(g.env, s.Environ()...)
	g.env = append(g.env, "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_CORE_PROJECT=demo", "CLOUDSDK_RUN_REGION=us-central1",
		"CLOUDSDK_CORE_DISABLE_PROMPTS=1", "CLOUDSDK_CORE_DISABLE_FILE_LOGGING=1")
	return g
}

// try runs gcloud and returns its exit code and its output.
func (g *gcloud) try(args ...string) (code int, stdout, stderr string) {
	g.t.Helper()
	cmd := exec.CommandContext(g.t.Context(), "gcloud", args...)
	var out, errOut bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = g.env, g.dir, &out, &errOut
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(g.t, err)
	}
	plain := regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]") // gcloud colors its output even here
	return cmd.ProcessState.ExitCode(), plain.ReplaceAllString(out.String(), ""), plain.ReplaceAllString(errOut.String(), "")
}

// run runs a command that must succeed and print a text. It returns the standard output.
func (g *gcloud) run(want string, args ...string) string {
	g.t.Helper()
	code, stdout, stderr := g.try(args...)
	require.Zero(g.t, code, "gcloud %s\n%s", strings.Join(args, " "), stderr)
	require.Contains(g.t, stdout+stderr, want)
	return stdout
}

// fail runs a command that must fail with a text in its error.
func (g *gcloud) fail(want string, args ...string) {
	g.t.Helper()
	code, stdout, stderr := g.try(args...)
	require.Equal(g.t, 1, code, "gcloud %s\n%s", strings.Join(args, " "), stdout)
	require.Contains(g.t, stderr, want)
	require.NotContains(g.t, stderr, "crashed")
}

func (g *gcloud) service(name string) object {
	g.t.Helper()
	raw, ok := g.s.Service("demo", name)
	require.True(g.t, ok)
	var o object
	require.NoError(g.t, json.Unmarshal(raw, &o))
	return o
}

func TestGcloudDeploys(t *testing.T) {
	g := newGcloud(t, cloudruntest.WithTimeToReady(500*time.Millisecond))
	g.run("has been deployed and is serving 100 percent of traffic", "run", "deploy", "hello", "--image="+image, "--allow-unauthenticated", "--set-env-vars=A=1")
	url := dig(g.service("hello"), "status", "url").(string)
	resp, err := g.s.Client().Get(url)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)

	g.run("has been deployed and is serving 100 percent of traffic", "run", "deploy", "hello", "--image="+image, "--memory=1Gi")
	first := dig(g.service("hello"), "status", "latestReadyRevisionName").(string)
	g.run("can be reached directly at http://127.0.0.1:", "run", "deploy", "hello", "--image="+image, "--no-traffic", "--tag=green")
	traffic := dig(g.service("hello"), "status", "traffic")
	require.Equal(t, first, dig(traffic, 0, "revisionName"))
	require.Equal(t, "green", dig(traffic, 1, "tag"))
	g.run("is deploying", "run", "deploy", "hello", "--image="+image, "--async")

	g.s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "It did not start."}})
	g.fail("It did not start.", "run", "deploy", "hello", "--image="+image)
	require.Equal(t, first, dig(g.service("hello"), "status", "traffic", 0, "revisionName"))
	g.fail("The provided region was invalid", "run", "deploy", "hello", "--image="+image, "--region=mars-north1", "--no-allow-unauthenticated")
	g.fail("Minimum memory is 128Mi", "run", "deploy", "hello", "--image="+image, "--memory=1Mi")
	g.run("SERVICE", "run", "services", "list")
	g.run("us-central1", "run", "regions", "list")
}

func TestGcloudServices(t *testing.T) {
	g := newGcloud(t)
	g.run("has been deployed", "run", "deploy", "hello", "--image="+image, "--no-allow-unauthenticated")
	first := dig(g.service("hello"), "status", "latestReadyRevisionName").(string)
	g.run("has been deployed", "run", "services", "update", "hello", "--update-env-vars=A=1")
	second := dig(g.service("hello"), "status", "latestReadyRevisionName").(string)
	require.NotEqual(t, first, second)
	require.Contains(t, dig(g.service("hello"), "spec", "template", "spec", "containers", 0, "image"), "@sha256:", "update pins the image")

	g.run("90% "+second, "run", "services", "update-traffic", "hello", "--to-revisions="+first+"=10,"+second+"=90")
	exported := g.run("kind: Service", "run", "services", "describe", "hello", "--format=export")
	require.NoError(t, os.WriteFile(filepath.Join(g.dir, "service.yaml"), []byte(exported), 0o600))
	before := g.service("hello")
	g.run("has been applied to service [hello]", "run", "services", "replace", "service.yaml")
	require.Equal(t, dig(before, "status", "traffic"), dig(g.service("hello"), "status", "traffic"))
	g.run("100% LATEST", "run", "services", "update-traffic", "hello", "--to-latest")

	g.run(first, "run", "revisions", "list", "--service=hello")
	g.run("containers", "run", "revisions", "describe", first, "--format=yaml")
	g.run("Deleted revision", "run", "revisions", "delete", first)
	g.fail("cannot be deleted", "run", "revisions", "delete", second)

	g.run("allUsers", "run", "services", "add-iam-policy-binding", "hello", "--member=allUsers", "--role=roles/run.invoker")
	g.run("allUsers", "run", "services", "get-iam-policy", "hello")
	g.run("Updated IAM policy", "run", "services", "remove-iam-policy-binding", "hello", "--member=allUsers", "--role=roles/run.invoker")
	g.s.ForbidAllUsers(true)
	g.fail("permitted customer", "run", "services", "add-iam-policy-binding", "hello", "--member=allUsers", "--role=roles/run.invoker")

	g.run("Deleted service", "run", "services", "delete", "hello")
	g.fail("Cannot find service", "run", "services", "describe", "hello")
}
