package data

import (
	"cmp"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/frontend"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/transport"
)

// Plane answers at the URLs of Services. The store's lock guards it.
type Plane struct {
	st        *store.Store
	listeners *listeners
	images    images
	running   map[store.Key]*running
}

// NewPlane returns the data plane of a store. The listeners of Services are
// handed to serve. If it is nil, nothing listens.
func NewPlane(st *store.Store, serve func(net.Listener)) *Plane {
	return &Plane{st: st, listeners: newListeners(st, serve), images: builtinImages(), running: map[store.Key]*running{}}
}

// Handle registers the factory of an image. The caller holds the store's lock.
func (p *Plane) Handle(image string, factory Factory) { p.images[image] = factory }

// Publish listens for a Service and its tags, and stops listening for the tags
// that it lost. The caller holds the store's lock.
func (p *Plane) Publish(sv, previous *store.Service) {
	wanted := hosts(sv)
	if previous != nil {
		for host := range hosts(previous) {
			if !wanted[host] {
				p.listeners.close(host)
			}
		}
	}
	for host := range wanted {
		p.listeners.open(host)
	}
}

// Withdraw stops answering for a Service. The caller holds the store's lock.
func (p *Plane) Withdraw(sv *store.Service) {
	for host := range hosts(sv) {
		p.listeners.close(host)
	}
	p.st.Services.Unhost(sv)
	delete(p.running, sv.Key)
}

// Restart drops the running containers of a Service. The caller holds the store's lock.
func (p *Plane) Restart(k store.Key) { delete(p.running, k) }

// Close prevents new listeners. The caller holds the store's lock.
func (p *Plane) Close() { p.listeners.serve = nil }

// Host returns the host name that a request is for, and reports whether it is a
// Service's.
func (p *Plane) Host(r *http.Request) (string, bool) {
	p.st.Lock()
	defer p.st.Unlock()
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		if host, found := p.listeners.byAddress[addr.String()]; found {
			return host, true
		}
	}
	host := transport.Hostname(r)
	if strings.HasSuffix(host, ".run.app") {
		return host, true
	}
	sv, _ := p.st.Services.AtHost(host)
	return host, sv != nil
}

// Serve answers a request for a host name of a Service, as Cloud Run's front end does.
func (p *Plane) Serve(w http.ResponseWriter, r *http.Request, host string) {
	container, code := p.admit(r, host)
	switch code {
	case http.StatusNotFound:
		errorPage(w, code, "Page not found", "The requested URL was not found on this server.")
	case http.StatusForbidden:
		errorPage(w, code, "403 Forbidden", frontend.Forbidden(r.URL.Path))
	default:
		container.ServeHTTP(w, r)
	}
}

// admit returns the container for a request, or the status that refuses it.
func (p *Plane) admit(r *http.Request, host string) (*instance, int) {
	p.st.Lock()
	defer p.st.Unlock()
	sv, tag := p.st.Services.AtHost(host)
	now := time.Now()
	if sv == nil || sv.Gone(now) || !p.reachable(sv) {
		return nil, http.StatusNotFound
	}
	rn, ok := p.running[sv.Key]
	if !ok {
		rn = newRunning()
		p.running[sv.Key] = rn
	}
	rev := rn.pick(sv, lifecycle.CurrentView(sv, now).Traffic, tag)
	switch {
	case rev == nil:
		return nil, http.StatusNotFound
	case !p.st.Cluster && !public(sv) && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "):
		return nil, http.StatusForbidden
	}
	return rn.instance(p.st, sv, rev, p.images), http.StatusOK
}

// reachable reports whether a Service answers requests from the Internet.
func (p *Plane) reachable(sv *store.Service) bool {
	if strings.EqualFold(sv.Annotation(resources.NoURLAnnotation), "true") {
		return false
	}
	return p.st.Cluster || cmp.Or(sv.Annotation(resources.IngressAnnotation), "all") == "all"
}

// public reports whether everybody may call a Service.
func public(sv *store.Service) bool {
	return strings.EqualFold(sv.Annotation(resources.NoCheckAnnotation), "true") || resources.GrantsInvoker(sv.Policy)
}
