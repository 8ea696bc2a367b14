package systemtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/api/option"

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

// Deployments are counted once each, whether they succeed or fail, and nothing else is.
func TestDeploymentsAreCounted(t *testing.T) {
	t.Parallel()
	testkit.InVirtualTime(t, func(t *testing.T) {
		s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithTimeToReady(4*time.Second))
		defer s.Close()
		reader := sdkmetric.NewManualReader()
		c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1",
			append(s.ClientOptions(), cloudrun.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))...)
		require.NoError(t, err)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(testkit.Image))
		deploy := func(opts ...cloudrun.DeployOption) { _, _ = d.Deploy(t.Context(), "hello", opts...) }
		deploy(cloudrun.WithRevisionSuffix("v1"))
		deploy(cloudrun.Async())
		deploy(cloudrun.IfChanged())
		deploy(cloudrun.WithCPU("many"))
		s.Script("hello", cloudruntest.NotListening())
		deploy()
		s.Script("hello", cloudruntest.Script{})
		s.Fault(cloudruntest.Fault{Method: http.MethodPut, Status: 503})
		deploy()
		plan, err := d.Plan(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		_, err = d.Apply(t.Context(), plan)
		require.NoError(t, err)
		_, err = d.Apply(t.Context(), plan)
		require.Error(t, err)
		exported, err := c.ExportManifest(t.Context(), "hello")
		require.NoError(t, err)
		_, err = d.ReplaceManifest(t.Context(), exported, cloudrun.DryRun())
		require.NoError(t, err)
		_, err = d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-v1", 100))
		require.NoError(t, err)

		require.Equal(t, []string{
			"cloudrun.deployment.duration: created 1",
			"cloudrun.deployment.duration: updated 2",
			"cloudrun.deployments: failed NotReadyError wait written 1",
			"cloudrun.deployments: failed OptionError options not written 1",
			"cloudrun.deployments: failed PlanStaleError write not written 1",
			"cloudrun.deployments: succeeded created 1",
			"cloudrun.deployments: succeeded unchanged 1",
			"cloudrun.deployments: succeeded updated 3",
			"cloudrun.retries: 503 write 1",
		}, counted(t, reader))
	})
}

// counted returns how often each metric but that of requests was recorded, with the attributes that are not its place.
func counted(t *testing.T, reader sdkmetric.Reader) (all []string) {
	var data metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &data))
	add := func(name string, n any, set attribute.Set) {
		text := name + ":"
		for _, key := range []attribute.Key{"deployment.status", "error.type", "cloudrun.action", "cloudrun.stage", "cloudrun.outcome"} {
			if value, ok := set.Value(key); ok {
				text += " " + value.String()
			}
		}
		all = append(all, fmt.Sprint(text, " ", n))
		require.True(t, set.HasValue("cloud.region"))
	}
	for _, m := range data.ScopeMetrics[0].Metrics {
		switch points := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range points.DataPoints {
				add(m.Name, p.Value, p.Attributes)
			}
		case metricdata.Histogram[float64]:
			for _, p := range points.DataPoints {
				if m.Name != "http.client.request.duration" {
					add(m.Name, p.Count, p.Attributes)
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// The events of a rollout have its step, and the spans of WaitReady are those of its Client.
func TestStepsAndWaits(t *testing.T) {
	t.Parallel()
	testkit.InVirtualTime(t, func(t *testing.T) {
		s, plain := testkit.NewServer(t)
		stageCandidate(t, s, plain)
		recorder := spans.NewRecorder()
		c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", append(s.ClientOptions(), cloudrun.WithTracerProvider(recorder.Provider()))...)
		require.NoError(t, err)
		steps := map[cloudrun.Stage][]int{}
		_, err = rollout.Run(t.Context(), cloudrun.NewDeployer(c), "hello", rollout.Config{Steps: []int{10, 100}}, cloudrun.WithProgress(func(e cloudrun.Event) {
			if e.Kind == cloudrun.StageDone {
				steps[e.Stage] = append(steps[e.Stage], e.Step)
				require.Equal(t, "us-central1", e.Region)
			}
		}))
		require.NoError(t, err)
		require.Equal(t, map[cloudrun.Stage][]int{cloudrun.StageWrite: {10, 100, 0}, cloudrun.StageWait: {10, 100, 0}, cloudrun.StageCheck: {10, 100}}, steps)

		recorder = spans.NewRecorder()
		c, err = cloudrun.NewClient(t.Context(), "demo", "us-central1", append(s.ClientOptions(), cloudrun.WithTracerProvider(recorder.Provider()))...)
		require.NoError(t, err)
		_, err = cloudrun.WaitReady(t.Context(), struct{ *cloudrun.Client }{c}, "hello")
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(recorder.Tree(time.Second), "wait for service\n"), recorder.Tree(time.Second))
		_, err = cloudrun.WaitReady(t.Context(), c, "other")
		require.Error(t, err)
		require.Contains(t, recorder.Tree(time.Second), "wait for service FAILED: ")
		require.Empty(t, recorder.Open())
	})
}

// A trace does not make a wait poll more often.
func TestTracesNeedNoPolls(t *testing.T) {
	t.Parallel()
	for _, options := range [][]option.ClientOption{nil, {cloudrun.WithTracerProvider(spans.NewRecorder().Provider())}} {
		testkit.InVirtualTime(t, func(t *testing.T) {
			s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithTimeToReady(7*time.Second))
			defer s.Close()
			c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", append(s.ClientOptions(), options...)...)
			require.NoError(t, err)
			_, err = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(testkit.Image))
			require.NoError(t, err)
			require.Len(t, s.Requests(), 3)
		})
	}
}
