package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit/transcript"
)

var update = flag.Bool("update", false, "write the golden files")

// message is what Cloud Run says of a container that does not listen.
const message = "The user-provided container failed to start and listen on the port defined provided by the PORT=8080 environment variable within the allocated timeout. " +
	"This can happen when the container port is misconfigured or if the timeout is too short. Logs for this revision might contain more information."

// The transcripts show what a person sees at the end, in virtual time.
func TestTranscripts(t *testing.T) {
	for name, tc := range map[string]struct {
		script cloudruntest.Script
		args   []string
	}{
		"deploy":         {cloudruntest.Script{TimeToReady: 12 * time.Second}, []string{"--allow-unauthenticated", "--tag=blue"}},
		"failing-deploy": {cloudruntest.Script{TimeToReady: 12 * time.Second, FailRevision: &cloudruntest.Failure{Message: message, Log: lastWords()}}, nil},
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

// The pictures of the README are made from the same command, below its prompt.
func TestPictures(t *testing.T) {
	t.Setenv("CLOUDSDK_CORE_PROJECT", "demo")
	t.Setenv("CLOUDSDK_RUN_REGION", "us-central1")
	for name, tc := range map[string]struct {
		title, command string
		script         cloudruntest.Script
	}{
		"deploy": {"A deployment on a terminal: the Revision is created, gets the traffic, and the Service is public",
			"deploy hello --image=gcr.io/cloudrun/hello --revision-suffix=v1 --allow-unauthenticated", cloudruntest.Script{TimeToReady: 12 * time.Second}},
		"failure": {"A deployment that fails: which stage failed, why, what to do and where the log is",
			"deploy hello --image=gcr.io/cloudrun/hello:v2 --revision-suffix=v2", cloudruntest.Script{TimeToReady: 12 * time.Second, FailRevision: &cloudruntest.Failure{Message: message, Log: lastWords()}}},
	} {
		t.Run(name, func(t *testing.T) {
			transcript.Draw(t, "../../docs/images/"+name, tc.title, *update, func(t *testing.T, tty *os.File) {
				s := cloudruntest.NewServer(cloudruntest.InProcess())
				defer s.Close()
				if tc.script.FailRevision != nil {
					require.NoError(t, run(t.Context(), []string{"hello", "--image=gcr.io/cloudrun/hello", "--revision-suffix=v1", "--quiet", "--format=none"}, tty, tty, s.ClientOptions()...))
				}
				s.Script("hello", tc.script)
				fmt.Fprintf(tty, "\x1b[1m$ %s\x1b[0m\n", tc.command)
				if err := run(t.Context(), strings.Fields(tc.command)[1:], tty, tty, s.ClientOptions()...); err != nil {
					report(tty, err)
				}
			})
		})
	}
}

// lastWords is what the container that fails wrote.
func lastWords() []string {
	return []string{
		`{"severity": "INFO", "message": "connecting to the database"}`,
		"Traceback (most recent call last):",
		`  File "/app/main.py", line 12, in <module>`,
		"ConnectionError: no route to db.internal:5432",
	}
}
