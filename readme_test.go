package cloudrun_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/rollout"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestReadme checks that this file, which compiles, contains the Go code of the
// README line by line.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	own, err := os.ReadFile("readme_test.go")
	require.NoError(t, err)
	source := unindented(string(own))
	blocks := goBlock.FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, blocks)
	for _, b := range blocks {
		require.Contains(t, source, unindented(b[1]))
	}
}

func unindented(code string) string {
	lines := strings.Split(code, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func readmeDeploy(ctx context.Context) error {
	client, err := cloudrun.NewClient(ctx, "my-project", "europe-west1")
	if err != nil {
		return err
	}
	result, err := cloudrun.NewDeployer(client).Deploy(ctx, "hello",
		cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.WithEnv("TARGET", "World"), cloudrun.WithPublicAccess())
	if err != nil {
		return err
	}
	fmt.Println(result.Revision, result.URL)
	return nil
}

func readmeUpdate(ctx context.Context, client *cloudrun.Client) (err error) {
	limit := int64(40)
	_, err = client.UpdateService(ctx, "hello", func(s *servingv1.Service) error {
		s.Spec.Template.Spec.ContainerConcurrency = &limit
		return nil
	})
	return err
}

func readmeRollout(ctx context.Context, deployer *cloudrun.Deployer) (err error) {
	_, err = rollout.Run(ctx, deployer, "hello", rollout.Config{Steps: []int{10, 50, 100}, Pause: time.Minute,
		Check: rollout.CheckHTTP(rollout.HTTPProbes{Path: "/healthz", Requests: 20, MaxLatency: time.Second})})
	return err
}

func readmeErrors(ctx context.Context, deployer *cloudrun.Deployer, opts []cloudrun.DeployOption) {
	_, err := deployer.Deploy(ctx, "hello", opts...)
	var failed *cloudrun.NotReadyError
	var call *cloudrun.DeployError
	switch {
	case errors.As(err, &failed):
		fmt.Print(failed.Explain()) // which stage failed, why, where the log is, what to do
	case errors.As(err, &call):
		fmt.Println(call.Stage, call.Outcome) // such as: write unknown
	}
}

// release stands for the code of a user of this library.
func release(ctx context.Context, client *cloudrun.Client) error {
	_, err := cloudrun.NewDeployer(client).Deploy(ctx, "hello", cloudrun.WithImage("gcr.io/cloudrun/hello"),
		cloudrun.WithFailureWindow(0))
	return err
}

func TestRelease(t *testing.T) {
	server := cloudruntest.NewServer()
	defer server.Close()
	client, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", server.ClientOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	server.Script("hello", cloudruntest.NotListening())  // or ImageNotFound, SecretDenied, QuotaExceeded, one of your own
	if err := release(t.Context(), client); err == nil { // your code
		t.Fatal("a revision that fails must fail the release")
	}
}

var _ = []any{readmeDeploy, readmeUpdate, readmeRollout, readmeErrors}
