package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/fleet"
)

// demonstrate deploys 30 Services in 3 regions. The first run is interrupted, the
// second one goes on and meets failures, and the third one finishes.
func demonstrate(ctx context.Context, server *cloudruntest.Server, stdout, stderr io.Writer) error {
	fmt.Fprintln(stderr, "This is an embedded control plane: nothing leaves this machine.")
	server.SetQuota(cloudruntest.Quota{Writes: 5, Reads: 50})
	server.Script("service-07", cloudruntest.SecretDenied())
	server.Script("service-19", cloudruntest.ImageNotFound())
	var targets []fleet.Target
	for i := range 30 {
		for _, region := range []string{"us-central1", "europe-west1", "asia-east1"} {
			targets = append(targets, fleet.Target{Project: "demo", Region: region, Service: fmt.Sprintf("service-%02d", i+1)})
		}
	}
	options := []fleet.Option{
		fleet.WithClientOptions(option.WithHTTPClient(server.Client())), fleet.WithRunID("build-7"),
		fleet.WithDefaults(cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.WithLabel("fleet", "demo")),
	}

	fmt.Fprintln(stdout, "\n1. A run that is interrupted after four seconds")
	short, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	if err := deploy(short, targets, io.Discard, stderr, options...); err == nil {
		return errors.New("the first run should have been interrupted")
	}

	fmt.Fprintln(stdout, "\n2. The same run again: it goes on, and two Services fail")
	if err := deploy(ctx, targets, stdout, stderr, options...); err == nil {
		return errors.New("the second run should have met failures")
	}

	fmt.Fprintln(stdout, "\n3. The same run, after the causes were corrected")
	server.Script("service-07", cloudruntest.Script{})
	server.Script("service-19", cloudruntest.Script{})
	return deploy(ctx, targets, io.Discard, stderr, options...)
}
