package main

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit/transcript"
)

var update = flag.Bool("update", false, "write the golden files")

// The transcripts show what a person sees at the end, in virtual time.
func TestTranscripts(t *testing.T) {
	const message = "The user-provided container failed to start and listen on the port defined provided by the PORT=8080 environment variable within the allocated timeout. " +
		"This can happen when the container port is misconfigured or if the timeout is too short. Logs for this revision might contain more information."
	for name, tc := range map[string]struct {
		script cloudruntest.Script
		args   []string
	}{
		"deploy":         {cloudruntest.Script{TimeToReady: 12 * time.Second}, []string{"--allow-unauthenticated", "--tag=blue"}},
		"failing-deploy": {cloudruntest.Script{TimeToReady: 12 * time.Second, FailRevision: &cloudruntest.Failure{Message: message}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			transcript.Check(t, name, *update, func(t *testing.T, tty *os.File) {
				s := cloudruntest.NewServer(cloudruntest.InProcess())
				defer s.Close()
				s.Script("hello", tc.script)
				args := append([]string{"hello", "--image=gcr.io/cloudrun/hello", "--project=demo", "--region=us-central1", "--revision-suffix=v1"}, tc.args...)
				err := run(t.Context(), args, tty, tty, s.ClientOptions()...)
				require.Equal(t, tc.script.FailRevision != nil, err != nil, err)
				if err != nil {
					report(tty, err)
				}
			})
		})
	}
}
