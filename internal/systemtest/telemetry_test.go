package systemtest

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
	"github.com/cloudrun-go/cloudrun/internal/testkit/spans"
	"github.com/cloudrun-go/cloudrun/rollout"
)

var update = flag.Bool("update", false, "write the golden files")

// tracedCall is a call whose spans are a golden file.
type tracedCall struct {
	options []cloudruntest.Option
	prepare func(t *testing.T, s *cloudruntest.Server, c *cloudrun.Client) // without spans
	call    func(t *testing.T, c *cloudrun.Client)
	round   time.Duration // of durations; longer where jitter decides them
}

var tracedCalls = map[string]tracedCall{
	"deploy": {
		round:   time.Second,
		options: []cloudruntest.Option{cloudruntest.WithTimeToReady(4 * time.Second)},
		call: func(t *testing.T, c *cloudrun.Client) {
			_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(testkit.Image), cloudrun.WithRevisionSuffix("v1"), cloudrun.WithPublicAccess())
			require.NoError(t, err)
		},
	},
	"deploy-that-fails": {
		round: time.Second,
		prepare: func(_ *testing.T, s *cloudruntest.Server, _ *cloudrun.Client) {
			s.Script("hello", cloudruntest.NotListening())
		},
		call: func(t *testing.T, c *cloudrun.Client) {
			_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(testkit.Image), cloudrun.WithRevisionSuffix("v1"),
				cloudrun.WithFailureWindow(0))
			require.Error(t, err)
		},
	},
	"deploy-of-nothing": {
		call: func(t *testing.T, c *cloudrun.Client) {
			_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithCPU("many"))
			require.Error(t, err)
		},
	},
	"deploy-under-faults": {
		round:   10 * time.Minute,
		options: []cloudruntest.Option{cloudruntest.WithTimeToReady(10 * time.Second)},
		prepare: func(_ *testing.T, s *cloudruntest.Server, _ *cloudrun.Client) {
			s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: "/services/hello", Status: 503, Times: 2})
			s.Fault(cloudruntest.Fault{Method: http.MethodPost, Path: "/services", Status: 429, Header: http.Header{"Retry-After": {"20"}}})
			s.Fault(cloudruntest.Fault{Method: http.MethodPost, Path: "/services", After: true, Reset: true})
			s.Fault(cloudruntest.Fault{Method: http.MethodPost, Path: ":wait", Status: 501})
		},
		call: func(t *testing.T, c *cloudrun.Client) {
			_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(testkit.Image), cloudrun.WithRevisionSuffix("v1"),
				cloudrun.WithPollInterval(2*time.Minute, 2*time.Minute))
			require.NoError(t, err)
		},
	},
	"rollout": {
		round:   time.Second,
		prepare: stageCandidate,
		call: func(t *testing.T, c *cloudrun.Client) {
			_, err := rollout.Run(t.Context(), cloudrun.NewDeployer(c), "hello", rollout.Config{Steps: []int{10, 100}, Pause: time.Minute})
			require.NoError(t, err)
		},
	},
	"rollout-that-fails": {
		round:   time.Second,
		prepare: stageCandidate,
		call: func(t *testing.T, c *cloudrun.Client) {
			_, err := rollout.Run(t.Context(), cloudrun.NewDeployer(c), "hello", rollout.Config{
				Check: func(context.Context, rollout.Candidate) error { return errors.New("too many errors") }})
			require.Error(t, err)
		},
	},
}

// stageCandidate deploys two Revisions, the second of which gets no traffic.
func stageCandidate(t *testing.T, _ *cloudruntest.Server, c *cloudrun.Client) {
	_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(testkit.Image), cloudrun.WithRevisionSuffix("v1"))
	require.NoError(t, err)
	_, err = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(testkit.Image), cloudrun.WithRevisionSuffix("v2"), cloudrun.WithNoTraffic())
	require.NoError(t, err)
}

// The spans of calls, with their events, attributes and requests, are golden files.
func TestSpanTrees(t *testing.T) {
	t.Parallel()
	for name, tc := range tracedCalls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InVirtualTime(t, func(t *testing.T) {
				s, plain := testkit.NewServer(t, tc.options...)
				if tc.prepare != nil {
					tc.prepare(t, s, plain)
				}
				recorder := spans.NewRecorder()
				c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", append(s.ClientOptions(), cloudrun.WithTracerProvider(recorder.Provider()))...)
				require.NoError(t, err)
				tc.call(t, c)
				require.Empty(t, recorder.Open())
				compareGolden(t, filepath.Join("testdata", "spans", name+".txt"), recorder.Tree(tc.round))
			})
		})
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}
