package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// buffer is a buffer that the server writes and the test reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestRun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr buffer
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"--addr=127.0.0.1:0"}, &stdout, &stderr) }()
	require.Eventually(t, func() bool { return strings.Contains(stderr.String(), "Ctrl-C") }, time.Minute, 5*time.Millisecond)
	for _, line := range strings.Split(strings.TrimSpace(stdout.String()), "\n") {
		require.Regexp(t, `^(export [A-Z_]+='[^']*'( [A-Z_]+='[^']*')?|#.*)$`, line, "a shell can evaluate every line")
	}
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(stderr.String())
	require.Equal(t, 200, status(t, url+"/apis/serving.knative.dev/v1/namespaces/demo/services?limit=5"))
	require.Contains(t, stderr.String(), "200 GET    127.0.0.1/apis/serving.knative.dev/v1/namespaces/demo/services?limit=5")
	cancel()
	require.NoError(t, <-ended)
}

func TestRunRejects(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--addr=nonsense"}, {"--nonsense"}, {"argument"}} {
		require.Error(t, run(t.Context(), args, io.Discard, io.Discard))
	}
}

// status fetches a URL and returns the status of the response.
func status(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// The usage is what --help asks for; a mistake is reported once, by main.
func TestUsage(t *testing.T) {
	t.Parallel()
	var out, messages buffer
	require.ErrorIs(t, run(t.Context(), []string{"--help"}, &out, &messages), flag.ErrHelp)
	require.Contains(t, out.String(), "usage: emulator [flags] [-- COMMAND ...]\n")
	require.Empty(t, messages.String())
	require.EqualError(t, run(t.Context(), []string{"--nope"}, &out, &messages), "flag provided but not defined: -nope: use --help to see all flags")
	require.Empty(t, messages.String())
}
