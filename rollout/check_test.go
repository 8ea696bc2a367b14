package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/cloudrun-go/cloudrun/rollout"
)

// probed returns a candidate whose URL answers by the number of the request.
func probed(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) (rollout.Candidate, *atomic.Int32) {
	t.Helper()
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(int(n.Add(1)), w, r) }))
	t.Cleanup(s.Close)
	return rollout.Candidate{Service: "hello", Revision: "hello-v2", Tag: "canary", TagURL: s.URL, URL: "https://hello.example.com"}, &n
}

func status(codes ...int) func(int, http.ResponseWriter, *http.Request) {
	return func(n int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(codes[min(n, len(codes))-1]) }
}

func TestCheckHTTP(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		probes rollout.HTTPProbes
		answer func(int, http.ResponseWriter, *http.Request)
		want   string // of the error; empty for none
		sent   int32
	}{
		"one that is fine":          {rollout.HTTPProbes{}, status(204), "", 1},
		"many that are fine":        {rollout.HTTPProbes{Requests: 7}, status(200), "", 7},
		"one that fails":            {rollout.HTTPProbes{}, status(500), "1 of 1 requests for http://127.0.0.1", 1},
		"the status of one":         {rollout.HTTPProbes{}, status(500), "failed: HTTP 500$", 1},
		"it stops early":            {rollout.HTTPProbes{Requests: 9}, status(200, 500), "1 of 2 requests", 2},
		"failures that are allowed": {rollout.HTTPProbes{Requests: 4, MaxFailures: 1}, status(500, 200), "", 4},
		"one failure too many":      {rollout.HTTPProbes{Requests: 4, MaxFailures: 1}, status(500, 200, 500), "2 of 3 requests", 3},
		"the status that is wanted": {rollout.HTTPProbes{Status: 404}, status(404), "", 1},
		"another status":            {rollout.HTTPProbes{Status: 200}, status(204), "HTTP 204, not 200", 1},
		"forbidden":                 {rollout.HTTPProbes{}, status(403), "HTTP 403: a service that is not public needs HTTPProbes.Tokens", 1},
		"unauthorized":              {rollout.HTTPProbes{}, status(401), "HTTP 401: a service that is not public needs HTTPProbes.Tokens", 1},
		"a large page of an error": {rollout.HTTPProbes{}, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = w.Write(make([]byte, 2<<20))
		}, "HTTP 500", 1},
		"a path with a query": {rollout.HTTPProbes{Path: "/health?deep=1"}, func(_ int, w http.ResponseWriter, r *http.Request) {
			if r.URL.String() != "/health?deep=1" {
				w.WriteHeader(404)
			}
		}, "", 1},
		"a path that is a host":    {rollout.HTTPProbes{Path: "//evil.example/"}, status(200), `HTTPProbes.Path "//evil.example/": must be a path`, 0},
		"a path that is a URL":     {rollout.HTTPProbes{Path: "https://evil.example/"}, status(200), "must be a path", 0},
		"a path with a scheme":     {rollout.HTTPProbes{Path: "mailto:x"}, status(200), "must be a path", 0},
		"a path that is none":      {rollout.HTTPProbes{Path: "%zz"}, status(200), "must be a path", 0},
		"a connection that breaks": {rollout.HTTPProbes{}, func(int, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "failed: EOF$", 1},
		"a redirect is not followed": {rollout.HTTPProbes{Status: 302}, func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, sent := probed(t, tc.answer)
			err := rollout.CheckHTTP(tc.probes)(t.Context(), c)
			require.Equal(t, tc.sent, sent.Load())
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, strings.TrimSuffix(tc.want, "$"))
			require.True(t, !strings.HasSuffix(tc.want, "$") || strings.HasSuffix(err.Error(), strings.TrimSuffix(tc.want, "$")), "%v", err)
			var failed *rollout.CheckError
			require.Equal(t, tc.sent > 0, errors.As(err, &failed))
		})
	}
}

func TestCheckHTTPWithTokens(t *testing.T) {
	t.Parallel()
	var audience string
	tokens := func(_ context.Context, a string) (oauth2.TokenSource, error) {
		audience = a
		return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t0ken"}), nil
	}
	c, sent := probed(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t0ken" {
			w.WriteHeader(403)
		}
	})
	check := rollout.CheckHTTP(rollout.HTTPProbes{Tokens: tokens})
	require.NoError(t, check(t.Context(), c))
	require.Equal(t, "https://hello.example.com", audience, "tokens are for the Service, not for the tag")

	plain := c
	plain.TagURL = "http://canary.example.com"
	require.ErrorContains(t, check(t.Context(), plain), "the token is not sent there")

	none := c
	none.TagURL = ""
	require.ErrorContains(t, check(t.Context(), none), "the default URL of service \"hello\" is disabled")
	require.EqualValues(t, 1, sent.Load())

	broken := c
	broken.TagURL = "http://["
	require.ErrorContains(t, check(t.Context(), broken), `the URL of tag "canary"`)

	refused, _ := probed(t, status(403))
	require.NotContains(t, check(t.Context(), refused).Error(), "HTTPProbes.Tokens", "it has them")
}

// answers is a transport for probes of hosts that do not exist.
type answers func(*http.Request) int

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a(r), Body: http.NoBody, Request: r, ProtoMajor: 1}, nil
}

func TestCheckHTTPWithAClient(t *testing.T) {
	t.Parallel()
	var seen []string
	client := &http.Client{Transport: answers(func(r *http.Request) int {
		seen = append(seen, r.URL.String()+" "+r.Header.Get("Authorization"))
		return 200
	})}
	tokens := func(context.Context, string) (oauth2.TokenSource, error) {
		return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t0ken"}), nil
	}
	check := rollout.CheckHTTP(rollout.HTTPProbes{Client: client, Tokens: tokens, Path: "/x", AllowedHosts: []string{"canary.example.com"}})
	require.NoError(t, check(t.Context(), rollout.Candidate{TagURL: "https://canary.example.com"}))
	require.Equal(t, []string{"https://canary.example.com/x Bearer t0ken"}, seen)
	require.Nil(t, client.CheckRedirect, "the caller's client is unchanged")
}

// The URL of a candidate comes from the server. A token goes to Cloud Run, to
// this machine and to the hosts that the caller names, and nowhere else.
func TestHostsThatGetTokens(t *testing.T) {
	t.Parallel()
	cloudRun, mine := []string(nil), []string{"canary.example.com", "*.svc.example.org"}
	for _, tc := range []struct {
		url     string
		allowed []string
		want    string // of the error; empty if the token is sent
	}{
		{"https://canary---hello-abc-uc.a.run.app", cloudRun, ""},
		{"https://canary---hello-1234.us-central1.run.app", cloudRun, ""},
		{"https://CANARY---hello.a.Run.App.:443/", cloudRun, ""},
		{"http://localhost:8080", cloudRun, ""},
		{"http://127.0.0.1:8080", cloudRun, ""},
		{"http://[::1]:8080", cloudRun, ""},
		{"http://canary---hello.a.run.app", cloudRun, "not an https URL"},
		{"https://evil.example", cloudRun, "evil.example is not a host of Cloud Run (*.run.app), so no token is sent there"},
		{"https://run.app", cloudRun, "not a host of Cloud Run"},
		{"https://evilrun.app", cloudRun, "not a host of Cloud Run"},
		{"https://hello.run.app.evil.example", cloudRun, "not a host of Cloud Run"},
		{"https://hello.a.run.app@evil.example", cloudRun, "not a host of Cloud Run"},
		{"https://canary.example.com", cloudRun, "not a host of Cloud Run"},
		{"https://canary.example.com:8443", mine, ""},
		{"https://hello.svc.example.org", mine, ""},
		{"https://a.canary.example.com", mine, "not a host of Cloud Run"},
		{"https://svc.example.org", mine, "not a host of Cloud Run"},
		{"http://canary.example.com", mine, "not an https URL"},
		{"https://canary---hello.a.run.app", []string{"*"}, `HTTPProbes.AllowedHosts "*": must be the name of a host`},
		{"https://canary---hello.a.run.app", []string{"https://x"}, "AllowedHosts"},
		{"https://canary---hello.a.run.app", []string{""}, "AllowedHosts"},
	} {
		fetched, sent := 0, 0
		err := rollout.CheckHTTP(rollout.HTTPProbes{
			AllowedHosts: tc.allowed,
			Client:       &http.Client{Transport: answers(func(*http.Request) int { sent++; return 200 })},
			Tokens: func(context.Context, string) (oauth2.TokenSource, error) {
				fetched++
				return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t0ken"}), nil
			},
		})(t.Context(), rollout.Candidate{Tag: "canary", TagURL: tc.url})
		if tc.want == "" {
			require.NoError(t, err, tc.url)
			require.Equal(t, []int{1, 1}, []int{fetched, sent}, tc.url)
			continue
		}
		require.ErrorContains(t, err, tc.want, tc.url)
		require.Equal(t, []int{0, 0}, []int{fetched, sent}, tc.url)
	}
}

func TestTokensThatAreMissing(t *testing.T) {
	t.Parallel()
	c, sent := probed(t, status(200))
	none := func(context.Context, string) (oauth2.TokenSource, error) { return nil, nil } //nolint:nilnil // that is the mistake
	require.ErrorContains(t, rollout.CheckHTTP(rollout.HTTPProbes{Tokens: none})(t.Context(), c), "returned no token source")
	require.Zero(t, sent.Load())
}

func TestCheckHTTPPauses(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		sent := 0
		client := &http.Client{Transport: answers(func(*http.Request) int { sent++; return 200 })}
		check := rollout.CheckHTTP(rollout.HTTPProbes{Client: client, Requests: 3, Interval: time.Minute})
		start := time.Now()
		require.NoError(t, check(t.Context(), rollout.Candidate{TagURL: "https://canary.example.com"}))
		require.Equal(t, 2*time.Minute, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		sent = 0
		require.ErrorIs(t, check(ctx, rollout.Candidate{TagURL: "https://canary.example.com"}), context.DeadlineExceeded)
		require.Equal(t, 2, sent)
	})
}

func TestIDTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}`), 0o600))
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	c, sent := probed(t, status(200))
	err := rollout.CheckHTTP(rollout.HTTPProbes{Tokens: rollout.IDTokens})(t.Context(), c)
	require.ErrorContains(t, err, "ID token for https://hello.example.com: ")
	require.Zero(t, sent.Load(), "nothing is sent without a token")
}

// held is a transport that answers no request, and counts them.
type held struct{ requests int }

func (h *held) RoundTrip(r *http.Request) (*http.Response, error) {
	h.requests++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestCheckHTTPOfASlowCandidate(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		var slow held
		check := rollout.CheckHTTP(rollout.HTTPProbes{Client: &http.Client{Transport: &slow}, MaxLatency: 20 * time.Millisecond})
		start := time.Now()
		err := check(t.Context(), rollout.Candidate{TagURL: "https://canary.example.com"})
		require.ErrorContains(t, err, "timed out after 20ms")
		require.Equal(t, 20*time.Millisecond, time.Since(start))
		require.Equal(t, 1, slow.requests)
		var failed *rollout.CheckError
		require.ErrorAs(t, err, &failed)
	})
}

func TestCheckHTTPEndsWithItsContext(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		check := rollout.CheckHTTP(rollout.HTTPProbes{Client: &http.Client{Transport: &held{}}, MaxFailures: 9, Requests: 10})
		err := check(ctx, rollout.Candidate{TagURL: "https://canary.example.com"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var judged *rollout.CheckError
		require.NotErrorAs(t, err, &judged, "that is no verdict on the candidate")
	})
}

func TestCheckErrorIsSafeToPrint(t *testing.T) {
	t.Parallel()
	err := &rollout.CheckError{URL: "http://x/\x1b[31m", Requests: 1, Failures: 1, Err: fmt.Errorf("no")}
	require.False(t, strings.ContainsRune(err.Error(), '\x1b'))
}
