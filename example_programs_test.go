package cloudrun_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// A CI job deploys many Services to several regions, eight at a time. One that
// fails does not keep the others from being deployed.
func Example_manyServicesAndRegions() {
	regions := []string{"us-central1", "europe-west1", "asia-east1"}
	server := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithRegions(regions...))
	defer server.Close()
	server.Script("svc-07", cloudruntest.ImageNotFound()) // in each region

	ctx := context.Background()
	var failed, deployed atomic.Int64
	var all sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, region := range regions {
		// Without an endpoint, the regions differ, also on the embedded control plane.
		client, err := cloudrun.NewClient(ctx, "demo", region, option.WithHTTPClient(server.Client()))
		if err != nil {
			log.Fatal(err)
		}
		deployer := cloudrun.NewDeployer(client, cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.IfChanged(), cloudrun.WithFailureWindow(0))
		for i := range 30 {
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				if _, err := deployer.Deploy(ctx, fmt.Sprintf("svc-%02d", i)); err != nil {
					failed.Add(1)
					return
				}
				deployed.Add(1)
			})
		}
	}
	all.Wait()
	fmt.Println(deployed.Load(), "deployed,", failed.Load(), "failed")
	// Output: 87 deployed, 3 failed
}

// A GitOps tool applies the manifests of a folder, and deletes the Services that
// it once applied and that are no longer there.
func Example_gitOps() {
	ctx := context.Background()
	client, stop := localClient(ctx)
	defer stop()

	apply := func(manifests ...string) error {
		deployer, wanted := cloudrun.NewDeployer(client), map[string]bool{}
		for _, data := range manifests {
			manifest, err := cloudrun.ParseManifest([]byte(data))
			if err != nil {
				return err
			}
			if manifest, err = manifest.With(cloudrun.WithLabel("managed-by", "gitops")); err != nil {
				return err
			}
			result, err := deployer.ReplaceManifest(ctx, manifest)
			if err != nil {
				return err
			}
			wanted[manifest.Name()] = true
			fmt.Println(manifest.Name(), result.Action)
		}
		for service, err := range client.ListServices(ctx, cloudrun.WithLabelSelector("managed-by=gitops")) {
			if err != nil {
				return err
			}
			if !wanted[service.Name] {
				if err := deployer.Delete(ctx, service.Name); err != nil {
					return err
				}
				fmt.Println(service.Name, "deleted")
			}
		}
		return nil
	}
	const manifest = `{"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "NAME"},
		"spec": {"template": {"spec": {"containers": [{"image": "gcr.io/cloudrun/hello"}]}}}}`
	one, two := strings.Replace(manifest, "NAME", "one", 1), strings.Replace(manifest, "NAME", "two", 1)
	if err := errors.Join(apply(one, two), apply(two)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// one created
	// two created
	// two unchanged
	// one deleted
}

// A drift detector compares what should be deployed with what is. It writes nothing.
func Example_drift() {
	ctx := context.Background()
	client, stop := localClient(ctx)
	defer stop()
	deployer := cloudrun.NewDeployer(client)
	wanted := []cloudrun.DeployOption{cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.WithMemory("512Mi"), cloudrun.WithoutPublicAccess(), cloudrun.IfChanged()}

	report := func() {
		plan, err := deployer.Plan(ctx, "hello", cloudrun.PlanOptions(wanted...)...)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(plan.Action)
		for _, change := range plan.Changes {
			fmt.Println(" ", change.Path)
		}
		if plan.PublicAccess.Changes() {
			fmt.Println("  public access")
		}
	}
	report()
	if _, err := deployer.Deploy(ctx, "hello", wanted[0], cloudrun.WithMemory("1Gi"), cloudrun.WithPublicAccess()); err != nil { // somebody else
		log.Fatal(err)
	}
	report()
	// Output:
	// unchanged
	// updated
	//   spec.template.spec.containers[hello-1].resources.limits.memory
	//   public access
}

// A pull request has its own tag on a Revision without traffic, and its own URL.
// When it is closed, the tag goes. PruneRevisions deletes the Revisions that nothing uses.
func Example_previews() {
	ctx := context.Background()
	client, stop := localClient(ctx)
	defer stop()
	deployer := cloudrun.NewDeployer(client)

	preview, err := deployer.Deploy(ctx, "hello", cloudrun.WithEnv("MODE", "preview"),
		cloudrun.WithTag("pr-42"), cloudrun.WithNoTraffic(), cloudrun.WithRevisionSuffix("pr-42"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(preview.Percent, preview.TagURLs["pr-42"])

	service, err := client.GetService(ctx, "hello")
	if err != nil {
		log.Fatal(err)
	}
	var closed []string
	for _, target := range service.Spec.Traffic {
		if strings.HasPrefix(target.Tag, "pr-") { // your code asks whether the pull request is closed
			closed = append(closed, target.Tag)
		}
	}
	result, err := deployer.UpdateTraffic(ctx, "hello", cloudrun.WithoutTag(closed...))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("removed", closed, "left", len(result.TagURLs))
	// Output:
	// 0 https://pr-42---hello-jb7qsdkjba-uc.a.run.app
	// removed [pr-42] left 0
}

// Events, results and errors are made for structured logs.
func ExampleEvent() {
	ctx := context.Background()
	client, stop := localClient(ctx)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTimes}))

	result, err := cloudrun.NewDeployer(client).Deploy(ctx, "hello", cloudrun.WithEnv("PASSWORD", "secret"), cloudrun.WithRevisionSuffix("v2"),
		cloudrun.WithProgress(func(e cloudrun.Event) {
			if e.Kind == cloudrun.StageDone && e.Stage == cloudrun.StageWait {
				logger.Info("progress", "event", e)
			}
		}))
	if err != nil {
		logger.Error("not deployed", "error", err)
		return
	}
	logger.Info("deployed", "result", result)
	// Output:
	// level=INFO msg=progress event.kind="stage done" event.service=hello event.region=us-central1 event.stage=wait event.generation=2 event.revision=hello-v2
	// level=INFO msg=deployed result.service=hello result.project=my-project result.region=us-central1 result.generation=2 result.action=updated result.revision=hello-v2 result.percent=100 result.ready=true result.url=https://hello-123456789012.us-central1.run.app
}

func withoutTimes(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == "duration" {
		return slog.Attr{}
	}
	return a
}

// releaseHello is deploy code as a program might have it: it says which Revision serves.
func releaseHello(ctx context.Context, client *cloudrun.Client, out io.Writer) error {
	result, err := cloudrun.NewDeployer(client).Deploy(ctx, "hello", cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.WithRevisionSuffix("v1"))
	var failed *cloudrun.NotReadyError
	var late *cloudrun.TimeoutError
	switch {
	case errors.As(err, &failed):
		fmt.Fprintln(out, "broken:", failed.Cause())
	case errors.As(err, &late):
		fmt.Fprintln(out, "late")
	case err == nil:
		fmt.Fprintln(out, result.Revision, "serves")
	}
	return err
}

// This is how a program tests its deploy code. In the bubble of synctest, minutes
// of waiting take milliseconds.
func TestExampleOfAUnitTest(t *testing.T) {
	t.Parallel()
	for want, script := range map[string]cloudruntest.Script{
		"hello-v1 serves\n":       {TimeToReady: 8 * time.Minute},
		"broken: image pull\n":    cloudruntest.ImageNotFound(),
		"broken: secret access\n": cloudruntest.SecretDenied(),
		"late\n":                  {NeverReady: true},
	} {
		t.Run(strings.TrimSpace(want), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := cloudruntest.NewServer(cloudruntest.InProcess())
				defer server.Close()
				server.Script("hello", script)
				client, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", server.ClientOptions()...)
				if err != nil {
					t.Fatal(err)
				}
				var out strings.Builder
				err = releaseHello(t.Context(), client, &out)
				if got := out.String(); got != want || (err == nil) != strings.Contains(want, "serves") {
					t.Errorf("got %q, %v; want %q", got, err, want)
				}
			})
		})
	}
}
