package fleet

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/throttle"
)

// The rates at which the requests of a project and region begin, per second. The
// quota is found from there.
const (
	firstWrites = 10
	firstReads  = 50
)

// place is a project and region: its Client, the limits of its requests, and
// whether it answers.
type place struct {
	client        *cloudrun.Client
	deployer      *cloudrun.Deployer
	writes, reads *throttle.Limiter

	mu       sync.Mutex
	answered time.Time // when a request was last answered without an error of the server
	down     error     // why no other target is tried; nil if the region answers
}

// newPlaces returns the places of targets. Their Clients share credentials and connections.
func newPlaces(ctx context.Context, targets []Target, c config) (map[location]*place, error) {
	places := map[location]*place{}
	base := c.client
	for _, t := range targets {
		if places[t.place()] != nil {
			continue
		}
		if base == nil {
			var err error
			if base, err = cloudrun.NewClient(ctx, t.Project, t.Region, c.clientOptions...); err != nil {
				return nil, err
			}
		}
		client, err := base.In(t.Project, t.Region)
		if err != nil {
			return nil, err
		}
		places[t.place()] = &place{
			client: client, deployer: cloudrun.NewDeployer(client, c.defaults...),
			writes: throttle.New(firstWrites), reads: throttle.New(firstReads),
		}
	}
	return places, nil
}

// gate holds a request until the quota allows it.
func (p *place) gate(ctx context.Context, r rest.Request) (func(int, time.Duration), error) {
	limit := p.limiter(r)
	if limit == nil {
		return func(int, time.Duration) {}, nil
	}
	answered, err := limit.Wait(ctx)
	if err != nil {
		return nil, err
	}
	return func(status int, after time.Duration) {
		answered(status == http.StatusTooManyRequests, after)
		if status != 0 && status < http.StatusInternalServerError {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.answered = time.Now()
		}
	}, nil
}

// limiter returns what limits a request; nil for one of Cloud Logging, which has
// a quota of its own. The wait for an operation is a POST that reads.
func (p *place) limiter(r rest.Request) *throttle.Limiter {
	path, _, _ := strings.Cut(r.URL, "?")
	switch {
	case strings.HasSuffix(path, "/entries:list"):
		return nil
	case r.Method == http.MethodGet, strings.HasSuffix(path, ":wait"), strings.HasSuffix(path, ":testIamPermissions"):
		return p.reads
	}
	return p.writes
}

// judge notes that a target which began at a time has failed. If the region has
// answered nothing since, although the target was retried for minutes, no other
// target is tried there.
func (p *place) judge(began time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down == nil && rest.Transient(err) && p.answered.Before(began) {
		p.down = err
	}
}

// isDown returns why no other target is tried; nil if the region answers.
func (p *place) isDown() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.down
}
