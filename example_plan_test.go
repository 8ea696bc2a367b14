package cloudrun_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// A plan shows what a deployment would change. Apply makes exactly these changes, once.
func ExampleDeployer_Plan() {
	server := cloudruntest.NewServer(cloudruntest.InProcess())
	defer server.Close()
	ctx := context.Background()
	client, err := cloudrun.NewClient(ctx, "my-project", "us-central1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	deployer := cloudrun.NewDeployer(client)
	if _, err := deployer.Deploy(ctx, "hello", cloudrun.WithImage("gcr.io/cloudrun/hello:v1"), cloudrun.WithEnv("API_TOKEN", "one")); err != nil {
		log.Fatal(err)
	}

	plan, err := deployer.Plan(ctx, "hello",
		cloudrun.WithImage("gcr.io/cloudrun/hello:v2"),
		cloudrun.WithEnv("API_TOKEN", "two"), // its value is hidden
		cloudrun.WithMemory("1Gi"),
		cloudrun.WithRevisionSuffix("v2"))
	if err != nil {
		log.Fatal(err)
	}
	if err := plan.WriteText(os.Stdout); err != nil {
		log.Fatal(err)
	}

	result, err := deployer.Apply(ctx, plan)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Action, result.Revision)
	// Output:
	// service "hello" (my-project, us-central1): would be updated, with the new revision hello-v2
	//   + spec.template.metadata.name: "hello-v2"
	//   ~ spec.template.spec.containers[hello-1].env[API_TOKEN].value: (hidden), changed
	//   ~ spec.template.spec.containers[hello-1].image: "gcr.io/cloudrun/hello:v1" -> "gcr.io/cloudrun/hello:v2"
	//   ~ spec.template.spec.containers[hello-1].resources.limits.memory: "512Mi" -> "1Gi"
	// 1 added, 3 changed, 0 removed
	// the server accepts it
	// updated hello-v2
}

// A plan becomes stale when the Service changes. Apply then writes nothing.
func ExampleDeployer_Apply() {
	ctx := context.Background()
	client, stop := localClient(ctx) // with a Service "hello"
	defer stop()

	deployer := cloudrun.NewDeployer(client)
	plan, err := deployer.Plan(ctx, "hello", cloudrun.WithMemory("1Gi"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := deployer.Deploy(ctx, "hello", cloudrun.WithDescription("says hello")); err != nil { // another program
		log.Fatal(err)
	}

	_, err = deployer.Apply(ctx, plan)
	var stale *cloudrun.PlanStaleError
	if errors.As(err, &stale) {
		fmt.Println(stale.Reason)
		for _, change := range stale.Changes {
			fmt.Println(change)
		}
	}
	// Output:
	// it was changed
	// + metadata.annotations[run.googleapis.com/description]: "says hello"
}
