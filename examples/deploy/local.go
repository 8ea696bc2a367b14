package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

const helloImage = "gcr.io/cloudrun/hello"

// local is an embedded control plane for a demonstration.
type local struct{ server *cloudruntest.Server }

// startLocal starts an embedded control plane and directs the command to it.
func (c *command) startLocal() *local {
	l := &local{cloudruntest.NewServer(cloudruntest.WithTimeToReady(1500 * time.Millisecond))}
	l.server.Handle(helloImage, hello)
	c.options = append(c.options, l.server.ClientOptions()...)
	c.fetch = l.fetch
	if !c.flags.Changed("project") {
		c.project = "demo"
	}
	if !c.flags.Changed("region") {
		c.region = "us-central1"
	}
	fmt.Fprintln(c.stderr, "This is an embedded control plane on this machine: nothing goes to Google Cloud.")
	return l
}

func (l *local) close() { l.server.Close() }

// defaults returns the options that apply unless flags override them.
func (l *local) defaults() []cloudrun.DeployOption {
	return []cloudrun.DeployOption{cloudrun.WithImage(helloImage), cloudrun.WithPublicAccess()}
}

// hello is the container of the image on the embedded control plane.
func hello(c cloudruntest.Container) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "It's running! Service %s, revision %s.\n", c.Env["K_SERVICE"], c.Env["K_REVISION"])
	})
}

// fetch gets the page of the deployed Service and prints it, unless the Service is not ready yet.
func (l *local) fetch(ctx context.Context, stderr io.Writer, result *cloudrun.Result) error {
	defer fmt.Fprintln(stderr, "That was local: the service is gone with this command.\nFor Cloud Run, use --project and --region instead of --local.")
	if result.URL == "" || !result.Service.IsReady() {
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, result.URL, nil)
	if err != nil {
		return err
	}
	response, err := l.server.Client().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	fmt.Fprintf(stderr, "GET %s: %s\n", result.URL, response.Status)
	if response.StatusCode != http.StatusOK {
		return nil // such as of a Service that is not public
	}
	page, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	fmt.Fprintf(stderr, "  %s\n", strings.TrimSpace(string(page)))
	return err
}
