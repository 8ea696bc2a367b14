package cloudrun_test

import (
	"context"
	"fmt"
	"log"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// A manifest describes a Service. A pipeline inserts the image, and
// ReplaceManifest makes the deployed Service equal to the manifest. ExportManifest
// writes a deployed Service in the same form.
func ExampleDeployer_ReplaceManifest() {
	server := cloudruntest.NewServer() // in place of Cloud Run
	defer server.Close()
	ctx := context.Background()
	client, err := cloudrun.NewClient(ctx, "demo", "us-central1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	manifest, err := cloudrun.ParseManifest([]byte(`
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: hello
spec:
  template:
    spec:
      containers:
      - image: set-by-the-pipeline
        resources:
          limits: {cpu: 1, memory: 512Mi}
`))
	if err != nil {
		log.Fatal(err)
	}
	manifest, err = manifest.With(cloudrun.WithImage("us-docker.pkg.dev/cloudrun/container/hello"))
	if err != nil {
		log.Fatal(err)
	}
	deployer := cloudrun.NewDeployer(client)
	for range 2 {
		result, err := deployer.ReplaceManifest(ctx, manifest)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Action, result.Percent)
	}
	exported, err := client.ExportManifest(ctx, "hello")
	if err != nil {
		log.Fatal(err)
	}
	result, err := deployer.ReplaceManifest(ctx, exported)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Action)
	// Output:
	// created 100
	// unchanged 100
	// unchanged
}

// The error lists every problem in a manifest, with its line.
func ExampleParseManifest() {
	_, err := cloudrun.ParseManifest([]byte(`apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: hello
  annotations:
    run.googleapis.com/minScale: 2
spec:
  template:
    spec:
      containers:
      - image: us-docker.pkg.dev/cloudrun/container/hello
        evn:
        - name: ANSWER
          value: "42"
`))
	fmt.Println(err)
	// Output:
	// manifest line 6: metadata.annotations[run.googleapis.com/minScale]: got the number 2, want a string: put it in quotes
	// manifest line 12: spec.template.spec.containers[0].evn: unknown field: did you mean env?
}
