package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/rollout"
)

// A Revision is deployed without traffic, and gets it step by step.
func ExampleRun() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	client, err := cloudrun.NewClient(ctx, "demo", "us-central1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	deployer := cloudrun.NewDeployer(client)
	if _, err := deployer.Deploy(ctx, "hello", cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.WithRevisionSuffix("v1")); err != nil {
		log.Fatal(err)
	}
	if _, err := deployer.Deploy(ctx, "hello", cloudrun.WithRevisionSuffix("v2"), cloudrun.WithNoTraffic()); err != nil {
		log.Fatal(err)
	}

	check := func(_ context.Context, c rollout.Candidate) error {
		fmt.Printf("%s has %d %% of the traffic\n", c.Revision, c.Percent)
		if c.Percent == 25 {
			return errors.New("too many errors")
		}
		return nil
	}
	result, err := rollout.Run(ctx, deployer, "hello", rollout.Config{Steps: []int{5, 25, 100}, Check: check})
	var failed *rollout.Error
	if errors.As(err, &failed) {
		fmt.Println(failed.Outcome, "because of", failed.Err)
	}
	fmt.Println(result.Split)
	// Output:
	// hello-v2 has 5 % of the traffic
	// hello-v2 has 25 % of the traffic
	// restored because of too many errors
	// hello-v1=100
}
