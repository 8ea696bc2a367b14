package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/rollout"
)

// prepare returns a Deployer of an embedded control plane. The Service hello
// runs the Revision hello-v1. The Revision hello-v2 is ready and gets no traffic.
func prepare(ctx context.Context, server *cloudruntest.Server) *cloudrun.Deployer {
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
	return deployer
}

// The candidate fails at the second step, and the previous split is restored.
func ExampleRun() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	deployer := prepare(ctx, server)

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

// The check sends requests to the candidate alone, through the URL of its tag.
func ExampleCheckHTTP() {
	check := rollout.CheckHTTP(rollout.HTTPProbes{
		Path: "/healthz", Requests: 50, MaxFailures: 1, MaxLatency: time.Second,
		Tokens: rollout.IDTokens, // the Service is not public
	})
	cfg := rollout.Config{Pause: time.Minute, Check: check, ToLatest: true}
	fmt.Println(cfg.Pause)
	// Output: 1m0s
}

// A deployment without traffic, and then its rollout. A first deployment serves at once.
func ExampleRun_deploy() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	deployer := prepare(ctx, server)

	if _, err := deployer.Deploy(ctx, "hello", cloudrun.WithEnv("A", "1"), cloudrun.WithRevisionSuffix("v3"), cloudrun.WithNoTrafficIfExists()); err != nil {
		log.Fatal(err)
	}
	result, err := rollout.Run(ctx, deployer, "hello", rollout.Config{Steps: []int{10, 100}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.PreviousSplit, "->", result.Split)
	// Output: hello-v1=100 -> hello-v3=100
}

// Status reads the rollout that is under way from the Service, and writes nothing.
func ExampleStatus() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	deployer := prepare(ctx, server)

	state, err := rollout.Status(ctx, deployer, "hello")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(state.UnderWay, state.Split)
	// Output: false hello-v1=100
}

// A program was killed in the middle of a rollout. Another one finds the rollout
// on the Service, and returns to the previous split.
func ExampleAbort() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	deployer := prepare(ctx, server)
	killed(deployer)

	state, err := rollout.Status(ctx, deployer, "hello")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(state.UnderWay, state.Candidate.Revision, state.Split)
	result, err := rollout.Abort(ctx, deployer, "hello")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Restored, result.Split)
	// Output:
	// true hello-v2 hello-v1=95,hello-v2=5
	// true hello-v1=100
}

// The check asks the program's own metrics. The program is killed at the first
// step. Another one, such as the next run of the CI job, goes on where it was.
func ExampleRun_ownMetrics() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	deployer := prepare(ctx, server)
	killed(deployer)

	errorRate := func(revision string) float64 { return 0.001 } // your code asks Cloud Monitoring
	result, err := rollout.Run(ctx, deployer, "hello", rollout.Config{
		Steps: []int{5, 50, 100},
		Check: func(_ context.Context, c rollout.Candidate) error {
			rate := errorRate(c.Revision)
			fmt.Printf("%d %%: %s has %.1f %% errors\n", c.Percent, c.Revision, 100*rate)
			if rate > 0.01 {
				return fmt.Errorf("%.1f %% errors", 100*rate)
			}
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.PreviousSplit, "->", result.Split)
	// Output:
	// 5 %: hello-v2 has 0.1 % errors
	// 50 %: hello-v2 has 0.1 % errors
	// 100 %: hello-v2 has 0.1 % errors
	// hello-v1=100 -> hello-v2=100
}

// killed leaves a rollout at its first step: it can neither go on nor restore the traffic.
func killed(deployer *cloudrun.Deployer) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, _ = rollout.Run(ctx, deployer, "hello", rollout.Config{RestoreTimeout: time.Nanosecond, Check: func(context.Context, rollout.Candidate) error {
		cancel()
		return ctx.Err()
	}})
}
