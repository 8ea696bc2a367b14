package runprogress_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/fleet"
	"github.com/cloudrun-go/cloudrun/internal/testkit/screen"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

// deployFleet deploys three Services in two regions, of which one Service fails,
// after eight seconds, and one takes longer than the others.
func deployFleet(ctx context.Context, f *runprogress.Fleet) *fleet.Report {
	s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithTimeToReady(4*time.Second))
	defer s.Close()
	s.Script("billing", cloudruntest.SecretDenied())
	s.Script("worker", cloudruntest.Script{TimeToReady: 20 * time.Second})
	var targets []fleet.Target
	for _, service := range []string{"api", "billing", "worker"} {
		for _, region := range []string{"us-central1", "europe-west1"} {
			targets = append(targets, fleet.Target{Project: "demo", Region: region, Service: service})
		}
	}
	report, _ := fleet.Deploy(ctx, targets, fleet.WithProgress(f.Handle), fleet.WithRunID("build-7"), fleet.WithConcurrency(2),
		fleet.WithClientOptions(option.WithHTTPClient(s.Client())), fleet.WithDefaults(cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.WithRevisionSuffix("v1")))
	f.Done()
	return report
}

func TestFleetPlainLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		require.Error(t, deployFleet(t.Context(), runprogress.NewFleet(&out)).Err())
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, 7)
		for i, line := range lines[:6] {
			require.True(t, strings.HasPrefix(line, fmt.Sprintf("[%d/6] ", i+1)), line)
		}
		require.Contains(t, out.String(), "] api (demo, us-central1): created api-v1 (4s)\n")
		require.Contains(t, out.String(), "] billing (demo, europe-west1): failed (")
		require.Equal(t, "6 of 6 targets, 4 deployed, 2 failed, 24s", lines[6])
	})
}

// TestFleetTerminal checks the screen while targets are under way, and at the end.
func TestFleetTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := screen.New(80, 24)
		f := runprogress.NewFleet(s, runprogress.WithTerminal(true), runprogress.WithColor(false), runprogress.WithWidth(func() int { return 80 }))
		done := make(chan *fleet.Report)
		go func() { done <- deployFleet(t.Context(), f) }()
		time.Sleep(8*time.Second + 50*time.Millisecond)
		during := s.String()
		for _, line := range strings.Split(during, "\n") {
			require.LessOrEqual(t, len([]rune(line)), 79)
		}
		require.Regexp(t, `(?m)^✓ api      us-central1   created api-v1 \(4s\)$`, during)
		require.Regexp(t, `(?m)^X billing  us-central1   failed \(6s\): secret access: spec\.`, during)
		require.Regexp(t, `(?m)^. worker   us-central1   \ds Creating Revision\.\.\. Deploying Revision\.$`, during)
		require.Regexp(t, `(?m)^█{20}░{10} 4/6, 2 deployed, 2 failed, 8s$`, during)
		report := <-done
		end := s.String()
		require.NotContains(t, end, "█")
		require.NotContains(t, end, "Creating Revision")
		require.Contains(t, end, "6 of 6 targets, 4 deployed, 2 failed, 24s")
		require.Equal(t, 4, strings.Count(end, "✓"))
		require.Equal(t, 2, strings.Count(end, "X "))
		table := screen.New(80, 24)
		runprogress.WriteReport(table, report)
		lines := strings.Split(table.String(), "\n")
		require.Equal(t, "SERVICE  REGION        RESULT   REVISION    TIME", lines[0])
		require.Equal(t, "api      us-central1   created  api-v1      4s", lines[1])
		require.Equal(t, "billing  us-central1   failed   billing-v1  6s", lines[3])
		require.Regexp(t, `^    secret access:`, lines[4])
		require.Contains(t, table.String(), "4 deployed, 2 failed in 24")
		require.Contains(t, table.String(), "To go on, deploy again with the run ID build-7.")
	})
}

// A small terminal shows what fits, and ASCII is enough.
func TestFleetOnASmallTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := screen.New(30, 24)
		f := runprogress.NewFleet(s, runprogress.WithTerminal(true), runprogress.WithASCII(), runprogress.WithWidth(func() int { return 30 }))
		for i := range 40 {
			f.Handle(fleet.Event{Kind: fleet.TargetStarted, Index: i, Total: 40, Target: fleet.Target{Region: "us-central1", Service: fmt.Sprintf("service-%d", i)}})
		}
		require.Equal(t, 20, strings.Count(s.String(), "service-"))
		require.Contains(t, s.String(), "more")
		require.Contains(t, s.String(), "0/40")
		require.NotContains(t, s.String(), "░")
		f.Done()
		f.Done()
		require.Contains(t, s.String(), "0 of 40 targets")
	})
}

func TestFleetOfNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	runprogress.NewFleet(&out).Done()
	require.Empty(t, out.String())
	var none *runprogress.Fleet
	none.Handle(fleet.Event{})
	none.Done()
	(&runprogress.Fleet{}).Handle(fleet.Event{})
	(&runprogress.Fleet{}).Done()
	runprogress.NewFleet(nil, nil).Handle(fleet.Event{Result: &fleet.Result{Err: errors.New("x")}})
}
