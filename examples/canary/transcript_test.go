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

// Every line of the program is above the progress, and no old drawing remains.
func TestTranscript(t *testing.T) {
	transcript.Check(t, "canary", *update, func(t *testing.T, tty *os.File) {
		s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithTimeToReady(3*time.Second))
		defer s.Close()
		require.NoError(t, demonstrate(t.Context(), s, tty, tty))
	})
}
