package cloudruntest

import (
	"net"
)

// maxDoors bounds the listeners of Services. Beyond it a Service's URL is an
// https one that only Client reaches.
const maxDoors = 512

// doors are the listeners of Services and tags, so that their URLs can be
// opened by any HTTP client, without a name to look up.
type doors struct {
	byHost map[string]net.Listener
	byAddr map[string]string
}

func (d *doors) address(host string) (string, bool) {
	if l, ok := d.byHost[host]; ok {
		return l.Addr().String(), true
	}
	return "", false
}

func (d *doors) host(addr string) (string, bool) {
	host, ok := d.byAddr[addr]
	return host, ok
}

// openDoor listens for a host name of a Service. A server in process does not
// listen, nor does one that has too many listeners.
func (s *Server) openDoor(host string) {
	if s.http == nil || s.closed || s.doors.byHost[host] != nil || len(s.doors.byHost) >= maxDoors {
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return // the Service is still reached by its host name
	}
	if s.doors.byHost == nil {
		s.doors = doors{byHost: map[string]net.Listener{}, byAddr: map[string]string{}}
	}
	s.doors.byHost[host] = l
	s.doors.byAddr[l.Addr().String()] = host
	s.serve(l)
}

// openDoors listens for a Service and its tags, and no more for the tags that it has lost.
func (s *Server) openDoors(sv, old *service) {
	wanted := s.doorHosts(sv)
	if old != nil {
		for host := range s.doorHosts(old) {
			if !wanted[host] {
				s.closeDoor(host)
			}
		}
	}
	for host := range wanted {
		s.openDoor(host)
	}
}

func (s *Server) doorHosts(sv *service) map[string]bool {
	hosts := map[string]bool{sv.host: true}
	for _, t := range objects(at(sv.doc, "spec"), "traffic") {
		if tag := text(t, "tag"); tag != "" {
			hosts[tagHost(sv, tag)] = true
		}
	}
	return hosts
}

func (s *Server) closeDoor(host string) {
	if l, ok := s.doors.byHost[host]; ok {
		delete(s.doors.byHost, host)
		delete(s.doors.byAddr, l.Addr().String())
		_ = l.Close()
	}
}

// closeDoors stops listening for a Service that is deleted.
func (s *Server) closeDoors(sv *service) {
	for host := range s.doorHosts(sv) {
		s.closeDoor(host)
	}
	delete(s.hosts, sv.host)
	delete(s.hosts, numberHost(sv))
}
