package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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

func TestTourRejectsUnknownFlags(t *testing.T) {
	t.Parallel()
	var out, messages bytes.Buffer
	require.Error(t, run(t.Context(), []string{"--nope"}, &out, &messages))
	require.Error(t, run(t.Context(), []string{"--local", "Not A Name"}, &out, &messages))
	require.ErrorContains(t, run(t.Context(), []string{"--local", "one", "two"}, &out, &messages), `unexpected argument "two"`)
	require.ErrorContains(t, run(t.Context(), []string{"--local", "--region=Nowhere"}, &out, &messages), `region "Nowhere"`)
}
