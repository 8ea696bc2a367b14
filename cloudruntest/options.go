package cloudruntest

import (
	"net"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
)

// config is what the options of [NewServer] set.
type config struct {
	inProcess   bool
	addr        string
	listener    net.Listener
	store       store.Config
	timeToReady time.Duration
	record      int
	onRequest   func(Request)
	denied      []string
	outcome     func(name string) (lifecycle.Script, error)
}

// Option is an option of [NewServer]. A nil Option is ignored.
type Option func(*config)

// newConfig returns the configuration that options make.
func newConfig(opts []Option) config {
	conf := config{addr: "127.0.0.1:0", record: 10_000, store: store.Config{Regions: store.AllRegions()}}
	for _, o := range opts {
		if o != nil {
			o(&conf)
		}
	}
	conf.store.Journal = conf.record
	return conf
}

// InProcess makes a server without a port. Requests reach it only through
// [Server.Client] and [Server.ClientOptions]. It creates its timers on demand, so
// that it works in a testing/synctest bubble, where minutes of waiting pass at
// once. Create and close the server inside the bubble.
func InProcess() Option { return func(c *config) { c.inProcess = true } }

// WithAddr sets the TCP address to listen on. The default is 127.0.0.1:0.
func WithAddr(addr string) Option { return func(c *config) { c.addr = addr } }

// WithListener makes the server use an existing listener, so that the caller can
// handle a failure to listen. Close closes it.
func WithListener(l net.Listener) Option { return func(c *config) { c.listener = l } }

// WithRequestLog calls f for each request of the API after it is handled, even
// if nothing is recorded. Calls may be concurrent.
func WithRequestLog(f func(Request)) Option { return func(c *config) { c.onRequest = f } }

// WithProject adds a project. Requests for other projects are then refused with
// 403, as on Cloud Run. Without this option every project exists, and the first
// one requested has the number 123456789012.
func WithProject(id, number string) Option {
	return func(c *config) { c.store.Projects = append(c.store.Projects, store.Project{ID: id, Number: number}) }
}

// WithRegions replaces the regions that exist. The default is Cloud Run's own.
// The first region is the one of new Services when the request does not name a
// region, because its host is not of the form REGION-run.….
func WithRegions(regions ...string) Option {
	return func(c *config) {
		if len(regions) > 0 {
			c.store.Regions = regions
		}
	}
}

// WithTimeToReady sets how long Services take to become ready after a write,
// unless a [Script] sets another time. With 0, the default, the response to the
// write is ready already and names no operation.
func WithTimeToReady(d time.Duration) Option { return func(c *config) { c.timeToReady = d } }

// WithRecording sets how many requests and how many writes [Server.Requests] and
// [Server.History] keep: the last n. The default is 10,000. 0 disables recording.
func WithRecording(n int) Option { return func(c *config) { c.record = max(n, 0) } }

// Cluster makes the server a plain Knative API server instead of Cloud Run. It
// has no IAM, regions or operations, and the errors, defaults and conditions of
// Knative Serving. Namespaces take the place of projects.
func Cluster() Option { return func(c *config) { c.store.Cluster = true } }

// WithoutPermission takes permissions from the caller, as [Server.DenyPermission] does.
func WithoutPermission(permissions ...string) Option {
	return func(c *config) { c.denied = append(c.denied, permissions...) }
}

// AllowUnknownFields makes the server accept and keep fields that Google's
// description of the API does not have, as a newer Cloud Run may. Without this
// option it refuses them, unless the stored Service has them, as one of
// [Server.PutService] may.
func AllowUnknownFields() Option { return func(c *config) { c.store.AnyField = true } }
