package data

import (
	"net"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// maxListeners bounds the listeners of Services. Beyond it a Service has an https
// URL that only the server's own client reaches.
const maxListeners = 512

// listeners are the listeners of Services and tags. With them any HTTP client can
// open the URLs, without a name lookup. The caller of its methods holds the
// store's lock.
type listeners struct {
	serve     func(net.Listener) // nil: nothing listens
	addresses map[string]string  // the store's addresses by host name
	byHost    map[string]net.Listener
	byAddress map[string]string
}

func newListeners(st *store.Store, serve func(net.Listener)) *listeners {
	return &listeners{serve: serve, addresses: st.Addresses, byHost: map[string]net.Listener{}, byAddress: map[string]string{}}
}

// open listens for a host name. Without a listener the host name still works
// with the server's own client.
func (ls *listeners) open(host string) {
	if ls.serve == nil || ls.byHost[host] != nil || len(ls.byHost) >= maxListeners {
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	address := l.Addr().String()
	ls.byHost[host], ls.byAddress[address], ls.addresses[host] = l, host, address
	ls.serve(l)
}

func (ls *listeners) close(host string) {
	l, ok := ls.byHost[host]
	if !ok {
		return
	}
	delete(ls.byHost, host)
	delete(ls.byAddress, ls.addresses[host])
	delete(ls.addresses, host)
	_ = l.Close()
}

// hosts returns the host names of a Service and its tags.
func hosts(sv *store.Service) map[string]bool {
	all := map[string]bool{sv.Host: true}
	for _, t := range sv.Targets() {
		if tag := tree.Text(t, "tag"); tag != "" {
			all[store.TagHost(sv, tag)] = true
		}
	}
	return all
}
