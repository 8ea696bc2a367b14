package cloudruntest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// onBoth runs a test in process and over TCP. Clients must not see a difference.
func onBoth(t *testing.T, test func(t *testing.T, s *cloudruntest.Server)) {
	t.Parallel()
	t.Run("in process", func(t *testing.T) {
		t.Parallel()
		test(t, newServer(t))
	})
	t.Run("over TCP", func(t *testing.T) {
		t.Parallel()
		s := cloudruntest.NewServer()
		t.Cleanup(s.Close)
		test(t, s)
	})
}

func exists(s *cloudruntest.Server) bool {
	_, ok := s.Service("demo", "hello")
	return ok
}

func TestFaultsWithAnAnswer(t *testing.T) {
	tests := map[string]struct {
		fault   cloudruntest.Fault
		code    int
		body    string
		header  string // Content-Type
		written bool
	}{
		"before the write":  {cloudruntest.Fault{Status: 503}, 503, `"UNAVAILABLE"`, "application/json; charset=UTF-8", false},
		"after the write":   {cloudruntest.Fault{Status: 500, After: true}, 500, `"INTERNAL"`, "application/json; charset=UTF-8", true},
		"too many":          {cloudruntest.Fault{Status: 429}, 429, `"RESOURCE_EXHAUSTED"`, "application/json; charset=UTF-8", false},
		"a status unheard":  {cloudruntest.Fault{Status: 418}, 418, `I'm a teapot`, "application/json; charset=UTF-8", false},
		"a proxy's page":    {cloudruntest.Fault{Body: "<html>", ContentType: "text/html"}, 200, "<html>", "text/html", false},
		"a page and effect": {cloudruntest.Fault{Status: 502, Body: "<html>", ContentType: "text/html", After: true}, 502, "<html>", "text/html", true},
		"wrong type":        {cloudruntest.Fault{ContentType: "text/plain"}, 200, `"hello"`, "text/plain", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s *cloudruntest.Server) {
				fault := test.fault
				fault.Method, fault.Header = "POST", http.Header{"Retry-After": {"7"}}
				s.Fault(fault)
				code, body, header := send(t, s, "POST", demo+"/services", minimal("hello"))
				require.Equal(t, test.code, code)
				require.Contains(t, string(body), test.body)
				require.Equal(t, test.header, header.Get("Content-Type"))
				require.Equal(t, "7", header.Get("Retry-After"))
				require.Equal(t, test.written, exists(s))
				code, _ = do(t, s, "GET", demo+"/services", nil)
				require.Equal(t, 200, code)
				require.Equal(t, test.code, s.Requests()[0].Status)
			})
		})
	}
}

func TestFaultsThatBreakTheConnection(t *testing.T) {
	tests := map[string]struct {
		fault   cloudruntest.Fault
		want    error
		written bool
	}{
		"before":    {cloudruntest.Fault{Reset: true}, syscall.ECONNRESET, false},
		"after":     {cloudruntest.Fault{Reset: true, After: true}, syscall.ECONNRESET, true},
		"truncated": {cloudruntest.Fault{Truncate: 10}, io.ErrUnexpectedEOF, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s *cloudruntest.Server) {
				s.Fault(test.fault)
				doc := `{"metadata":{"name":"hello"},"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}`
				body, err := request(t.Context(), s, "POST", regional+demo+"/services", doc)
				if test.fault.Truncate > 0 {
					require.Len(t, body, test.fault.Truncate)
				}
				require.ErrorIs(t, err, test.want)
				require.Equal(t, test.written, exists(s))
			})
		})
	}
}

func TestFaultsChooseRequests(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	codes := func(method, path string, n int) (list []int) {
		for range n {
			code, _ := do(t, s, method, demo+path, nil)
			list = append(list, code)
		}
		return list
	}
	s.Fault(cloudruntest.Fault{Path: "/revisions", Skip: 1, Times: 2, Status: 500})
	require.Equal(t, []int{200, 200}, codes("GET", "/services", 2))
	require.Equal(t, []int{200, 500, 500, 200}, codes("GET", "/revisions", 4))
	s.Fault(cloudruntest.Fault{Times: -1, Status: 500, Match: func(r *http.Request) bool {
		b, _ := io.ReadAll(r.Body)
		return strings.Contains(string(b), "evil")
	}})
	for range 3 {
		code, _ := do(t, s, "POST", demo+"/services", minimal("evil"))
		require.Equal(t, 500, code)
	}
	create(t, s, "good")
	s.ClearFaults()
	create(t, s, "evil")
}

func TestStaleReads(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Fault(cloudruntest.Fault{Method: "GET", Stale: true, Times: 2})
	first := create(t, s, "hello")
	code, _ := do(t, s, "GET", demo+"/services/hello", nil)
	require.Equal(t, 404, code, "before the first write it was not there")
	doc := minimal("hello")
	env("A", "1")(doc)
	do(t, s, "PUT", demo+"/services/hello", doc)
	require.Equal(t, first, get(t, s, "hello"))
	require.Equal(t, 2.0, dig(get(t, s, "hello"), "metadata", "generation"))
}

func TestDelays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Fault(cloudruntest.Fault{Delay: time.Minute, Times: 2})
		start := time.Now()
		create(t, s, "hello")
		require.Equal(t, time.Minute, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := request(ctx, s, "GET", regional+demo+"/services/hello", "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute+time.Second, time.Since(start))
	})
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.RateLimit(2)
		for range 2 {
			for _, want := range []int{200, 200, 429} {
				code, _ := do(t, s, "GET", demo+"/services", nil)
				require.Equal(t, want, code)
			}
			time.Sleep(time.Second)
		}
		require.Equal(t, 2, s.RateLimited())
		s.RateLimit(0)
		create(t, s, "hello")
	})
}
