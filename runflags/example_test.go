package runflags_test

import (
	"context"
	"errors"
	"fmt"
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
	// deploy service "other": argument --run-image: missing: the container needs an image
}
