package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

func TestDeployLocally(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--local"}, &stdout, &stderr))
	require.Regexp(t, `^http://127\.0\.0\.1:\d+\n$`, stdout.String(), "stdout has the URL and nothing else")
	at := 0
	for _, line := range []string{
		"embedded control plane on this machine: nothing goes to Google Cloud", "Deploying...", "Creating Revision", "Routing traffic: done",
		"Deploying: done", "GET http://127.0.0.1:", "200 OK", "It's running! Service hello, revision hello-00001-", "That was local",
	} {
		i := strings.Index(stderr.String()[at:], line)
		require.GreaterOrEqual(t, i, 0, "%q is missing after:\n%s", line, stderr.String()[:at])
		at += i
	}
}

// Flags apply with --local as without it.
func TestLocalFlags(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"unrecognized arguments: --memroy (did you mean '--memory'?)": {"--memroy", "1Gi"},
		"argument --format: invalid choice: 'yaml'":                   {"--format=yaml"},
		"argument --memory: not a quantity":                           {"--memory=lots"},
		"unrecognized arguments: [two]":                               {"one", "two"},
	} {
		var stdout, stderr bytes.Buffer
		require.ErrorContains(t, run(t.Context(), append([]string{"--local"}, args...), &stdout, &stderr), want)
		require.Empty(t, stdout.String(), "%v: nothing is deployed", args)
		require.NotContains(t, stderr.String(), "Deploying", "%v", args)
	}
	_, stderr, err := locally(t, "--async")
	require.NoError(t, err)
	require.NotContains(t, stderr, "Creating Revision", "it does not wait")
	require.NotContains(t, stderr, "GET ")

	_, stderr, err = locally(t, "--no-allow-unauthenticated")
	require.NoError(t, err)
	require.Contains(t, stderr, "403 Forbidden", "the Service is private")
	require.NotContains(t, stderr, "It's running!")

	stdout, _, err := locally(t, "--dry-run", "--no-allow-unauthenticated")
	require.NoError(t, err)
	require.NotContains(t, stdout, "everybody is allowed to call the service")

	stdout, _, err = locally(t, "--dry-run", "--project=mine", "--region=europe-west1", "web")
	require.NoError(t, err)
	require.Contains(t, stdout, `service "web" (mine, europe-west1): would be created`)

	_, _, err = locally(t, "update")
	require.ErrorContains(t, err, "unrecognized arguments: --local", "a new control plane has no Service to update")
}

func locally(t *testing.T, args ...string) (stdout, stderr string, err error) {
	var out, messages bytes.Buffer
	err = run(t.Context(), append(args, "--local"), &out, &messages)
	return out.String(), messages.String(), err
}

// The help is what was asked for: it goes to stdout, and nothing is deployed.
func TestHelp(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"usage: deploy --local | deploy [flags] SERVICE\n":            {"--local"},
		"usage: deploy update-traffic [flags] SERVICE\n":              {"run", "services", "update-traffic"},
		"usage: deploy replace [flags] FILE\n":                        {"replace", "--dry-run"},
		"usage: deploy add-iam-policy-binding [flags] SERVICE\n":      {"add-iam-policy-binding"},
		"usage: deploy remove-iam-policy-binding [flags] SERVICE\n":   {"remove-iam-policy-binding"},
		"usage: deploy update [flags] SERVICE\n\nFlags:\n  --project": {"update"},
	} {
		var stdout, stderr bytes.Buffer
		require.ErrorIs(t, run(t.Context(), append(args, "--help"), &stdout, &stderr), flag.ErrHelp)
		require.True(t, strings.HasPrefix(stdout.String(), want), stdout.String())
		require.Empty(t, stderr.String())
		for _, line := range strings.Split(stdout.String(), "\n") {
			require.LessOrEqual(t, len(line), 80)
		}
	}
}

// deployTo runs commands against one control plane.
func deployTo(t *testing.T, s *cloudruntest.Server, args ...string) (stdout, stderr string, err error) {
	var out, messages bytes.Buffer
	err = run(t.Context(), append([]string{"deploy", "--endpoint=" + s.URL, "--project=demo", "--region=us-central1"}, args...), &out, &messages)
	return out.String(), messages.String(), err
}

func TestDeployToAnEndpoint(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer()
	t.Cleanup(s.Close)
	const hello = "--image=gcr.io/cloudrun/hello"

	stdout, stderr, err := deployTo(t, s, "hello", hello, "--format=json", "--allow-unauthenticated", "--set-env-vars", "KEY=canary-value")
	require.NoError(t, err)
	var result struct{ Service, Project, Region, Action, Revision, URL string }
	require.NoError(t, json.Unmarshal([]byte(stdout), &result))
	require.Equal(t, []string{"hello", "demo", "us-central1", "created"}, []string{result.Service, result.Project, result.Region, result.Action})
	require.Contains(t, stderr, "Creating Revision: done", "what is shown to people")
	require.NotContains(t, stdout+stderr, "canary-value")

	stdout, stderr, err = deployTo(t, s, "hello", "--memory=1Gi", "--quiet")
	require.NoError(t, err)
	require.Equal(t, result.URL+"\n", stdout)
	require.Empty(t, stderr)

	stdout, _, err = deployTo(t, s, "hello", "--memory=1Gi", "--if-changed", "--format=json")
	require.NoError(t, err)
	require.Contains(t, stdout, `"action": "unchanged"`)

	stdout, _, err = deployTo(t, s, "hello", hello, "--format=none")
	require.NoError(t, err)
	require.Empty(t, stdout)

	s.Script("hello", cloudruntest.Script{TimeToReady: time.Hour})
	_, stderr, err = deployTo(t, s, "hello", hello, "--async")
	require.NoError(t, err, "it does not wait")
	require.NotContains(t, stderr, "failed")

	s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "The container failed to start."}})
	stdout, stderr, err = deployTo(t, s, "hello", hello)
	require.ErrorContains(t, err, "The container failed to start.")
	require.Contains(t, stderr, "Deploying: failed")
	var explained bytes.Buffer
	report(&explained, err)
	require.Contains(t, explained.String(), "What to do: ")
	require.Empty(t, stdout)
}

func TestInvalidCommands(t *testing.T) {
	t.Parallel()
	nowhere := []string{"--region=us-central1", "--project=demo", "--endpoint=http://127.0.0.1:1"}
	for want, args := range map[string][]string{
		"argument SERVICE: must be specified":                      {"deploy"},
		"argument FILE: must be specified":                         {"replace"},
		"unrecognized arguments: [two]":                            {"one", "two"},
		"unrecognized arguments: --imag (did you mean '--image'?)": {"hello", "--imag=x"},
		"argument --format: invalid choice: 'xml'":                 {"hello", "--format=xml"},
		"at most one of --local | --endpoint can be specified":     {"hello", "--local"},
		"no configuration change requested":                        {"hello"},
		"no traffic configuration change requested":                {"services", "update-traffic", "hello"},
		"argument --member: must be specified":                     {"services", "add-iam-policy-binding", "hello", "--role=r"},
		`service name "Hello" is not valid`:                        {"Hello", "--image=x"},
		"argument --memory: not a quantity":                        {"hello", "--image=x", "--memory=lots"},
	} {
		var stdout, stderr bytes.Buffer
		err := run(t.Context(), slices.Concat(args, nowhere), &stdout, &stderr)
		require.ErrorContains(t, err, want)
		require.Empty(t, stdout.String())
	}
}

// All mistakes are reported at once, with what a new Service lacks.
func TestMistakesAtOnce(t *testing.T) {
	t.Parallel()
	const wrong = "ERROR: argument --memory: not a quantity: write \"1Gi\"\nERROR: argument --set-env-vars: PORT is set by Cloud Run in the ingress\n  container: use --port\n"
	const region = "ERROR: you must specify a region: use --region, or set CLOUDSDK_RUN_REGION\n"
	const hint = "If the service is new, it also needs --image.\n"
	for _, tc := range []struct {
		want string
		args []string
	}{
		{wrong + hint, []string{"hello", "--region=us-central1"}},
		{region + wrong + hint, []string{"hello", "--region="}},
		{wrong, []string{"hello", "--region=us-central1", "--image=img"}},
		{wrong, []string{"update", "hello", "--region=us-central1"}},
	} {
		var stdout, stderr, shown bytes.Buffer
		report(&shown, run(t.Context(), append(tc.args, "--project=demo", "--endpoint=http://127.0.0.1:1", "--memory=1GB", "--set-env-vars=PORT=1"), &stdout, &stderr))
		require.Equal(t, tc.want, shown.String())
		require.Empty(t, stdout.String()+stderr.String())
	}
	stdout, stderr, err := locally(t, "--memory=1GB")
	require.Error(t, err)
	var shown bytes.Buffer
	report(&shown, err)
	require.NotContains(t, stdout+stderr+shown.String(), "--image", "--local has one")
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer()
	t.Cleanup(s.Close)
	stdout, _, err := deployTo(t, s, "hello", "--image=gcr.io/cloudrun/hello", "--set-env-vars=KEY=canary-value", "--dry-run")
	require.NoError(t, err)
	require.Contains(t, stdout, `+ spec.template.spec.containers[0].image: "gcr.io/cloudrun/hello"`)
	require.Contains(t, stdout, "the server accepts it")
	require.NotContains(t, stdout, "canary-value")

	stdout, _, err = deployTo(t, s, "hello", "--image=gcr.io/cloudrun/hello", "--memory=1Mi", "--dry-run", "--format=json")
	require.ErrorContains(t, err, "Minimum memory is 128Mi")
	var plan struct{ Changes []struct{ Path, Kind string } }
	require.NoError(t, json.Unmarshal([]byte(stdout), &plan))
	require.NotEmpty(t, plan.Changes)
	require.Empty(t, s.History(), "nothing was written")
}

func TestUpdateNeedsAService(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer()
	t.Cleanup(s.Close)
	_, _, err := deployTo(t, s, "hello", "--memory=1Gi")
	require.ErrorContains(t, err, "argument --image: missing", "without an image there is nothing to create")
	require.Empty(t, s.History())
}

// The emulator's environment names the endpoint.
func TestEndpointOfTheEnvironment(t *testing.T) {
	s := cloudruntest.NewServer()
	t.Cleanup(s.Close)
	t.Setenv("CLOUDRUN_ENDPOINT", s.URL)
	var out, messages bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"hello", "--image=img", "--project=demo", "--region=us-central1"}, &out, &messages), messages.String())
	_, written := s.Service("demo", "hello")
	require.True(t, written)
	_, _, err := locally(t, "other", "--image=img")
	require.NoError(t, err)
	_, written = s.Service("demo", "other")
	require.False(t, written, "--local is another control plane")
}

// With --preflight every missing permission is reported at once, and nothing is written.
func TestPreflightFlag(t *testing.T) {
	s := cloudruntest.NewServer(cloudruntest.WithoutPermission("iam.serviceAccounts.actAs", "run.services.create"))
	t.Cleanup(s.Close)
	_, _, err := deployTo(t, s, "hello", "--image=gcr.io/demo/hello", "--preflight")
	require.ErrorContains(t, err, "permission iam.serviceAccounts.actAs is missing")
	require.ErrorContains(t, err, "permission run.services.create is missing")
	require.ErrorContains(t, err, "--member=MEMBER --role=roles/run.developer\" (MEMBER is the account, such as user:EMAIL or serviceAccount:EMAIL)")
	require.ErrorContains(t, err, "nothing was written")
	require.Empty(t, s.History())
	s.GrantPermission("iam.serviceAccounts.actAs", "run.services.create")
	_, _, err = deployTo(t, s, "hello", "--image=gcr.io/demo/hello", "--preflight", "--dry-run")
	require.EqualError(t, err, "at most one of --dry-run | --preflight can be specified")
	_, _, err = deployTo(t, s, "hello", "--image=gcr.io/demo/hello", "--preflight")
	require.NoError(t, err)
}
