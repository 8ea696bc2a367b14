package cloudrun_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

const logEntries = "/v2/entries:list"

// failing deploys a Service that fails, and returns the error and the number of reads of the log.
func failing(t *testing.T, s *cloudruntest.Server, c *cloudrun.Client, opts ...cloudrun.DeployOption) (*cloudrun.NotReadyError, int) {
	t.Helper()
	_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", append(opts, cloudrun.WithImage(image))...)
	var failed *cloudrun.NotReadyError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, cloudrun.Written, outcomeOf(t, err))
	return failed, reads(s)
}

func reads(s *cloudruntest.Server) (n int) {
	for _, r := range s.Requests() {
		if r.Path == logEntries {
			n++
		}
	}
	return n
}

func logTexts(e *cloudrun.NotReadyError) (all []string) {
	for _, line := range e.Log {
		all = append(all, line.Text)
	}
	return all
}

// The error of a failed Revision has the last lines of its log.
func TestLogOfAFailure(t *testing.T) {
	t.Parallel()
	var thirty []string
	for i := range 30 {
		thirty = append(thirty, fmt.Sprint("line ", i))
	}
	for name, tc := range map[string]struct {
		failure cloudruntest.Failure
		opts    []cloudrun.DeployOption
		want    []string
		reads   int
	}{
		"text, JSON and the system": {cloudruntest.Failure{Log: []string{"starting", `{"severity": "ERROR", "message": "no database"}`}, SystemLog: []string{"Container called exit(1)."}},
			nil, []string{"starting", "no database", "Container called exit(1)."}, 1},
		"the last twenty":    {cloudruntest.Failure{Log: thirty}, nil, thirty[10:], 1},
		"the last two":       {cloudruntest.Failure{Log: thirty}, []cloudrun.DeployOption{cloudrun.WithLogLines(2)}, thirty[28:], 1},
		"off":                {cloudruntest.Failure{Log: thirty}, []cloudrun.DeployOption{cloudrun.WithLogLines(0)}, nil, 0},
		"late":               {cloudruntest.Failure{Log: []string{"a"}, LogDelay: 3 * time.Second}, nil, []string{"a"}, 2},
		"too late":           {cloudruntest.Failure{Log: []string{"a"}, LogDelay: time.Hour}, nil, nil, 2},
		"that never started": {*cloudruntest.ImageNotFound().FailRevision, nil, nil, 1},
		"with its own secrets": {cloudruntest.Failure{Log: []string{"login with hunter2", "MIIEvQIBADANBgkq", "Bearer abcdef.ghi"}},
			[]cloudrun.DeployOption{cloudrun.WithEnv("P", "hunter2"), cloudrun.WithEnv("K", "-----BEGIN\nMIIEvQIBADANBgkq\nEND")},
			[]string{"login with (hidden)", "(hidden)", "Bearer (hidden)"}, 1},
		"hostile": {cloudruntest.Failure{Log: []string{"\x1b[2J\x1b]0;x\x07a\u202eb", "\xff\xfe", strings.Repeat("x", 1<<20), "a\nb\r\nc", "", "{"}},
			nil, []string{"[2J ]0;x a b", "\uFFFD\uFFFD", strings.Repeat("x", 4096) + "…", "a", "b", "c", "{"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				failure := tc.failure
				s.Script("hello", cloudruntest.Script{TimeToReady: time.Second, FailRevision: &failure})
				failed, reads := failing(t, s, c, tc.opts...)
				require.NoError(t, failed.LogError)
				require.Equal(t, tc.reads, reads)
				require.Len(t, failed.Log, len(tc.want))
				for i, text := range logTexts(failed) {
					require.Equal(t, tc.want[i], strings.TrimSpace(text))
					require.Equal(t, failed.Revision, failed.Log[i].Revision)
				}
				explained := failed.Explain()
				require.NotContains(t, explained, "\x1b")
				require.Less(t, len(explained), 5000)
				if len(tc.want) > 0 && len(tc.want[0]) < 60 {
					require.Regexp(t, "  Last lines: +"+regexp.QuoteMeta(tc.want[0])+"\n", explained)
				}
			})
		})
	}
}

// A log that cannot be read is a note, and delays the error by seconds only.
func TestLogThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault cloudruntest.Fault
		deny  string
		want  string
	}{
		"hangs":         {cloudruntest.Fault{Hang: true}, "", "within 3s"},
		"drips":         {cloudruntest.Fault{Drip: time.Second}, "", "within 3s"},
		"refused":       {cloudruntest.Fault{}, "logging.logEntries.list", "permission logging.logEntries.list is missing on projects/demo for the account in use: grant it roles/logging.viewer with "},
		"quota":         {cloudruntest.Fault{Status: 429}, "", "429"},
		"down":          {cloudruntest.Fault{Status: 503}, "", "503"},
		"reset":         {cloudruntest.Fault{Reset: true}, "", "read logs"},
		"not logs":      {cloudruntest.Fault{Body: `{"items": []}`}, "", "not a list of log entries"},
		"not JSON":      {cloudruntest.Fault{Body: `<html>`}, "", "read logs"},
		"a wrong place": {cloudruntest.Fault{Status: 404, Body: `<html>`, ContentType: "text/html"}, "", "check the endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				s.Script("hello", cloudruntest.Script{TimeToReady: time.Second, FailRevision: &cloudruntest.Failure{Message: "it exited"}})
				fault := tc.fault
				fault.Path, fault.Times = logEntries, -1
				if tc.deny == "" {
					s.Fault(fault)
				} else {
					s.DenyPermission(tc.deny)
				}
				start := time.Now()
				failed, reads := failing(t, s, c)
				require.LessOrEqual(t, time.Since(start), 10*time.Second)
				require.LessOrEqual(t, reads, 1)
				require.Contains(t, failed.Message, "it exited")
				require.Empty(t, failed.Log)
				require.ErrorContains(t, failed.LogError, tc.want)
				require.NotErrorIs(t, error(failed), failed.LogError)
				require.Contains(t, failed.Explain(), "Last lines: could not be read: ")
			})
		})
	}
}

// A hundred failures at once share reads of logs, and each has its own lines.
func TestLogsOfManyFailures(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{"in time": 0, "late": 3 * time.Second} {
		inVirtualTime(t, func(t *testing.T) {
			s, c := newServer(t)
			var all sync.WaitGroup
			for i := range 100 {
				service := fmt.Sprint("hello-", i)
				s.Script(service, cloudruntest.Script{TimeToReady: time.Second, FailRevision: &cloudruntest.Failure{Log: []string{"of " + service}, LogDelay: delay}})
				all.Go(func() {
					_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), service, cloudrun.WithImage(image))
					var failed *cloudrun.NotReadyError
					if !errors.As(err, &failed) || failed.LogError == nil && (len(failed.Log) != 1 || failed.Log[0].Text != "of "+service) {
						t.Errorf("%s: %s: %v, %v", name, service, err, failed.Log)
					}
				})
			}
			all.Wait()
			require.Less(t, reads(s), 60, name)
		})
	}
}

// On a cluster there is no Cloud Logging, and no read of it.
func TestNoLogOnACluster(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newCluster(t)
		s.Script("hello", cloudruntest.Script{TimeToReady: time.Second, FailRevision: &cloudruntest.Failure{Log: []string{"a"}}})
		failed, reads := failing(t, s, c)
		require.Zero(t, reads)
		require.Empty(t, failed.Log)
		require.NoError(t, failed.LogError)
		for _, err := range c.Logs(t.Context(), cloudrun.LogsOfService("hello")) {
			require.ErrorIs(t, err, cloudrun.ErrNotOnCluster)
		}
	})
}

// Logs reads what containers wrote, in pages, and follows it.
func TestLogs(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		s.Handle(image, func(c cloudruntest.Container) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fmt.Fprintln(c.Stderr, r.URL.Path) })
		})
		result, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithPublicAccess())
		require.NoError(t, err)
		visit := func(path string) {
			resp, err := s.Client().Get(result.URL + path)
			if err == nil {
				resp.Body.Close()
			}
		}
		for i := range 1200 {
			visit(fmt.Sprint("/", i))
		}
		for _, of := range []cloudrun.LogOption{cloudrun.LogsOfService("hello"), cloudrun.LogsOfRevision(result.Revision)} {
			n := 0
			for line, err := range c.Logs(t.Context(), of) {
				require.NoError(t, err)
				require.Equal(t, fmt.Sprint("/", n), line.Text)
				require.Equal(t, "stderr", line.Log)
				n++
			}
			require.Equal(t, 1200, n)
		}
		time.Sleep(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			for i := range 5 {
				time.Sleep(20 * time.Second)
				visit(fmt.Sprint("/later/", i))
			}
		}()
		s.ResetRequests()
		var got []string
		start := time.Now()
		for line, err := range c.Logs(ctx, cloudrun.LogsOfService("hello"), cloudrun.FollowLogs()) {
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
				break
			}
			if got = append(got, line.Text); len(got) == 5 {
				cancel()
			}
		}
		require.Equal(t, []string{"/later/0", "/later/1", "/later/2", "/later/3", "/later/4"}, got)
		require.LessOrEqual(t, reads(s), int(time.Since(start)/(2*time.Second)))
		synctest.Wait()
	})
}

func TestLogsAreRefused(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	s.DenyPermission("logging.logEntries.list")
	for want, opts := range map[string][]cloudrun.LogOption{
		"pass LogsOfService or LogsOfRevision":       nil,
		`LogsOfService("Not A Name")`:                {cloudrun.LogsOfService("Not A Name")},
		`LogsSince(`:                                 {cloudrun.LogsSince(time.Time{}), cloudrun.LogsOfService("hello")},
		"option 1: it is nil":                        {nil},
		"grant it roles/logging.viewer with ":        {cloudrun.LogsOfService("hello"), cloudrun.LogsSince(time.Now())},
		`LogsOfRevision("x\" OR severity>=\"ERROR")`: {cloudrun.LogsOfRevision(`x" OR severity>="ERROR`)},
	} {
		var got error
		for _, err := range c.Logs(t.Context(), opts...) {
			got = err
		}
		require.ErrorContains(t, got, want)
	}
}

// The host of the logs is that of the universe, and not that of a region.
func TestHostOfLogs(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithHTTPClient(s.Client()))
	require.NoError(t, err)
	for _, err := range c.Logs(t.Context(), cloudrun.LogsOfService("hello")) {
		require.NoError(t, err)
	}
	require.Equal(t, "logging.googleapis.com", s.Requests()[0].Host)
}
