package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain lets a test run this program as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("EMULATOR_TEST_MAIN") != "" {
		main()
		os.Exit(0)
	}
	if labels, ok := os.LookupEnv("EMULATOR_TEST_LABELS"); ok {
		create(labels)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// create creates Services with labels on the emulator of the environment, and prints the responses.
func create(labels string) {
	for i := range 20 {
		body := fmt.Sprintf(`{"metadata": {"name": "a%d", "labels": {%s}}, "spec": {"template": {"spec": {"containers": [{"image": "img"}]}}}}`, i, labels)
		resp, err := http.Post(os.Getenv("CLOUDRUN_ENDPOINT")+list, "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		_, _ = io.Copy(os.Stdout, resp.Body)
		resp.Body.Close()
	}
}

// emulator returns the command that runs this program.
func emulator(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "EMULATOR_TEST_MAIN=1")
	return cmd
}

const list = "/apis/serving.knative.dev/v1/namespaces/demo/services"

// A command has the environment while it runs, and the emulator ends with it.
func TestCommand(t *testing.T) {
	t.Parallel()
	var out, messages buffer
	err := run(t.Context(), []string{"--", "sh", "-c", `echo "$CLOUDRUN_ENDPOINT $CLOUDSDK_PROXY_PORT $CLOUDSDK_CORE_PROJECT $CLOUDSDK_RUN_REGION"; test -d "$CLOUDSDK_CONFIG" && echo "$CLOUDSDK_CONFIG"`}, &out, &messages)
	require.NoError(t, err)
	require.Regexp(t, `^http://127\.0\.0\.1:(\d+) \d+ demo us-central1\n/.*emulator-gcloud-\d+\n$`, out.String())
	require.Empty(t, messages.String(), "the output is the command's")
	require.NoDirExists(t, strings.Split(out.String(), "\n")[1])
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		command []string
		code    int
	}{
		"success":   {[]string{"true"}, 0},
		"failure":   {[]string{"sh", "-c", "exit 7"}, 7},
		"killed":    {[]string{"sh", "-c", "kill -KILL $$"}, 137},
		"not found": {[]string{"no-such-command-here"}, 127},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := emulator(t, append([]string{"--"}, tc.command...)...).Run()
			var failed *exec.ExitError
			require.Equal(t, tc.code != 0, errors.As(err, &failed))
			if tc.code != 0 {
				require.Equal(t, tc.code, failed.ExitCode())
			}
		})
	}
}

// Signals reach the command, which decides what they mean.
func TestSignalsArePassedOn(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			var out buffer
			cmd := emulator(t, "--", "sh", "-c", `trap 'echo got; exit 42' TERM INT HUP; echo ready; while :; do sleep 0.05; done`)
			cmd.Stdout = &out
			require.NoError(t, cmd.Start())
			require.Eventually(t, func() bool { return strings.Contains(out.String(), "ready") }, time.Minute, 5*time.Millisecond)
			require.NoError(t, cmd.Process.Signal(s))
			var failed *exec.ExitError
			require.ErrorAs(t, cmd.Wait(), &failed)
			require.Equal(t, 42, failed.ExitCode())
			require.Contains(t, out.String(), "got")
		})
	}
}

// The file of the environment appears as a whole, once the emulator answers.
func TestEnvFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "env")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--addr=127.0.0.1:0", "--env-file=" + file, "--log=false"}, io.Discard, io.Discard)
	}()
	script := `until [ -e "$1" ]; do sleep 0.01; done; . "$1"; echo "$CLOUDRUN_ENDPOINT"`
	url, err := exec.CommandContext(ctx, "sh", "-c", script, "sh", file).Output()
	require.NoError(t, err)
	require.Equal(t, 200, status(t, strings.TrimSpace(string(url))+list))
	cancel()
	require.NoError(t, <-ended)
	require.NoFileExists(t, file)
	require.ErrorContains(t, run(t.Context(), []string{"--addr=127.0.0.1:0", "--env-file=/no/such/folder/env"}, io.Discard, io.Discard), "--env-file: ")
}

// The flags make every deployment fail, or the API refuse.
func TestTroubleByFlags(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ flag, labels, want string }{
		"outcome":    {"--outcome=image-not-found", "", "Image 'img' not found."},
		"forbidden":  {"--deny=run.services.create,run.services.get", "", "Permission 'run.services.create' denied"},
		"slow":       {"--time-to-ready=1h", "", `"status":"Unknown"`},
		"rate limit": {"--rate-limit=1", "", "Quota exceeded"},
		"label":      {"--log=false", `"cloudruntest-outcome":"quota-exceeded"`, "Quota exceeded for total allowable CPU"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out buffer
			command := []string{tc.flag, "--", "env", "EMULATOR_TEST_LABELS=" + tc.labels, os.Args[0]}
			require.NoError(t, run(t.Context(), command, &out, io.Discard))
			require.Contains(t, out.String(), tc.want)
		})
	}
	require.ErrorContains(t, run(t.Context(), []string{"--outcome=nonsense", "--", "true"}, io.Discard, io.Discard), "--outcome: no outcome \"nonsense\": use one of conflict, ")
	require.ErrorContains(t, run(t.Context(), []string{"--"}, io.Discard, io.Discard), "no command after --")
}

func TestForbidAllUsers(t *testing.T) {
	t.Parallel()
	s, err := settings{addr: "127.0.0.1:0", forbidAllUsers: true}.start(io.Discard)
	require.NoError(t, err)
	defer s.Close()
	created, err := http.Post(s.URL+list, "application/json", strings.NewReader(`{"metadata": {"name": "hello"}, "spec": {"template": {"spec": {"containers": [{"image": "img"}]}}}}`))
	require.NoError(t, err)
	created.Body.Close()
	require.Equal(t, 200, created.StatusCode)
	resp, err := http.Post(s.URL+"/v1/projects/demo/locations/us-central1/services/hello:setIamPolicy", "application/json",
		strings.NewReader(`{"policy": {"bindings": [{"role": "roles/run.invoker", "members": ["allUsers"]}]}}`))
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 400, resp.StatusCode)
	require.Contains(t, string(text), "organization policy")
}
