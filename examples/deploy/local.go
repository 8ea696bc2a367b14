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
	c.project, c.region, c.fetch = "demo", "us-central1", l.fetch
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

// fetch gets the deployed page and prints it.
func (l *local) fetch(ctx context.Context, stderr io.Writer, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := l.server.Client().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "GET %s: %s\n  %s\n", url, response.Status, strings.TrimSpace(string(page)))
	fmt.Fprintln(stderr, "That was local: the service is gone with this command. For Cloud Run, use --project and --region instead of --local.")
	return nil
}
