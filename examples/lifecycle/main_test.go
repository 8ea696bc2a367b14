package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/examples/internal/cli"
)

func TestTourOfAnEmbeddedControlPlane(t *testing.T) {
	t.Parallel()
	var out, messages bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--local"}, &out, &messages))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		`Service "tour" does not exist yet\.`, `Creating it\.`, `Waiting for generation 1\.`, `Revision tour-00001-\w+ is ready\.`,
		`Public: true, at http`, `Revision tour-00002-\w+ has 0 % of the traffic and its own URL: http`,
		` 90 % goes to tour-00001-`, ` 10 % goes to tour-00002-`, `Deleting it\.`,
	} {
		require.Regexp(t, want, lines[i])
	}
	require.Contains(t, messages.String(), "embedded control plane")
}

// Ctrl-C says what becomes of the Service.
func TestInterruptedTour(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer(cloudruntest.WithTimeToReady(time.Hour))
	t.Cleanup(s.Close)
	for want, args := range map[string][]string{
		"that was local, and the service is gone with this command":                                              {"--local"},
		"service tour may exist: gcloud run services delete tour --project=demo --region=us-central1 deletes it": {"--project=demo"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var messages bytes.Buffer
		err := run(ctx, args, writerFunc(func(p []byte) (int, error) {
			if bytes.HasPrefix(p, []byte("Waiting for generation")) {
				cancel()
			}
			return len(p), nil
		}), &messages, s.ClientOptions()...)
		require.EqualError(t, err, want)
		require.Equal(t, 130, cli.Code(err))
		cancel()
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestTourRejectsUnknownFlags(t *testing.T) {
	t.Parallel()
	var out, messages bytes.Buffer
	require.Error(t, run(t.Context(), []string{"--nope"}, &out, &messages))
	require.Error(t, run(t.Context(), []string{"--local", "Not A Name"}, &out, &messages))
	require.ErrorContains(t, run(t.Context(), []string{"--local", "one", "two"}, &out, &messages), `unexpected argument "two"`)
	require.ErrorContains(t, run(t.Context(), []string{"--local", "--region=Nowhere"}, &out, &messages), `region "Nowhere"`)
}
