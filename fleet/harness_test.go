package fleet_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/fleet"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

const image = testkit.Image

var inVirtualTime = testkit.InVirtualTime

// TestMain fails the tests if a goroutine is left when all are done.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newServer starts an embedded control plane with regions. The options deploy there.
func newServer(t *testing.T, opts ...cloudruntest.Option) (*cloudruntest.Server, []fleet.Option) {
	t.Helper()
	s := cloudruntest.NewServer(append([]cloudruntest.Option{cloudruntest.InProcess()}, opts...)...)
	t.Cleanup(s.Close)
	return s, []fleet.Option{fleet.WithClientOptions(option.WithHTTPClient(s.Client())), fleet.WithDefaults(cloudrun.WithImage(image))}
}

// with returns options with some more.
func with(options []fleet.Option, more ...fleet.Option) []fleet.Option {
	return slices.Concat(options, more)
}

// targets returns a number of Services in each region.
func targets(n int, regions ...string) []fleet.Target {
	var all []fleet.Target
	for i := range n {
		for _, region := range regions {
			all = append(all, fleet.Target{Project: "demo", Region: region, Service: fmt.Sprintf("service-%d", i+1)})
		}
	}
	return all
}

// writes returns how often each Service was written, by region and name.
func writes(s *cloudruntest.Server) map[string]int {
	n := map[string]int{}
	for _, w := range s.History() {
		if w.Kind == "create" || w.Kind == "update" {
			n[w.Region+"/"+w.Name]++
		}
	}
	return n
}

// statuses returns the status of each target.
func statuses(r *fleet.Report) []fleet.Status {
	all := make([]fleet.Status, len(r.Results))
	for i, result := range r.Results {
		all[i] = result.Status
	}
	return all
}

// requireOnce asserts that each target was written exactly once.
func requireOnce(t *testing.T, s *cloudruntest.Server, all []fleet.Target) {
	t.Helper()
	n := writes(s)
	require.Len(t, n, len(all))
	for service, times := range n {
		require.Equal(t, 1, times, service)
	}
}

// bodyHas selects requests by a part of their body, without its spaces.
func bodyHas(part string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		return strings.Contains(strings.ReplaceAll(string(body), " ", ""), part)
	}
}

// hostHas selects requests by a part of their host.
func hostHas(part string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.Contains(r.Host, part) }
}
