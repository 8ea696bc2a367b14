// Command lifecycle is a tour of the library: it shows the life of a Service,
// step by step. At the end it deletes the Service.
//
//	go run ./examples/lifecycle --local
//	go run ./examples/lifecycle --project=my-project --region=us-central1 tour
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"time"

	"google.golang.org/api/option"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/examples/internal/cli"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

const image = "gcr.io/cloudrun/hello"

func main() {
	cli.Main(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		return run(ctx, args, stdout, stderr)
	}, runprogress.WriteError)
}

// run runs the command. The options are for the client.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, opts ...option.ClientOption) error {
	flags := flag.NewFlagSet("lifecycle", flag.ContinueOnError)
	local := flags.Bool("local", false, "use an embedded control plane instead of Cloud Run")
	project := flags.String("project", "", "`ID` of the project; by default that of the default credentials")
	region := flags.String("region", "us-central1", "`region` of Cloud Run")
	if err := cli.Parse(flags, args, "lifecycle --local | lifecycle [flags] [SERVICE]", stdout); err != nil {
		return err
	}
	if flags.NArg() > 1 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(1))
	}
	name := cmp.Or(flags.Arg(0), "tour")
	if *local {
		server := cloudruntest.NewServer(cloudruntest.WithTimeToReady(time.Second))
		defer server.Close()
		server.Handle(image, greet)
		opts, *project = server.ClientOptions(), cmp.Or(*project, "demo")
		fmt.Fprintln(stderr, "This is an embedded control plane: nothing leaves this machine.")
	}
	client, err := cloudrun.NewClient(ctx, *project, *region, opts...)
	if err != nil {
		return err
	}
	t := tour{client: client, deployer: cloudrun.NewDeployer(client), name: name, out: stdout}
	err = t.run(ctx)
	switch {
	case *local:
		return cli.Stopped(err, cli.Local)
	case t.begun:
		return cli.Stopped(err, fmt.Sprintf("service %s may exist: gcloud run services delete %[1]s --project=%s --region=%s deletes it", name, client.Project(), client.Region()))
	}
	return err
}

// greet is the container of the image on the embedded control plane.
func greet(c cloudruntest.Container) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "Hello %s from %s\n", c.Env["TARGET"], c.Revision)
	})
}

type tour struct {
	client   *cloudrun.Client
	deployer *cloudrun.Deployer
	name     string
	out      io.Writer
	begun    bool // the Service may have been created
}

func (t *tour) run(ctx context.Context) error {
	if err := t.refuseExisting(ctx); err != nil {
		return err
	}
	if err := t.create(ctx); err != nil {
		return err
	}
	if err := t.split(ctx); err != nil {
		return err
	}
	t.say("Deleting it.")
	return t.deployer.Delete(ctx, t.name)
}

func (t *tour) say(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// refuseExisting returns an error if the Service exists: somebody may need it.
func (t *tour) refuseExisting(ctx context.Context) error {
	_, err := t.client.GetService(ctx, t.name)
	if apierrors.IsNotFound(err) {
		t.say("Service %q does not exist yet.", t.name)
		return nil
	}
	if err == nil {
		err = fmt.Errorf("service %q already exists: use another name for the tour", t.name)
	}
	return err
}

// create uses the pieces of the library one by one.
func (t *tour) create(ctx context.Context) error {
	service, err := cloudrun.NewService(t.name, cloudrun.WithImage(image), cloudrun.WithEnv("TARGET", "World"))
	if err != nil {
		return err
	}
	t.say("Creating it.")
	t.begun = true
	if service, err = t.client.CreateService(ctx, service); err != nil {
		return err
	}
	t.say("Waiting for generation %d.", service.Generation)
	service, err = cloudrun.WaitReady(ctx, t.client, t.name, cloudrun.WithGeneration(service.Generation))
	if err != nil {
		return err
	}
	t.say("Revision %s is ready.", service.Status.LatestReadyRevisionName)
	if err := cloudrun.MakePublic(ctx, t.client, t.name); err != nil {
		return err
	}
	public, err := cloudrun.IsPublic(ctx, t.client, t.name)
	if err != nil {
		return err
	}
	t.say("Public: %v, at %s", public, service.Status.URL)
	return nil
}

// split deploys a second Revision and gives it a tenth of the traffic.
func (t *tour) split(ctx context.Context) error {
	second, err := t.deployer.Deploy(ctx, t.name, cloudrun.WithEnv("TARGET", "Canary"), cloudrun.WithNoTraffic(), cloudrun.WithTag("canary"))
	if err != nil {
		return err
	}
	t.say("Revision %s has %d %% of the traffic and its own URL: %s", second.Revision, second.Percent, second.TagURLs["canary"])
	split, err := t.deployer.UpdateTraffic(ctx, t.name, cloudrun.ToRevision(second.Revision, 10))
	if err != nil {
		return err
	}
	for _, target := range split.Service.Status.Traffic {
		if target.Percent != nil && *target.Percent > 0 {
			t.say("%3d %% goes to %s", *target.Percent, target.RevisionName)
		}
	}
	return nil
}
