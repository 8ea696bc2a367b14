package fleet_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/fleet"
)

// traffic counts the requests of a server.
type traffic struct {
	mu              sync.Mutex
	writes, refused int
	first, last     time.Time // of the writes
	refusals        []time.Time
}

func (c *traffic) count(r cloudruntest.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case r.Status == 429:
		c.refused++
		c.refusals = append(c.refusals, r.Time)
	case r.Method != "GET" && !strings.HasSuffix(r.Path, ":wait"):
		if c.last = r.Time; c.writes == 0 {
			c.first = r.Time
		}
		c.writes++
	}
}

// A thousand Services under a quota of ten writes a second: the quota is used, and little is refused.
func TestFleetUsesTheQuota(t *testing.T) {
	t.Parallel()
	const services = 1000
	for name, tc := range map[string]struct {
		quota     cloudruntest.Quota
		perSecond float64
		learning  time.Duration
		least     float64
	}{
		"10 writes a second":                       {cloudruntest.Quota{Writes: 10}, 10, 0, 0.95},
		"10 writes a second, with Retry-After":     {cloudruntest.Quota{Writes: 10, RetryAfter: time.Second}, 10, 0, 0.95},
		"10 writes a second, 40 reads":             {cloudruntest.Quota{Writes: 10, Reads: 40}, 10, 0, 0.85},
		"20 writes a second":                       {cloudruntest.Quota{Writes: 20}, 20, 10 * time.Second, 0.9},
		"180 writes a minute, as Cloud Run counts": {cloudruntest.Quota{Writes: 180, Window: time.Minute}, 3, time.Minute, 0.95},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && name != "10 writes a second" {
				t.Skip("it takes seconds")
			}
			inVirtualTime(t, func(t *testing.T) {
				var c traffic
				s, options := newServer(t, cloudruntest.WithTimeToReady(3*time.Second), cloudruntest.WithRecording(10*services), cloudruntest.WithRequestLog(c.count))
				s.SetQuota(tc.quota)
				all := targets(services, "us-central1")
				report, err := fleet.Deploy(t.Context(), all, options...)
				require.NoError(t, err)
				requireOnce(t, s, all)
				took := c.last.Sub(c.first)
				used := float64(c.writes) / took.Seconds() / tc.perSecond
				late := 0
				for _, at := range c.refusals {
					if at.Sub(c.first) > tc.learning {
						late++
					}
				}
				t.Logf("%d writes in %v: %.1f %% of the quota; %d requests refused, %d later; %s", c.writes, took, 100*used, c.refused, late, report.Summary())
				require.GreaterOrEqual(t, used, tc.least)
				require.LessOrEqual(t, late, services/50)
				require.LessOrEqual(t, c.refused, services/20)
			})
		})
	}
}
