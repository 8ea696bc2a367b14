package cloudruntest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"google.golang.org/api/option"
)

// inProcessURL is the URL of a server without a port. Clients take *.localhost for a loopback address.
const inProcessURL = "http://cloudrun.localhost"

// Server is a Cloud Run control plane and the Services that it runs. Make it
// with [NewServer] and end it with Close. It is safe for concurrent use.
type Server struct {
	// URL is the endpoint of the API, without a slash at the end.
	URL string

	conf   config
	client *http.Client
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	active sync.WaitGroup // requests in flight
	http   *http.Server   // nil in process
	serves sync.WaitGroup // listeners being served

	mu       sync.Mutex
	closed   bool
	clock    clock
	projects map[string]*project // by ID and by number
	services map[serviceKey]*service
	hosts    map[string]serviceKey // host names of the Services, without tags
	doors    doors
	ops      operations
	changed  chan struct{} // closed and replaced at each change
	scripts  map[string]Script
	images   map[string]func(Container) http.Handler
	faults   []*fault
	limit    rateLimit
	denied   map[string]bool
	noPublic bool
	log      journal
}

// config is what the options of [NewServer] set.
type config struct {
	inProcess   bool
	cluster     bool
	addr        string
	projects    []project
	regions     []string
	timeToReady time.Duration
	record      int
	listener    net.Listener
	onRequest   func(Request)
}

// Option is an option of [NewServer].
type Option func(*config)

// InProcess makes a server without a port: requests reach it through
// [Server.Client] and [Server.ClientOptions] only. All its timers are made on
// demand, so that it works in a bubble of testing/synctest, where minutes of
// waiting pass at once. Make and close the server inside of the bubble.
func InProcess() Option { return func(c *config) { c.inProcess = true } }

// WithAddr sets the TCP address to listen on. The default is 127.0.0.1:0.
func WithAddr(addr string) Option { return func(c *config) { c.addr = addr } }

// WithListener makes the server listen on l instead of an address of its own, so
// that a failure to listen is the caller's to handle. Close closes it.
func WithListener(l net.Listener) Option { return func(c *config) { c.listener = l } }

// WithRequestLog calls f for each request of the API once it is handled, also if nothing is recorded.
// Calls may come at the same time.
func WithRequestLog(f func(Request)) Option { return func(c *config) { c.onRequest = f } }

// WithProject adds a project. Requests for other ones are then refused with
// 403, as Cloud Run does. Without this option every project exists, and the
// first one asked for has the number 123456789012.
func WithProject(id, number string) Option {
	return func(c *config) { c.projects = append(c.projects, project{id: id, number: number}) }
}

// WithRegions replaces the regions that exist, which are Cloud Run's own by
// default. The first one is that of new Services when a request does not tell
// the region, because it came to a host that is not of the form REGION-run.….
func WithRegions(regions ...string) Option {
	return func(c *config) {
		if len(regions) > 0 {
			c.regions = regions
		}
	}
}

// WithTimeToReady sets how long Services take to become ready after a write,
// unless a [Script] says otherwise. With 0, the default, the answer to the
// write is ready already and names no operation.
func WithTimeToReady(d time.Duration) Option { return func(c *config) { c.timeToReady = d } }

// WithRecording sets how many requests and how many writes are kept for
// [Server.Requests] and [Server.History]: the last n. The default is 10,000; 0 keeps none.
func WithRecording(n int) Option { return func(c *config) { c.record = max(n, 0) } }

// Cluster makes the server a plain Knative API server instead of Cloud Run: no
// IAM, regions or operations, the errors, defaults and conditions of Knative
// Serving. Namespaces take the place of projects.
func Cluster() Option { return func(c *config) { c.cluster = true } }

// NewServer starts a server. It panics if it cannot listen, as
// httptest.NewServer does.
func NewServer(opts ...Option) *Server {
	conf := config{addr: "127.0.0.1:0", regions: allRegions(), record: 10_000}
	for _, o := range opts {
		o(&conf)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		URL: inProcessURL, conf: conf, ctx: ctx, cancel: cancel,
		projects: map[string]*project{}, services: map[serviceKey]*service{}, hosts: map[string]serviceKey{},
		changed: make(chan struct{}), scripts: map[string]Script{}, images: builtinImages(), denied: map[string]bool{},
		log: journal{limit: conf.record},
	}
	for _, p := range conf.projects {
		s.projects[p.id], s.projects[p.number] = &p, &p
	}
	if conf.inProcess {
		s.client = &http.Client{Transport: &inProcessTransport{s}}
		return s
	}
	s.listen()
	return s
}

func (s *Server) listen() {
	l := s.conf.listener
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", s.conf.addr); err != nil {
			panic(fmt.Sprintf("cloudruntest: failed to listen on %s: %v", s.conf.addr, err))
		}
	}
	addr := reachable(l.Addr())
	s.URL = "http://" + addr
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	s.client = &http.Client{Transport: &loopbackTransport{server: addr, base: transport}}
	s.serve(l)
}

// reachable is an address at which a listener is reached from here.
func reachable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", itoa(tcp.Port))
	}
	return addr.String()
}

// serve answers on a listener until it or the server is closed.
func (s *Server) serve(l net.Listener) {
	s.serves.Go(func() { _ = s.http.Serve(l) })
}

// Close ends the server and all that it runs, and waits for the requests in
// flight, whose contexts it cancels. It may be called more than once.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	if s.http != nil {
		_ = s.http.Close()
	}
	s.active.Wait()
	s.serves.Wait()
	s.client.CloseIdleConnections()
}

// begin counts a request in, unless the server is closed.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.active.Add(1)
	}
	return !s.closed
}

// Client returns an HTTP client for which this server is the whole Internet:
// every host name leads to it. So Cloud Run's own endpoints work, such as
// https://us-central1-run.googleapis.com, with their regions, and so do the
// URLs of Services and tags.
func (s *Server) Client() *http.Client { return s.client }

// ClientOptions returns the options that make a client of Google's API
// libraries, or of package cloudrun, use this server. It needs no credentials.
//
// They name this server as the endpoint, and so leave out the region: a Service
// is found in whatever region it is. Where regions matter, pass only
// option.WithHTTPClient(s.Client()) instead.
func (s *Server) ClientOptions() []option.ClientOption {
	return []option.ClientOption{option.WithEndpoint(s.URL), option.WithHTTPClient(s.client)}
}

// Environ returns the environment variables, as KEY=VALUE, that make gcloud
// use this server. It has none of its own credentials then. CLOUDSDK_CONFIG is
// left to the caller; so is the project. It returns nil for a server without a port.
func (s *Server) Environ() []string {
	if s.http == nil {
		return nil
	}
	host, port, _ := net.SplitHostPort(s.URL[len("http://"):])
	env := []string{
		"CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true",
		"CLOUDSDK_PROXY_TYPE=http",
		"CLOUDSDK_PROXY_ADDRESS=" + host,
		"CLOUDSDK_PROXY_PORT=" + port,
		"CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1",
		"CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1",
		"CLOUDSDK_SURVEY_DISABLE_PROMPTS=1",
	}
	for _, api := range []string{"run", "serviceusage", "cloudresourcemanager"} {
		env = append(env, fmt.Sprintf("CLOUDSDK_API_ENDPOINT_OVERRIDES_%s=http://%s.googleapis.com/", upper(api), api))
	}
	return slices.Clip(env)
}

// notify wakes those who wait for a change. The caller holds the lock.
func (s *Server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}
