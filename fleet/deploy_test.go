package fleet_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/fleet"
)

func TestDeploy(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t, cloudruntest.WithTimeToReady(5*time.Second))
		all := targets(3, "us-central1", "europe-west1")
		all[0].Options = []cloudrun.DeployOption{cloudrun.WithMemory("1Gi")}
		all[1].Project = "other"
		report, err := fleet.Deploy(t.Context(), all, options...)
		require.NoError(t, err)
		requireOnce(t, s, all)
		require.Len(t, report.Results, len(all))
		for i, r := range report.Results {
			require.Equal(t, all[i].String(), r.Target.String())
			require.Equal(t, fleet.Deployed, r.Status)
			require.Equal(t, cloudrun.Created, r.Action())
			require.Contains(t, r.Revision(), r.Target.Service)
			require.NotEmpty(t, r.URL())
			require.Empty(t, r.Cause())
			require.True(t, r.Deployment.Ready)
			require.GreaterOrEqual(t, r.Duration, 5*time.Second)
		}
		require.Less(t, report.Duration, 10*time.Second, "beside each other")
		require.Equal(t, "1Gi", report.Results[0].Deployment.Service.Spec.Template.Spec.Containers[0].Resources.Limits.Memory().String())

		lines := strings.Split(report.String(), "\n")
		require.Len(t, lines, len(all)+3)
		require.Regexp(t, `^service-1 +us-central1 +demo +created +service-1-00001-\w+ +\d\.\d +https://`, lines[1])
		require.Regexp(t, `^6 deployed in \d\.?\d*s \(run run-[a-z]{10}\)$`, lines[len(lines)-2])
		encoded, err := json.Marshal(report)
		require.NoError(t, err)
		require.Contains(t, string(encoded), `{"service":"service-1","project":"other","region":"europe-west1","wave":1,"status":"deployed","action":"created","revision":"service-1-00001-`)
	})
}

// Each target fails alone, and the error leads to the cause of each.
func TestDeployReportsFailures(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t)
		s.Script("service-2", cloudruntest.SecretDenied())
		s.Fault(cloudruntest.Fault{Method: "POST", Match: bodyHas(`"name":"service-3"`), Status: 403, Times: -1})
		report, err := fleet.Deploy(t.Context(), targets(4, "us-central1"), options...)
		require.Equal(t, []fleet.Status{fleet.Deployed, fleet.Failed, fleet.Failed, fleet.Deployed}, statuses(report))
		var failed *fleet.Error
		require.ErrorAs(t, err, &failed)
		require.Len(t, failed.Targets, 2)
		var notReady *cloudrun.NotReadyError
		require.ErrorAs(t, failed.Targets[0], &notReady)
		require.ErrorAs(t, err, &notReady)
		var denied *cloudrun.APIError
		require.ErrorAs(t, failed.Targets[1], &denied)
		require.Equal(t, 403, denied.StatusCode())
		require.Equal(t, report.Err().Error(), err.Error())
		require.ErrorContains(t, err, "2 of 4 targets are not deployed: service-2 (demo, us-central1): ")
		require.ErrorContains(t, err, "; and 1 more; run \"run-")
		require.Contains(t, report.Results[1].Cause(), "Permission denied on secret")
		require.NotContains(t, report.String(), "\n\n")
		require.Contains(t, report.Summary(), "2 deployed, 2 failed in ")
	})
}

// Mistakes are reported all at once, and nothing is sent.
func TestDeployChecksFirst(t *testing.T) {
	t.Parallel()
	s, options := newServer(t)
	good := targets(1, "us-central1")[0]
	for want, call := range map[string]struct {
		targets []fleet.Target
		options []fleet.Option
	}{
		`target 1, hello (x): region "x"`:                   {[]fleet.Target{{Region: "x", Service: "hello"}}, nil},
		`target 1, A (us-east1): service name "A"`:          {[]fleet.Target{{Region: "us-east1", Service: "A"}}, nil},
		`target 1, a (X, us-east1): project "X"`:            {[]fleet.Target{{Project: "X", Region: "us-east1", Service: "a"}}, nil},
		"target 2, service-1 (demo, us-central1): the same": {[]fleet.Target{good, good}, nil},
		`WithMemory("many")`:                                {[]fleet.Target{{Region: "us-east1", Service: "a", Options: []cloudrun.DeployOption{cloudrun.WithMemory("many")}}}, nil},
		`WithCPU("many")`:                                   {nil, []fleet.Option{fleet.WithDefaults(cloudrun.WithCPU("many"))}},
		"an option is nil":                                  {nil, []fleet.Option{nil}},
		"fleet.WithRunID: must be 1 to 63":                  {nil, []fleet.Option{fleet.WithRunID("a/b")}},
		"fleet.WithConcurrency: must be at least 1":         {nil, []fleet.Option{fleet.WithConcurrency(0)}},
		"fleet.WithStopAfter: must not be negative":         {nil, []fleet.Option{fleet.WithStopAfter(-1)}},
		"fleet.WithWaves: a function is nil":                {nil, []fleet.Option{fleet.WithWaves(nil)}},
		"fleet.WithClient: the client is nil":               {nil, []fleet.Option{fleet.WithClient(nil)}},
		"fleet.WithProgress: the function is nil":           {nil, []fleet.Option{fleet.WithProgress(nil)}},
	} {
		report, err := fleet.Deploy(t.Context(), append(call.targets, good), with(options, call.options...)...)
		require.ErrorContains(t, err, want)
		require.Nil(t, report)
	}
	_, err := fleet.Deploy(t.Context(), []fleet.Target{{Region: "x", Service: "A"}}, with(options, fleet.WithRunID(""))...)
	for _, want := range []string{"region", "service", "WithRunID"} {
		require.ErrorContains(t, err, want)
	}
	require.Empty(t, s.Requests())
	report, err := fleet.Deploy(t.Context(), nil, options...)
	require.NoError(t, err)
	require.Empty(t, report.Results)
}

// A Client that is given brings its connections and its project.
func TestDeployWithClient(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t)
		c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithHTTPClient(s.Client()))
		require.NoError(t, err)
		all := []fleet.Target{{Region: "us-east1", Service: "a"}, {Project: "other", Region: "us-west1", Service: "a"}}
		report, err := fleet.Deploy(t.Context(), all, fleet.WithClient(c), options[1])
		require.NoError(t, err)
		require.Equal(t, "demo", report.Results[0].Deployment.Project)
		require.Equal(t, "other", report.Results[1].Deployment.Project)
	})
}

// Events come in order, one at a time, and never after the call.
func TestDeployReportsProgress(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t, cloudruntest.WithTimeToReady(time.Second))
		s.Script("service-2", cloudruntest.SecretDenied())
		busy, ended := false, false
		seen := map[int][]fleet.EventKind{}
		finished := 0
		report, err := fleet.Deploy(t.Context(), targets(20, "us-central1"), with(options, fleet.WithProgress(func(e fleet.Event) {
			require.False(t, busy || ended)
			busy = true
			time.Sleep(time.Millisecond)
			busy = false
			require.Equal(t, 20, e.Total)
			require.Equal(t, e.Kind == fleet.TargetProgress, e.Progress != nil)
			require.Equal(t, e.Kind == fleet.TargetFinished, e.Result != nil)
			if seen[e.Index] = append(seen[e.Index], e.Kind); e.Result != nil {
				finished++
			}
		}))...)
		ended = true
		require.Error(t, err)
		require.Equal(t, 20, finished)
		require.Equal(t, 1, report.Count(fleet.Failed))
		for _, kinds := range seen {
			require.Equal(t, fleet.TargetStarted, kinds[0])
			require.Equal(t, fleet.TargetFinished, kinds[len(kinds)-1])
		}
	})
}

// A handler that panics ends the call with the same panic, and nothing goes on.
func TestPanicOfAHandler(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t, cloudruntest.WithTimeToReady(time.Minute))
		oops := errors.New("oops")
		require.PanicsWithValue(t, oops, func() {
			_, _ = fleet.Deploy(t.Context(), targets(20, "us-central1"), with(options, fleet.WithProgress(func(e fleet.Event) {
				if e.Index == 3 && e.Kind == fleet.TargetProgress {
					panic(oops)
				}
			}))...)
		})
		synctest.Wait() // the server records a request that was canceled on its way
		n := len(s.Requests())
		time.Sleep(time.Hour)
		require.Len(t, s.Requests(), n)
	})
}

// The end of the context ends the call soon. What was not begun is skipped.
func TestDeployHonorsItsContext(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, options := newServer(t, cloudruntest.WithTimeToReady(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		began := time.Now()
		report, err := fleet.Deploy(ctx, targets(6, "us-central1"), with(options, fleet.WithConcurrency(2))...)
		require.Less(t, time.Since(began), 100*time.Second)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, fleet.ErrSkipped)
		require.Equal(t, []fleet.Status{fleet.Deployed, fleet.Deployed, fleet.Failed, fleet.Failed, fleet.Skipped, fleet.Skipped}, statuses(report))
	})
}

// A region that does not answer is given up, and the others finish.
func TestDeployWithoutARegion(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudruntest.Fault{
		"refuses": {Refuse: true}, "hangs": {Hang: true}, "resets": {Reset: true}, "fails": {Status: 503},
		"has no quota": {Status: 429}, "has no quota for writes": {Method: "POST", Status: 429},
		"asks for patience": {Status: 429, Header: http.Header{"Retry-After": {"86400"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, options := newServer(t, cloudruntest.WithTimeToReady(3*time.Second), cloudruntest.WithRecording(100_000))
				fault.Times, fault.Match = -1, hostHas("europe-west1-")
				s.Fault(fault)
				began := time.Now()
				all := targets(30, "us-central1", "europe-west1", "us-east1")
				report, err := fleet.Deploy(t.Context(), all, with(options, fleet.WithConcurrency(10))...)
				require.Error(t, err)
				require.Less(t, time.Since(began), 15*time.Minute)
				require.Equal(t, 60, report.Count(fleet.Deployed))
				require.GreaterOrEqual(t, report.Count(fleet.Skipped), 15)
				for _, r := range report.Results {
					require.Equal(t, r.Target.Region != "europe-west1", r.Status == fleet.Deployed)
					if r.Status == fleet.Skipped {
						require.Contains(t, r.Cause(), "not tried: the region does not answer: ")
					}
				}
			})
		})
	}
}

// Events and errors have one form for logs and for JSON, without the values of variables.
func TestForms(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, options := newServer(t)
		s.Script("service-1", cloudruntest.SecretDenied())
		var last fleet.Event
		var steps []string
		_, err := fleet.Deploy(t.Context(), targets(1, "us-central1"), with(options, fleet.WithRunID("build-7"),
			fleet.WithDefaults(cloudrun.WithEnv("PASSWORD", "hunter2-secret")), fleet.WithProgress(func(e fleet.Event) {
				encoded, err := json.Marshal(e)
				require.NoError(t, err)
				require.NotContains(t, string(encoded)+e.LogValue().String(), "hunter2")
				last, steps = e, append(steps, string(encoded))
			}))...)
		require.Contains(t, steps[1], `"progress":{"kind":"stage started","service":"service-1"`)
		require.Contains(t, last.LogValue().String(), "status=failed")
		encoded, failed := json.Marshal(err)
		require.NoError(t, failed)
		require.Contains(t, string(encoded), `"type":"FleetError"`)
		require.Contains(t, string(encoded), `"runId":"build-7","targets":1,"wrapped":{"type":"TargetError"`)
		require.NotContains(t, string(encoded), "hunter2")
	})
}

// countingListener counts the connections that are made.
type countingListener struct {
	net.Listener
	n atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	l.n.Add(1)
	return c, err
}

// The Clients of all regions share one pool of connections.
func TestDeploySharesConnections(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	counting := &countingListener{Listener: l}
	s := cloudruntest.NewServer(cloudruntest.WithListener(counting))
	defer s.Close()
	regions := []string{"us-central1", "us-east1", "us-west1", "us-west2", "europe-west1", "europe-west2", "asia-east1", "asia-east2"}
	var waves []func(fleet.Target) bool
	for _, region := range regions {
		waves = append(waves, fleet.InRegion(region))
	}
	_, err = fleet.Deploy(t.Context(), targets(1, regions...), fleet.WithWaves(waves...),
		fleet.WithClientOptions(option.WithEndpoint(s.URL), option.WithoutAuthentication()),
		fleet.WithDefaults(cloudrun.WithImage(image), cloudrun.WithPublicAccess()))
	require.NoError(t, err)
	require.Less(t, counting.n.Load(), int64(len(regions)), "one region after the other")
}
