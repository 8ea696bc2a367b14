package cloudruntest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/data"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/transport"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/wire"
)

// inProcessURL is the URL of a server without a port. Clients accept *.localhost
// as a loopback address.
const inProcessURL = "http://cloudrun.localhost"

// Server is a Cloud Run control plane with the Services that it runs. Create it
// with [NewServer] and end it with Close. It is safe for concurrent use.
type Server struct {
	// URL is the endpoint of the API, without a trailing slash.
	URL string

	store   *store.Store
	control *control.Plane
	data    *data.Plane
	api     *wire.API

	client *http.Client
	http   *http.Server    // nil in process
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	active sync.WaitGroup // requests in flight
	serves sync.WaitGroup // listeners being served
	closed bool           // guarded by the store's lock
}

// NewServer starts a server. It panics if it cannot listen, as
// httptest.NewServer does.
func NewServer(opts ...Option) *Server {
	conf := newConfig(opts)
	st := store.New(conf.store)
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{URL: inProcessURL, store: st, ctx: ctx, cancel: cancel}
	if !conf.inProcess {
		s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
		s.data = data.NewPlane(st, s.serve)
	} else {
		s.data = data.NewPlane(st, nil)
	}
	scripts := lifecycle.NewScripts(conf.timeToReady)
	scripts.Outcome = conf.outcome
	s.control = &control.Plane{Store: st, Permissions: resources.NewPermissions(st.Cluster), Scripts: scripts, Data: s.data}
	s.control.Permissions.Deny(conf.denied...)
	s.api = &wire.API{Control: s.control, Faults: &wire.Faults{}, Quota: &wire.Quota{}, Log: wire.NewLog(conf.record, conf.onEach())}
	if conf.inProcess {
		s.client = &http.Client{Transport: transport.InProcess(s)}
		return s
	}
	l := conf.listen()
	addr := reachable(l.Addr())
	s.URL = "http://" + addr
	s.client = &http.Client{Transport: transport.Loopback(addr)}
	s.serve(l)
	return s
}

// onEach returns the function to call for every request, or nil.
func (c config) onEach() func(wire.Request) {
	if c.onRequest == nil {
		return nil
	}
	return func(r wire.Request) { c.onRequest(Request(r)) }
}

// listen returns the configured listener. It panics if it cannot listen.
func (c config) listen() net.Listener {
	if c.listener != nil {
		return c.listener
	}
	l, err := net.Listen("tcp", c.addr)
	if err != nil {
		panic(fmt.Sprintf("cloudruntest: failed to listen on %s: %v", c.addr, err))
	}
	return l
}

// reachable returns an address that reaches a listener from this machine.
func reachable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return addr.String()
}

// serve answers on a listener until the listener or the server is closed.
func (s *Server) serve(l net.Listener) {
	s.serves.Go(func() { _ = s.http.Serve(l) })
}

// ServeHTTP answers requests for the API, and for Services by their host names.
// It also serves as the proxy that gcloud is configured to use.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		transport.Break(w)
		return
	}
	defer s.active.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)() //nolint:contextcheck // Close ends the request, too
	r = r.WithContext(ctx)
	if r.Method == http.MethodConnect {
		http.Error(w, "cloudruntest proxies plain http only", http.StatusBadGateway)
		return
	}
	if host, ok := s.data.Host(r); ok {
		s.data.Serve(w, r, host)
		return
	}
	s.api.ServeHTTP(w, r)
}

// begin counts a request in, unless the server is closed.
func (s *Server) begin() bool {
	s.store.Lock()
	defer s.store.Unlock()
	if !s.closed {
		s.active.Add(1)
	}
	return !s.closed
}

// Close ends the server and its Services. It cancels the contexts of requests in
// flight and waits for them. Calling it again is a no-op.
func (s *Server) Close() {
	s.store.Lock()
	s.closed = true
	s.data.Close()
	s.store.Unlock()
	s.cancel()
	if s.http != nil {
		_ = s.http.Close()
	}
	s.active.Wait()
	s.serves.Wait()
	s.client.CloseIdleConnections()
}
