package fleet

import (
	"cmp"
	"context"
	"fmt"
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
	writes, reads *lane
}

// lane is the requests that share a quota.
type lane struct {
	limit *throttle.Limiter
	open  context.Context // ends when nothing else is sent
	close context.CancelCauseFunc

	mu       sync.Mutex
	answered time.Time // when a request was last answered
	failed   time.Time // when one was last refused for the quota, or not answered
}

func newLane(perSecond float64) *lane {
	l := &lane{limit: throttle.New(perSecond)}
	l.open, l.close = context.WithCancelCause(context.Background())
	return l
}

// wait waits until the next request may be sent.
func (l *lane) wait(ctx context.Context) (answered func(bool, time.Duration), err error) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.open, cancel)() //nolint:contextcheck // the end of the lane is not that of the call
	answered, err = l.limit.Wait(waiting)
	if err != nil && ctx.Err() == nil {
		return nil, context.Cause(l.open) //nolint:contextcheck // as above
	}
	return answered, err
}

// note notes whether a request failed.
func (l *lane) note(failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if failed {
		l.failed = time.Now()
	} else {
		l.answered = time.Now()
	}
}

// isBlocked reports whether requests have only failed since a time.
func (l *lane) isBlocked(since time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answered.Before(since) && !l.failed.Before(since)
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
			writes: newLane(firstWrites), reads: newLane(firstReads),
		}
	}
	return places, nil
}

// gate holds a request until the quota allows it.
func (p *place) gate(ctx context.Context, r rest.Request) (func(int, time.Duration), error) {
	l := p.lane(r)
	if l == nil {
		return func(int, time.Duration) {}, nil
	}
	answered, err := l.wait(ctx)
	if err != nil {
		return nil, err
	}
	return func(status int, after time.Duration) {
		refused := status == http.StatusTooManyRequests
		answered(refused, after)
		// A write that fails may be the fault of its Service. A read is not.
		l.note(refused || status == 0 || l == p.reads && status >= http.StatusInternalServerError)
	}, nil
}

// lane returns the lane of a request; nil for one of Cloud Logging, which has
// a quota of its own. The wait for an operation is a POST that reads.
func (p *place) lane(r rest.Request) *lane {
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
// answered no read or has admitted no write since, although the target was retried
// for minutes, no other request of that kind is sent, and no other target is tried.
func (p *place) judge(began time.Time, err error) {
	if !rest.Transient(err) {
		return
	}
	for _, l := range []*lane{p.reads, p.writes} {
		if l.isBlocked(began) {
			l.close(fmt.Errorf("the region does not answer: %s", cause(err)))
		}
	}
}

// isDown returns why no other target is tried; nil if the region answers.
func (p *place) isDown() error {
	return cmp.Or(context.Cause(p.reads.open), context.Cause(p.writes.open))
}
