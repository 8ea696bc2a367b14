package fleet_test

import (
	"context"
	"fmt"
	"log"

	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/fleet"
)

// A deployment of two Services in two regions, on an embedded control plane.
// Without the options of the Client it is for Cloud Run.
func ExampleDeploy() {
	server := cloudruntest.NewServer()
	defer server.Close()
	server.Script("billing", cloudruntest.ImageNotFound())

	var targets []fleet.Target
	for _, service := range []string{"api", "billing"} {
		for _, region := range []string{"us-east1", "europe-west1"} {
			targets = append(targets, fleet.Target{Project: "demo", Region: region, Service: service})
		}
	}
	report, err := fleet.Deploy(context.Background(), targets,
		fleet.WithClientOptions(option.WithHTTPClient(server.Client())),
		fleet.WithDefaults(cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.WithFailureWindow(0)),
		fleet.WithRunID("build-7"),
		fleet.WithWaves(fleet.InRegion("us-east1")),
	)
	if report == nil {
		log.Fatal(err)
	}
	for _, result := range report.Results {
		fmt.Println(result.Target, result.Outcome())
	}
	// Output:
	// api (demo, us-east1) created
	// api (demo, europe-west1) skipped
	// billing (demo, us-east1) failed
	// billing (demo, europe-west1) skipped
}
