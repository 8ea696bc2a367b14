package transport_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/transport"
)

// clients returns a client of a handler over each transport.
func clients(t *testing.T, h http.Handler) map[string]*http.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	tcp := &http.Client{Transport: transport.Loopback(server.Listener.Addr().String())}
	t.Cleanup(tcp.CloseIdleConnections)
	return map[string]*http.Client{"loopback": tcp, "in process": {Transport: transport.InProcess(h)}}
}

// response is what a client sees of a response.
type response struct {
	code   int
	header http.Header
	length int64
	scheme string // of the request
	body   string
}

func send(t *testing.T, c *http.Client, method, url, body string) (response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := c.Do(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, resp.ContentLength, resp.Request.URL.Scheme, string(got)}, err
}

func TestEveryHostLeadsToTheServer(t *testing.T) {
	t.Parallel()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Host", transport.Hostname(r))
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, r.Method+" "+r.RequestURI+" "+string(body))
	})
	for name, c := range clients(t, echo) {
		t.Run(name, func(t *testing.T) {
			resp, err := send(t, c, "PUT", "https://Us-Central1-run.googleapis.com/a%2Fb?c=d", "hi")
			require.NoError(t, err)
			require.Equal(t, http.StatusTeapot, resp.code)
			require.Equal(t, "us-central1-run.googleapis.com", resp.header.Get("X-Host"))
			require.Equal(t, "PUT /a%2Fb?c=d hi", resp.body)
			require.Equal(t, "https", resp.scheme, "the response names the caller's request")
			resp, err = send(t, c, "HEAD", "http://x.test/", "")
			require.NoError(t, err)
			require.Empty(t, resp.body)
			require.NotEmpty(t, resp.header.Get("X-Host"))
		})
	}
}

func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	h := http.NewServeMux()
	h.HandleFunc("/break", func(w http.ResponseWriter, _ *http.Request) { transport.Break(w) })
	h.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	for name, c := range clients(t, h) {
		t.Run(name, func(t *testing.T) {
			_, err := send(t, c, "GET", "http://x.test/break", "")
			require.ErrorIs(t, err, syscall.ECONNRESET)
			resp, err := send(t, c, "GET", "http://x.test/half", "")
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Equal(t, int64(10), resp.length)
			require.Equal(t, "half", resp.body)
		})
	}
}

func TestTheCallersContextEndsTheCall(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
	c := &http.Client{Transport: transport.InProcess(slow)}
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", "http://x.test", nil)
	require.NoError(t, err)
	done := make(chan error)
	go func() {
		resp, err := c.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

func TestLoopbackAddressesAreTheirOwn(t *testing.T) {
	t.Parallel()
	answering := func(s string) *httptest.Server {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }))
		t.Cleanup(server.Close)
		return server
	}
	main, other := answering("main"), answering("other")
	c := &http.Client{Transport: transport.Loopback(main.Listener.Addr().String())}
	t.Cleanup(c.CloseIdleConnections)
	for url, want := range map[string]string{"http://anywhere.test": "main", other.URL: "other"} {
		resp, err := send(t, c, "GET", url, "")
		require.NoError(t, err)
		require.Equal(t, want, resp.body)
	}
}

func TestHostname(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ host, url, want string }{
		"header":           {"Example.com", "/x", "example.com"},
		"with a port":      {"example.com:8080", "/x", "example.com"},
		"a proxy's":        {"proxy:3128", "http://Run.googleapis.com/x", "run.googleapis.com"},
		"an IPv6 loopback": {"[::1]:80", "/x", "::1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", tc.url, nil)
			r.Host = tc.host
			require.Equal(t, tc.want, transport.Hostname(r))
		})
	}
}
