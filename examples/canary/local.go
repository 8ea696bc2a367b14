package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/rollout"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

const (
	image    = "gcr.io/cloudrun/hello"
	requests = 1000
)

// demonstrate shows a release that succeeds and one that is rolled back.
func demonstrate(ctx context.Context, server *cloudruntest.Server, stdout, stderr io.Writer) error {
	server.Handle(image, greet)
	fmt.Fprintln(stderr, "This is an embedded control plane: nothing leaves this machine.")
	client, err := cloudrun.NewClient(ctx, "demo", "us-central1", server.ClientOptions()...)
	if err != nil {
		return err
	}
	c := &canary{deployer: cloudrun.NewDeployer(client), service: "hello", out: stdout, messages: stderr}
	if _, err := c.deploy(ctx, cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v1"), cloudrun.WithPublicAccess()); err != nil {
		return err
	}
	watched := watched(server.Client())

	fmt.Fprintln(stdout, "\n1. A release that succeeds")
	if err := c.release(ctx, watched, cloudrun.WithRevisionSuffix("v2")); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "\n2. A release that is rolled back")
	err = c.release(ctx, watched, cloudrun.WithRevisionSuffix("v3"), cloudrun.WithEnv("BROKEN", "true"))
	var failed *rollout.Error
	if !errors.As(err, &failed) || failed.Outcome != rollout.Restored {
		return errors.Join(errors.New("the second release should have failed and been rolled back"), err)
	}
	fmt.Fprintf(stdout, "It failed with %d %% of the traffic, which went back.\n", failed.Percent)
	runprogress.WriteError(stderr, failed.Err)
	return nil
}

// greet is the container of the image on the embedded control plane.
func greet(c cloudruntest.Container) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if c.Env["BROKEN"] != "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprint(w, c.Revision)
	})
}

// watched returns a rollout that shows at every step how requests are divided.
func watched(client *http.Client) func(out io.Writer) rollout.Config {
	check := rollout.CheckHTTP(rollout.HTTPProbes{Requests: 20, Client: client})
	return func(out io.Writer) rollout.Config {
		return rollout.Config{Steps: []int{5, 25, 100}, Check: func(ctx context.Context, candidate rollout.Candidate) error {
			counts, err := countRevisions(ctx, client, candidate.URL)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "  %3d %%: of %d requests, %s\n", candidate.Percent, requests, counts)
			return check(ctx, candidate)
		}}
	}
}

// countRevisions sends requests and returns how many of them each Revision answered.
func countRevisions(ctx context.Context, client *http.Client, url string) (string, error) {
	counts := map[string]int{}
	for range requests {
		revision, err := fetch(ctx, client, url)
		if err != nil {
			return "", err
		}
		counts[revision]++
	}
	var parts []string
	for _, revision := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s got %d", revision, counts[revision]))
	}
	return strings.Join(parts, ", "), nil
}

func fetch(ctx context.Context, client *http.Client, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	return string(text), err
}
