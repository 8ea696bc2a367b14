package main

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/fleet"
	"github.com/cloudrun-go/cloudrun/internal/testkit/transcript"
)

var update = flag.Bool("update", false, "write the golden files")

// Each target is a line above the progress, no old drawing remains, and the table fits.
func TestTranscript(t *testing.T) {
	transcript.Check(t, "fleet", *update, func(t *testing.T, tty *os.File) {
		s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithTimeToReady(3*time.Second))
		defer s.Close()
		s.Script("catalog", cloudruntest.NotListening())
		var targets []fleet.Target
		for _, service := range []string{"api", "billing", "catalog", "recommendations-of-the-day"} {
			targets = append(targets, fleet.Target{Project: "demo", Region: "us-central1", Service: service})
		}
		err := deploy(t.Context(), targets, tty, tty, fleet.WithRunID("build-7"), fleet.WithConcurrency(1), fleet.WithStopAfter(1),
			fleet.WithClientOptions(option.WithHTTPClient(s.Client())), fleet.WithDefaults(cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.WithRevisionSuffix("v1")))
		require.Error(t, err)
	})
}
