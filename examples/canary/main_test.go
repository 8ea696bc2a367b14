package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/rollout"
)

func TestBothReleases(t *testing.T) {
	t.Parallel()
	var out, messages bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--local"}, &out, &messages))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		"1. A release that succeeds",
		"hello-v2 is ready and gets no traffic yet.",
		"    5 %: of 1000 requests, hello-v1 got 950, hello-v2 got 50",
		"   25 %: of 1000 requests, hello-v1 got 750, hello-v2 got 250",
		"  100 %: of 1000 requests, hello-v2 got 1000",
		"The traffic was hello-v1=100 and is now hello-v2=100.",
		"",
		"2. A release that is rolled back",
		"hello-v3 is ready and gets no traffic yet.",
		"    5 %: of 1000 requests, hello-v2 got 950, hello-v3 got 50",
		"The traffic was hello-v2=100 and is now hello-v2=100.",
	} {
		require.Equal(t, want, lines[i])
	}
	require.Equal(t, "It failed with 5 % of the traffic, which went back.", lines[11])
	require.Contains(t, messages.String(), "\nERROR: 1 of 1 requests for http://127.0.0.1:")
	require.Regexp(t, `Checking the candidate: failed: 1 of 1 requests for http://127\.0\.0\.1:\d+ failed: HTTP 500\n`, messages.String())
	require.Contains(t, messages.String(), "Restoring the traffic: done")
}

func TestInvalidArguments(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"not defined: -nope":                {"--nope"},
		"without other flags or arguments":  {"--local", "hello", "image"},
		"without other flags or arguments:": {"--pause=1h", "--local"},
		"specify the service and the image": {"--project=demo", "hello"},
		`region "Nowhere"`:                  {"--project=demo", "--region=Nowhere", "hello", "image"},
	} {
		var out, messages bytes.Buffer
		require.ErrorContains(t, run(t.Context(), args, &out, &messages), want)
	}
}

// There is nothing to roll out from where the Service is new.
func TestNewService(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer()
	defer s.Close()
	client, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", s.ClientOptions()...)
	require.NoError(t, err)
	var out, messages bytes.Buffer
	c := &canary{deployer: cloudrun.NewDeployer(client), service: "hello", out: &out, messages: &messages}
	config := func(io.Writer) rollout.Config { return rollout.Config{} }
	require.NoError(t, c.release(t.Context(), config, cloudrun.WithImage("a"), cloudrun.WithRevisionSuffix("v1")))
	require.Equal(t, "hello-v1 is the first revision of the service and serves all traffic.\n", out.String())
	out.Reset()
	require.NoError(t, c.release(t.Context(), config, cloudrun.WithImage("b"), cloudrun.WithRevisionSuffix("v2")))
	require.Equal(t, "hello-v2 is ready and gets no traffic yet.\nThe traffic was hello-v1=100 and is now hello-v2=100.\n", out.String())
}
