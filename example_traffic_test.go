package cloudrun_test

import (
	"context"
	"fmt"
	"log"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// twoRevisions returns a Deployer of an embedded control plane with a Service of
// two Revisions. The newer one gets all traffic.
func twoRevisions(ctx context.Context, server *cloudruntest.Server) *cloudrun.Deployer {
	client, err := cloudrun.NewClient(ctx, "demo", "us-central1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	deployer := cloudrun.NewDeployer(client, cloudrun.WithImage("gcr.io/cloudrun/hello"))
	for _, suffix := range []string{"v1", "v2"} {
		if _, err := deployer.Deploy(ctx, "hello", cloudrun.WithRevisionSuffix(suffix)); err != nil {
			log.Fatal(err)
		}
	}
	return deployer
}

// A tenth of the traffic goes to an earlier Revision, which gets a tag with a URL
// of its own. The other Revisions share the rest, as with gcloud.
func ExampleDeployer_UpdateTraffic() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	deployer := twoRevisions(ctx, server)

	result, err := deployer.UpdateTraffic(ctx, "hello", cloudrun.ToRevision("hello-v1", 10), cloudrun.WithTagOn("old", "hello-v1"))
	if err != nil {
		log.Fatal(err)
	}
	for _, target := range result.Service.Status.Traffic {
		if target.Percent != nil && *target.Percent > 0 {
			fmt.Println(target.RevisionName, *target.Percent)
		}
	}
	fmt.Println(result.TagURLs["old"] != "")
	// Output:
	// hello-v1 10
	// hello-v2 90
	// true
}

// PruneRevisions keeps the newest Revision, and those that are in use.
func ExampleDeployer_PruneRevisions() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	deployer := twoRevisions(ctx, server)
	for _, suffix := range []string{"v3", "v4"} {
		if _, err := deployer.Deploy(ctx, "hello", cloudrun.WithRevisionSuffix(suffix)); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := deployer.UpdateTraffic(ctx, "hello", cloudrun.ToRevision("hello-v2", 10)); err != nil {
		log.Fatal(err)
	}

	deleted, err := deployer.PruneRevisions(ctx, "hello", 1)
	if err != nil {
		log.Fatal(err)
	}
	for _, revision := range deleted {
		fmt.Println("deleted", revision.Name)
	}
	kept, err := deployer.Revisions(ctx, "hello")
	if err != nil {
		log.Fatal(err)
	}
	for _, revision := range kept {
		fmt.Println("kept", revision.Name, revision.Percent)
	}
	// Output:
	// deleted hello-v1
	// deleted hello-v3
	// kept hello-v4 90
	// kept hello-v2 10
}

// A dry run returns what a rollback would do. The previous traffic of a call restores what it changed.
func ExampleDeployer_Rollback() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	deployer := twoRevisions(ctx, server)

	would, err := deployer.Rollback(ctx, "hello", cloudrun.RollbackTo("hello-v1"), cloudrun.DryRun())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(would)
	done, err := deployer.UpdateTraffic(ctx, "hello", cloudrun.ToRevision("hello-v1", 40))
	if err != nil {
		log.Fatal(err)
	}
	back, err := deployer.Rollback(ctx, "hello", cloudrun.RollbackToTraffic(done.PreviousTraffic))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(back)
	// Output:
	// traffic: LATEST=100 -> hello-v1=100
	// traffic: LATEST=60,hello-v1=40 -> LATEST=100
}

// The traffic and a note about it change in one write.
func ExampleEditTraffic() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	deployer := twoRevisions(ctx, server)

	result, err := deployer.UpdateTraffic(ctx, "hello", cloudrun.ToRevision("hello-v1", 100),
		cloudrun.EditTraffic(func(s *servingv1.Service) error {
			s.Annotations["example.com/ticket"] = "OPS-7"
			return nil
		}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Service.Spec.Traffic[0].RevisionName, result.Service.Annotations["example.com/ticket"])
	// Output: hello-v1 OPS-7
}
