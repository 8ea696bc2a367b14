package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/testkit/transcript"
)

var update = flag.Bool("update", false, "write the golden files")

// The transcript shows what a person sees who asks for help, makes mistakes, runs
// the emulator with a command and without, and stops it.
func TestTranscript(t *testing.T) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR2) // starts the goroutine of package os/signal outside virtual time
	transcript.Check(t, "emulator", *update, func(t *testing.T, tty *os.File) {
		shown := &terminal{tty: tty, written: make(chan string, 1000)}
		for _, line := range []string{"--help", "--outcome=nonsense", "gcloud", "-- false", "-- printenv CLOUDRUN_ENDPOINT"} {
			fmt.Fprintln(shown, "\n$ emulator", line)
			if code := execute(t.Context(), strings.Fields(line), shown, shown); code != 0 {
				fmt.Fprintf(shown, "(exit code %d)\n", code)
			}
		}
		fmt.Fprintln(shown, "\n$ emulator")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan int, 1)
		go func() { ended <- execute(ctx, []string{"--addr=127.0.0.1:0"}, shown, shown) }()
		url := shown.find(`Emulating Cloud Run at (http://.*)\.`)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for _, path := range []string{list + "/hello", "/%1B%5B2J"} {
			response, err := client.Get(url + path)
			require.NoError(t, err)
			response.Body.Close()
			shown.find(`(404 GET)`)
		}
		cancel()
		require.Zero(t, <-ended)
	})
}

// terminal shows what is written, but always the same port and time of day.
type terminal struct {
	tty     *os.File
	written chan string
}

func (w *terminal) Write(p []byte) (int, error) {
	w.written <- string(p)
	shown := regexp.MustCompile(`(127\.0\.0\.1:|PORT=')\d+`).ReplaceAll(p, []byte("${1}8080"))
	_, err := w.tty.Write(regexp.MustCompile(`^\d\d:\d\d:\d\d`).ReplaceAll(shown, []byte("12:34:56")))
	return len(p), err
}

// find waits until something is written that has the pattern, and returns its group.
func (w *terminal) find(pattern string) string {
	for {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(<-w.written); found != nil {
			return found[1]
		}
	}
}
