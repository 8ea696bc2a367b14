package runprogress_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

// clientOf returns a client of an embedded control plane.
func clientOf(ctx context.Context, server *cloudruntest.Server) *cloudrun.Client {
	client, err := cloudrun.NewClient(ctx, "demo", "us-central1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// The progress and the result of a deployment on stderr. On a terminal the stages
// are drawn, elsewhere each change is a line.
func Example() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	deployer := cloudrun.NewDeployer(clientOf(ctx, server), cloudrun.WithImage("gcr.io/cloudrun/hello"))

	r := runprogress.New(os.Stderr)
	result, err := deployer.Deploy(ctx, "hello", cloudrun.WithRevisionSuffix("v1"), cloudrun.WithProgress(r.Handle))
	r.Done(err)
	if err != nil {
		runprogress.WriteError(os.Stderr, err)
		return
	}
	runprogress.WriteResult(os.Stderr, result)
	fmt.Println(result.Revision)
	// Output: hello-v1
}

// The error of a Revision that failed, for people.
func ExampleWriteError() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	server.Script("hello", cloudruntest.ImageNotFound())
	_, err := cloudrun.NewDeployer(clientOf(ctx, server)).Deploy(ctx, "hello", cloudrun.WithImage("gcr.io/cloudrun/missing"),
		cloudrun.WithRevisionSuffix("v1"), cloudrun.WithFailureWindow(0))
	runprogress.WriteError(os.Stdout, err)
	// Output:
	// ERROR: Revision hello-v1 of service hello failed: image pull
	//          Why: Image 'gcr.io/cloudrun/missing' not found.
	//   What to do: check the name of the image and its tag, and that Cloud Run's
	//               service agent may read it (roles/artifactregistry.reader on the
	//               repository)
	//          Log: https://console.cloud.google.com/logs/viewer?project=demo&resource=cloud_run_revision/service_name/hello/revision_name/hello-v1
}
