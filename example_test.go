package cloudrun_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"google.golang.org/api/option"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// A Client is for one project in one region. Without options it uses the
// application default credentials.
func ExampleNewClient() {
	server := cloudruntest.NewServer(cloudruntest.InProcess()) // instead of Cloud Run
	defer server.Close()

	ctx := context.Background()
	client, err := cloudrun.NewClient(ctx, "my-project", "europe-west1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.GetService(ctx, "hello")
	fmt.Println(client.Project(), client.Region(), apierrors.IsNotFound(err))
	// Output: my-project europe-west1 true
}

// A region is part of the host that gets the credentials, so it is checked first.
func ExampleNewClient_hostile() {
	_, err := cloudrun.NewClient(context.Background(), "my-project", "evil.example/#")
	fmt.Println(err)
	// Output: new client: region "evil.example/#" is not valid: use lower-case letters, digits and hyphens, as in us-central1
}

// The same calls work on a cluster with Knative Serving.
func ExampleNewClusterClient() {
	server := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.Cluster())
	defer server.Close()

	ctx := context.Background()
	client, err := cloudrun.NewClusterClient(ctx, "default",
		option.WithEndpoint("https://kubernetes.example:6443"),
		option.WithHTTPClient(server.Client())) // usually with the credentials of a kubeconfig
	if err != nil {
		log.Fatal(err)
	}
	result, err := cloudrun.NewDeployer(client).Deploy(ctx, "hello", cloudrun.WithImage("registry.example/hello:v1"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Action, result.Revision)
	// Output: created hello-00001
}

// Deploy creates a Service or updates an existing one.
func ExampleDeployer_Deploy() {
	server := cloudruntest.NewServer(cloudruntest.InProcess())
	defer server.Close()
	ctx := context.Background()
	client, err := cloudrun.NewClient(ctx, "my-project", "us-central1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}

	deployer := cloudrun.NewDeployer(client, cloudrun.WithMemory("512Mi")) // the default for all its deployments
	for _, mode := range []string{"test", "production"} {
		result, err := deployer.Deploy(ctx, "hello",
			cloudrun.WithImage("gcr.io/cloudrun/hello"),
			cloudrun.WithEnv("MODE", mode),
			cloudrun.WithRevisionSuffix(mode),
			cloudrun.WithPublicAccess())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s gets %d%% of the traffic\n", result.Action, result.Revision, result.Percent)
	}
	// Output:
	// created: hello-test gets 100% of the traffic
	// updated: hello-production gets 100% of the traffic
}

// The error describes what failed and why, and reports whether the Service was changed.
func ExampleDeployer_Deploy_failure() {
	server := cloudruntest.NewServer(cloudruntest.InProcess())
	defer server.Close()
	server.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "the container did not listen on PORT=8080"}})
	ctx := context.Background()
	client, err := cloudrun.NewClient(ctx, "my-project", "us-central1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}

	_, err = cloudrun.NewDeployer(client).Deploy(ctx, "hello",
		cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.WithRevisionSuffix("v1"), cloudrun.WithFailureWindow(0))
	var failed *cloudrun.NotReadyError
	if errors.As(err, &failed) {
		fmt.Println(failed.Revision, failed.Reason)
	}
	var call *cloudrun.DeployError
	if errors.As(err, &call) {
		fmt.Println(call.Stage, call.Outcome)
	}
	// Output:
	// hello-v1 HealthCheckContainerError
	// wait written
}

// WaitReady waits for a Service, no matter which program wrote it.
func ExampleWaitReady() {
	server := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithTimeToReady(50*time.Millisecond))
	defer server.Close()
	ctx := context.Background()
	client, err := cloudrun.NewClient(ctx, "my-project", "us-central1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	service, err := cloudrun.NewService("hello", cloudrun.WithImage("gcr.io/cloudrun/hello"))
	if err != nil {
		log.Fatal(err)
	}
	written, err := client.CreateService(ctx, service)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready after the write:", written.IsReady())

	ready, err := cloudrun.WaitReady(ctx, client, "hello",
		cloudrun.WithGeneration(written.Generation), // ignore older states
		cloudrun.WithWaitTimeout(time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready after the wait:", ready.IsReady())
	// Output:
	// ready after the write: false
	// ready after the wait: true
}

// UpdateService changes only what the edit changes. It preserves fields that the
// Knative types do not know, and concurrent changes.
func ExampleClient_UpdateService() {
	ctx := context.Background()
	client, stop := localClient(ctx)
	defer stop()

	updated, err := client.UpdateService(ctx, "hello", func(s *servingv1.Service) error {
		*s.Spec.Template.Spec.ContainerConcurrency = 20
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("generation", updated.Generation, "concurrency", *updated.Spec.Template.Spec.ContainerConcurrency)
	// Output: generation 2 concurrency 20
}

// Lists are read page by page. Memory holds only the Services that the program keeps.
func ExampleClient_ListServices() {
	ctx := context.Background()
	client, stop := localClient(ctx)
	defer stop()

	for service, err := range client.ListServices(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(service.Name, service.Status.URL != nil)
	}
	// Output: hello true
}

func ExampleClient_ListRevisions() {
	ctx := context.Background()
	client, stop := localClient(ctx)
	defer stop()

	deployer := cloudrun.NewDeployer(client)
	if _, err := deployer.Deploy(ctx, "hello", cloudrun.WithRevisionSuffix("next"), cloudrun.WithLabel("stage", "test")); err != nil {
		log.Fatal(err)
	}
	for revision, err := range client.ListRevisions(ctx, cloudrun.WithService("hello"), cloudrun.WithLabelSelector("stage=test")) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(revision.Name)
	}
	// Output: hello-next
}

// Delete waits until the Service is gone and its name is free.
func ExampleDeployer_Delete() {
	ctx := context.Background()
	client, stop := localClient(ctx)
	defer stop()

	if err := cloudrun.NewDeployer(client).Delete(ctx, "hello"); err != nil {
		log.Fatal(err)
	}
	_, err := client.GetService(ctx, "hello")
	fmt.Println(apierrors.IsNotFound(err))
	// Output: true
}

// Progress is reported in typed events, one at a time.
func ExampleWithProgress() {
	ctx := context.Background()
	client, stop := localClient(ctx)
	defer stop()

	_, err := cloudrun.NewDeployer(client).Deploy(ctx, "hello", cloudrun.WithEnv("MODE", "test"),
		cloudrun.WithProgress(func(e cloudrun.Event) {
			if e.Kind == cloudrun.StageDone {
				fmt.Println(e.Stage)
			}
		}))
	if err != nil {
		log.Fatal(err)
	}
	// Unordered output:
	// write
	// create revision
	// route traffic
	// wait
}
