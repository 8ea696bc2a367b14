package pages_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/fleet"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

// TestSnippets checks that this file, which compiles, contains the Go code of the
// pages in docs line by line. That of the README is in readme_test.go of the root.
func TestSnippets(t *testing.T) {
	t.Parallel()
	own, err := os.ReadFile("snippets_test.go")
	require.NoError(t, err)
	source, found := unindented(string(own)), 0
	for _, p := range allPages(t) {
		if !strings.HasPrefix(p.Path, "docs/") {
			continue
		}
		for _, block := range p.Blocks("go") {
			require.Contains(t, source, unindented(block), p.Path)
			found++
		}
	}
	require.NotZero(t, found)
}

func unindented(code string) string {
	lines := strings.Split(code, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func comingFromGcloud(ctx context.Context) error {
	client, err := cloudrun.NewClient(ctx, "my-project", "europe-west1")
	if err != nil {
		return err
	}
	result, err := cloudrun.NewDeployer(client).Deploy(ctx, "hello",
		cloudrun.WithImage("gcr.io/cloudrun/hello"),
		cloudrun.WithMemory("1Gi"),
		cloudrun.WithEnv("TARGET", "World"),
		cloudrun.WithCPUThrottling(false),
		cloudrun.WithPublicAccess())
	_ = result
	return err
}

func comingFromRunV1(ctx context.Context, client *cloudrun.Client, deployer *cloudrun.Deployer) error {
	service, err := client.UpdateService(ctx, "hello", func(s *servingv1.Service) error {
		s.Spec.Template.Spec.Containers[0].Image = "gcr.io/cloudrun/hello:v2"
		return nil
	})
	if err != nil {
		return err
	}
	service, err = cloudrun.WaitReady(ctx, client, "hello", cloudrun.WithGeneration(service.Generation))
	_ = service
	if err != nil {
		return err
	}

	result, err := deployer.Deploy(ctx, "hello", cloudrun.WithImage("gcr.io/cloudrun/hello:v2"))
	_ = result
	return err
}

func comingFromTerraform(ctx context.Context, client *cloudrun.Client, deployer *cloudrun.Deployer) error {
	if _, err := client.GetService(ctx, "hello"); err != nil {
		return err
	}
	result, err := deployer.Deploy(ctx, "hello", cloudrun.WithImage("gcr.io/cloudrun/hello:v2"), cloudrun.IfChanged())
	_ = result
	return err
}

var _ = []any{comingFromGcloud, comingFromRunV1, comingFromTerraform, fleets, logs, traces}

func fleets(ctx context.Context, image, commit string) error {
	var targets []fleet.Target
	for _, service := range []string{"api", "billing", "catalog"} {
		for _, region := range []string{"us-east1", "us-central1", "europe-west1"} {
			targets = append(targets, fleet.Target{Project: "my-project", Region: region, Service: service})
		}
	}
	progress := runprogress.NewFleet(os.Stderr)
	report, err := fleet.Deploy(ctx, targets,
		fleet.WithDefaults(cloudrun.WithImage(image), cloudrun.WithPublicAccess()),
		fleet.WithRunID(commit),
		fleet.WithWaves(fleet.InRegion("us-east1")),
		fleet.WithProgress(progress.Handle))
	progress.Done()
	runprogress.WriteReport(os.Stdout, report)
	return err
}

func logs(ctx context.Context, client *cloudrun.Client, logger *slog.Logger) error {
	deployer := cloudrun.NewDeployer(client, cloudrun.WithProgress(cloudrun.LogProgress(logger)))
	result, err := deployer.Deploy(ctx, "hello", cloudrun.WithImage("gcr.io/cloudrun/hello"))
	if err != nil {
		logger.Error("not deployed", "error", err)
		return err
	}
	logger.Info("deployed", "result", result)
	return nil
}

func traces(ctx context.Context, exporter sdktrace.SpanExporter, reader sdkmetric.Reader) error {
	client, err := cloudrun.NewClient(ctx, "my-project", "europe-west1",
		cloudrun.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))),
		cloudrun.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
	_ = client
	return err
}
