package cloudruntest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// kubectl is the installed kubectl, pointed at a cluster.
type kubectl struct {
	t    *testing.T
	args []string
	dir  string
}

func newKubectl(t *testing.T, s *cloudruntest.Server) kubectl {
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("kubectl is not installed: its commands are not tried")
	}
	dir := t.TempDir()
	return kubectl{t, []string{"--server=" + s.URL, "--namespace=demo", "--kubeconfig=/dev/null", "--cache-dir=" + dir, "--request-timeout=30s"}, dir}
}

func (k kubectl) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.CommandContext(k.t.Context(), "kubectl", append(args, k.args...)...)
	out := &bytes.Buffer{}
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = append(cmd.Env, "HOME="+k.dir), k.dir, out, out
	return cmd, out
}

// run runs a command that must print a text, and succeed unless it is about an error.
func (k kubectl) run(want string, args ...string) string {
	k.t.Helper()
	cmd, out := k.command(args...)
	err := cmd.Run()
	require.Equal(k.t, strings.HasPrefix(want, "Error"), err != nil, out)
	require.Contains(k.t, out.String(), want)
	return out.String()
}

// write writes a manifest with an image.
func (k kubectl) write(name, image string) {
	text := strings.ReplaceAll("apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata:\n  name: hello\nspec:\n  template:\n    spec:\n      containers:\n      - image: IMAGE\n", "IMAGE", image)
	require.NoError(k.t, os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o600))
}

func TestKubectl(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer(cloudruntest.Cluster(), cloudruntest.WithTimeToReady(300*time.Millisecond))
	t.Cleanup(s.Close)
	k := newKubectl(t, s)
	k.write("one.yaml", "gcr.io/cloudrun/one")
	k.write("two.yaml", "gcr.io/cloudrun/two")
	k.write("bad.yaml", "gcr.io/cloudrun/two\n        imagine: 1")
	k.run("No resources found", "get", "ksvc")
	k.run(`Error from server (NotFound): services.serving.knative.dev "hello" not found`, "get", "ksvc", "hello")
	k.run("service.serving.knative.dev/hello created", "apply", "-f", "one.yaml")
	watching, seen := k.command("get", "kservice", "hello", "--watch")
	require.NoError(t, watching.Start())
	k.run("hello condition met", "wait", "--for=condition=Ready", "ksvc/hello", "--timeout=20s")
	k.run("service.serving.knative.dev/hello configured", "apply", "-f", "two.yaml")
	k.run("Error from server (BadRequest)", "apply", "-f", "bad.yaml")
	k.run("hello condition met", "wait", "--for=jsonpath={.status.latestReadyRevisionName}=hello-00002", "ksvc/hello", "--timeout=20s")
	text := k.run("hello-00002", "get", "ksvc")
	require.Regexp(t, `^NAME +URL +LATESTCREATED +LATESTREADY +READY +REASON\nhello +http\S+ +hello-00002 +hello-00002 +`, text)
	k.run("hello-00001", "get", "rev")
	k.run("gcr.io/cloudrun/two", "get", "service.serving.knative.dev", "hello", "-o", "yaml")
	k.run(`"hello" deleted`, "delete", "ksvc", "hello")
	k.run("No resources found", "get", "ksvc")

	require.NoError(t, watching.Process.Signal(os.Interrupt))
	_ = watching.Wait()
	require.Equal(t, 1, strings.Count(seen.String(), "LATESTCREATED"), seen)
	require.Regexp(t, `(?s)hello-00001 +hello-00001 +True.*hello-00002 +hello-00001 +Unknown.*hello-00002 +hello-00002 +`, seen.String())
}
