package systemtest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// fleetQuota limits the requests per second of a server. It may send Retry-After.
type fleetQuota struct {
	base       http.RoundTripper
	perSecond  int
	retryAfter string
	start      time.Time

	mu       sync.Mutex
	asked    []int // requests in each second
	accepted []int
}

func (q *fleetQuota) RoundTrip(req *http.Request) (*http.Response, error) {
	if !q.take() {
		resp := testkit.Response(req, 429, "application/json", `{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "quota"}}`)
		if q.retryAfter != "" {
			resp.Header.Set("Retry-After", q.retryAfter)
		}
		return resp, nil
	}
	return q.base.RoundTrip(req)
}

func (q *fleetQuota) take() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	second := int(time.Since(q.start) / time.Second)
	for len(q.asked) <= second {
		q.asked, q.accepted = append(q.asked, 0), append(q.accepted, 0)
	}
	q.asked[second]++
	if q.accepted[second] == q.perSecond {
		return false
	}
	q.accepted[second]++
	return true
}

// table returns the requests in each second, ten seconds on a line.
func (q *fleetQuota) table() string {
	var b strings.Builder
	b.WriteString("second  requests in each of the ten seconds (accepted in all)\n")
	for from := 0; from < len(q.asked); from += 10 {
		to := min(from+10, len(q.asked))
		sum := 0
		for _, n := range q.accepted[from:to] {
			sum += n
		}
		fmt.Fprintf(&b, "%6d  %v (%d)\n", from, q.asked[from:to], sum)
	}
	return b.String()
}

// TestFleetMeetsAQuota starts 200 readers at once on a server that answers ten
// requests per second. All of them send their first request and their first
// retries in the first two seconds. After that the rate falls with each retry.
//
// A caller retries after 0.25 to 0.75 s, then 0.5 to 1.5 s, 1 to 3 s, 2 to 6 s
// and so on up to 15 to 45 s. After t seconds the pauses of a caller are at least
// about t/6 long, so 200 callers send at most 1200/t requests per second. If the
// server asks for five seconds, the pauses are five to ten seconds and longer.
func TestFleetMeetsAQuota(t *testing.T) {
	t.Parallel()
	const callers, perSecond = 200, 10
	for name, retryAfter := range map[string]string{"without Retry-After": "", "with Retry-After": "5"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InVirtualTime(t, func(t *testing.T) {
				s := cloudruntest.NewServer(cloudruntest.InProcess())
				defer s.Close()
				require.NoError(t, s.PutService("demo", "us-central1", []byte(testkit.UnknownFieldsService)))
				q := &fleetQuota{base: s.Client().Transport, perSecond: perSecond, retryAfter: retryAfter, start: time.Now()}
				c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithEndpoint(s.URL), option.WithHTTPClient(&http.Client{Transport: q}))
				require.NoError(t, err)

				var wg sync.WaitGroup
				var mu sync.Mutex
				served := 0
				for range callers {
					wg.Go(func() {
						_, err := c.GetService(t.Context(), "hello")
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							served++
						}
					})
				}
				wg.Wait()
				t.Log("\n" + q.table())

				require.Equal(t, callers, served, "every caller is served within the budget of a call")
				require.Less(t, q.asked[0], 3*callers, "all start at once, and retry once or twice")
				for second, n := range q.asked[2:] {
					require.LessOrEqual(t, n, max(2*perSecond, 1200/(second+2)), "second %d", second+2)
				}
				total := 0
				for _, n := range q.asked {
					total += n
				}
				require.Less(t, total, 8*callers, "requests in all")
				if retryAfter != "" {
					require.Equal(t, []int{0, 0, 0, 0}, q.asked[1:5], "no caller retries earlier than Retry-After allows")
				}
			})
		})
	}
}

// TestFleetOfDeployments starts 200 deployments at once against the same quota.
// Every one succeeds, and the rate stays near the quota.
func TestFleetOfDeployments(t *testing.T) {
	t.Parallel()
	const callers, perSecond = 200, 10
	testkit.InVirtualTime(t, func(t *testing.T) {
		s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithTimeToReady(5*time.Second))
		defer s.Close()
		q := &fleetQuota{base: s.Client().Transport, perSecond: perSecond, start: time.Now()}
		c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithEndpoint(s.URL), option.WithHTTPClient(&http.Client{Transport: q}))
		require.NoError(t, err)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(testkit.Image))

		var wg sync.WaitGroup
		errs := make([]error, callers)
		for i := range callers {
			wg.Go(func() { _, errs[i] = d.Deploy(t.Context(), fmt.Sprintf("hello-%d", i)) })
		}
		wg.Wait()
		t.Log("\n" + q.table())
		for i, err := range errs {
			require.NoError(t, err)
			require.Len(t, s.Revisions("demo", fmt.Sprintf("hello-%d", i)), 1)
		}
		require.Less(t, slices.Max(q.asked[10:]), 5*perSecond, "requests in the worst second after the first ten")
	})
}

// TestSoak deploys thousands of times with one Client. It leaks no goroutine,
// connection or memory.
func TestSoak(t *testing.T) {
	deploys := 10_000
	if testing.Short() || testkit.UnderRace {
		deploys = 500
	}
	s := cloudruntest.NewServer(cloudruntest.WithRecording(0), cloudruntest.WithTimeToReady(0))
	defer s.Close()
	connections := &fleetConnections{seen: map[string]bool{}}
	base := &http.Transport{MaxIdleConnsPerHost: 4}
	defer base.CloseIdleConnections()
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithEndpoint(s.URL), option.WithHTTPClient(&http.Client{Transport: connections.watch(base)}))
	require.NoError(t, err)
	d := cloudrun.NewDeployer(c, cloudrun.WithImage(testkit.Image), cloudrun.WithPublicAccess())
	deploy := func(n int) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := d.Deploy(ctx, fmt.Sprintf("hello-%d", n%5), cloudrun.WithEnv("N", fmt.Sprint(n)))
		require.NoError(t, err)
		if n%20 == 19 { // the server keeps every Revision until the Service is deleted
			require.NoError(t, d.Delete(t.Context(), fmt.Sprintf("hello-%d", n/20%5)))
		}
	}
	warm := deploys / 5
	for n := range warm {
		deploy(n)
	}
	goroutines, heap := runtime.NumGoroutine(), fleetHeap()
	for n := warm; n < deploys; n++ {
		deploy(n)
	}
	t.Logf("%d deploys: goroutines %d -> %d, heap %d -> %d KiB, connections %d", deploys, goroutines, runtime.NumGoroutine(), heap>>10, fleetHeap()>>10, len(connections.seen))
	for range 500 { // goroutines end a moment after their connections or calls
		if runtime.NumGoroutine() <= goroutines+3 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+3)
	require.Less(t, fleetHeap(), heap+heap/4+2<<20, "heap in use")
	require.LessOrEqual(t, len(connections.seen), 8, "connections")
}

func fleetHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fleetConnections records the connections that requests use.
type fleetConnections struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (f *fleetConnections) watch(base http.RoundTripper) http.RoundTripper {
	return testkit.RoundTripper(func(req *http.Request) (*http.Response, error) {
		trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.seen[info.Conn.LocalAddr().String()] = true
		}}
		return base.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	})
}
