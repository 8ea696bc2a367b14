package runflags_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/spf13/pflag"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/runflags"
)

// A CLI has gcloud's flags behind a prefix, because it has a flag --port of its
// own. With cobra, fs is cmd.Flags(), and this is the command's RunE.
func ExampleRegister() {
	server := cloudruntest.NewServer(cloudruntest.InProcess())
	defer server.Close()

	deploy := func(ctx context.Context, args ...string) error {
		fs := pflag.NewFlagSet("deploy", pflag.ContinueOnError)
		fs.Int("port", 8080, "`port` of the admin page")
		flags := runflags.Register(fs, runflags.Prefix("run-"))
		if err := fs.Parse(args); err != nil {
			return runflags.Explain(fs, err)
		}
		opts, err := flags.Options("demo", "us-central1")
		if err != nil && !errors.Is(err, runflags.ErrNoChange) { // every call makes a new Revision
			return err
		}
		client, err := cloudrun.NewClient(ctx, "demo", "us-central1", server.ClientOptions()...)
		if err != nil {
			return err
		}
		result, err := cloudrun.NewDeployer(client).Deploy(ctx, fs.Arg(0), opts...)
		if err != nil {
			return flags.Explain(err)
		}
		fmt.Println(result.Action, result.URL)
		return nil
	}
	for _, line := range []string{
		"web --run-image=gcr.io/cloudrun/hello --run-memory=1Gi", "web",
		"web --run-memroy=1Gi", "web --run-set-env-vars=PORT=1", "other --run-memory=1Gi",
	} {
		if err := deploy(context.Background(), strings.Fields(line)...); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// created https://web-123456789012.us-central1.run.app
	// updated https://web-123456789012.us-central1.run.app
	// unrecognized arguments: --run-memroy (did you mean '--run-memory'?)
	// argument --run-set-env-vars: PORT is set by Cloud Run in the ingress container: use --run-port
	// deploy service "other": argument --run-image: missing: service "other" does not exist, and a new one needs an image: check the name and the region, or set an image
}

// A program with gcloud's flags and one of its own.
func Example() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	client, err := cloudrun.NewClient(ctx, "demo", "us-central1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}

	fs := pflag.NewFlagSet("release", pflag.ContinueOnError)
	service := fs.String("service", "", "the Service")
	flags := runflags.Register(fs)
	args := []string{"--service=hello", "--image=gcr.io/cloudrun/hello", "--memory=1Gi", "--set-env-vars=^@^GREETING=Hi, all@LANG=en", "--allow-unauthenticated"}
	if err := fs.Parse(args); err != nil {
		log.Fatal(runflags.Explain(fs, err))
	}
	opts, err := flags.Options(client.Project(), client.Region())
	if err != nil {
		log.Fatal(err)
	}
	result, err := cloudrun.NewDeployer(client).Deploy(ctx, *service, opts...)
	if err != nil {
		log.Fatal(flags.Explain(err))
	}
	fmt.Println(result.Action, result.Service.Spec.Template.Spec.Containers[0].Env[0].Value)
	// Output: created Hi, all
}

// All mistakes are reported together, each with its flag.
func ExampleFlags_Options_mistakes() {
	fs := pflag.NewFlagSet("release", pflag.ContinueOnError)
	flags := runflags.Register(fs)
	if err := fs.Parse([]string{"--image=gcr.io/cloudrun/hello", "--port=70000", "--timeout=2h"}); err != nil {
		log.Fatal(err)
	}
	_, err := flags.Options("demo", "us-central1")
	fmt.Println(err)
	// Output:
	// argument --port: bad value [70000]: must be an integer between 1 and 65535, inclusive, or "default"
	// argument --timeout: must be in whole seconds, from 1s to 1h0m0s
}

// The flags of "gcloud run services update-traffic".
func ExampleRegisterTraffic() {
	server := cloudruntest.NewServer()
	defer server.Close()
	ctx := context.Background()
	client, err := cloudrun.NewClient(ctx, "demo", "us-central1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	deployer := cloudrun.NewDeployer(client)
	for _, suffix := range []string{"v1", "v2"} {
		if _, err := deployer.Deploy(ctx, "hello", cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.WithRevisionSuffix(suffix)); err != nil {
			log.Fatal(err)
		}
	}

	fs := pflag.NewFlagSet("traffic", pflag.ContinueOnError)
	flags := runflags.RegisterTraffic(fs)
	if err := fs.Parse([]string{"--to-revisions=hello-v1=25"}); err != nil {
		log.Fatal(runflags.Explain(fs, err))
	}
	opts, err := flags.Options()
	if err != nil {
		log.Fatal(err)
	}
	result, err := deployer.UpdateTraffic(ctx, "hello", opts...)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(result.Service.Spec.Traffic), "targets")
	// Output: 2 targets
}
