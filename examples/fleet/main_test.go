package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/examples/internal/cli"
	"github.com/cloudrun-go/cloudrun/fleet"
)

// The demonstration deploys 90 targets in three runs, each Service that does not fail exactly once.
func TestDemonstration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithTimeToReady(2*time.Second))
		defer s.Close()
		var out, messages bytes.Buffer
		require.NoError(t, demonstrate(t.Context(), s, &out, &messages))
		writes := map[string]int{}
		for _, w := range s.History() {
			writes[w.Name+" "+w.Region]++
		}
		require.Len(t, writes, 90)
		for target, n := range writes {
			if strings.HasPrefix(target, "service-07") || strings.HasPrefix(target, "service-19") {
				require.GreaterOrEqual(t, n, 2, target)
				continue
			}
			require.Equal(t, 1, n, target)
		}
		require.Equal(t, 3, strings.Count(messages.String(), " of 90 targets, "))
		require.Contains(t, messages.String(), "90 of 90 targets, 90 deployed")
		require.GreaterOrEqual(t, strings.Count(out.String(), " resumed "), 15, "what the first run had begun")
		require.Contains(t, out.String(), "84 deployed, 6 failed in ")
		require.Contains(t, out.String(), "To go on, deploy again with the run ID build-7.")
	})
}

func TestInvalidArguments(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "fleet.yaml")
	require.NoError(t, os.WriteFile(file, []byte("services:\n- service: a\n  regions: [Nowhere]\n  memroy: 1Gi\n"), 0o600))
	valid := filepath.Join(t.TempDir(), "fleet.yaml")
	require.NoError(t, os.WriteFile(valid, []byte("services:\n- service: a\n  regions: [Nowhere]\n  image: x\n"), 0o600))
	for want, args := range map[string][]string{
		"not defined: -nope":                   {"--nope"},
		"without other flags or arguments":     {"--local", "x"},
		"specify the file with the targets":    {},
		"no such file":                         {"/does/not/exist"},
		`fleet.yaml: line 4: unknown key "mem`: {file},
		`region "Nowhere"`:                     {valid},
		`plan fleet: target 1, a`:              {"--plan", valid},
		"fleet.WithRunID":                      {"--run-id=/", "--first-region=x", "--rollback", valid},
	} {
		var out, messages bytes.Buffer
		require.ErrorContains(t, run(t.Context(), args, &out, &messages), want)
	}
}

// What the table shows is not repeated, and the exit code says that something failed.
func TestErrors(t *testing.T) {
	t.Parallel()
	failed := &fleet.Error{Targets: []*fleet.TargetError{{Err: errors.New("oops")}}}
	var out bytes.Buffer
	writeError(&out, failed)
	require.Empty(t, out.String())
	require.Equal(t, 1, cli.Code(failed))
	require.Equal(t, 130, cli.Code(&fleet.Error{Targets: []*fleet.TargetError{{Err: context.Canceled}}}))
	writeError(&out, errors.New("oops"))
	require.Contains(t, out.String(), "oops")
}
