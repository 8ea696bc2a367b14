package store

import (
	"iter"
	"maps"
	"strings"
	"time"
)

// Services are the Services, by key and by host name.
type Services struct {
	byKey   map[Key]*Service
	byHost  map[string]Key // host names without tags
	cluster bool
}

func newServices(cluster bool) Services {
	return Services{byKey: map[Key]*Service{}, byHost: map[string]Key{}, cluster: cluster}
}

// Get returns the Service with exactly a key, or nil. It may be gone.
func (ss *Services) Get(k Key) *Service { return ss.byKey[k] }

// Find returns a Service that is not gone, or nil. It drops one that is.
func (ss *Services) Find(k Key, now time.Time) *Service {
	sv := ss.byKey[k]
	if sv != nil && sv.Gone(now) {
		delete(ss.byKey, k)
		return nil
	}
	return sv
}

// FindIn returns the Service of the first of some regions that has it, or nil.
func (ss *Services) FindIn(regions []string, k Key, now time.Time) *Service {
	for _, region := range regions {
		if sv := ss.byKey[Key{k.Project, region, k.Name}]; sv != nil && !sv.Gone(now) {
			return sv
		}
	}
	return nil
}

// In returns the Services of a project, in no order. An empty region means all regions.
func (ss *Services) In(p *Project, region string, now time.Time) iter.Seq[*Service] {
	return func(yield func(*Service) bool) {
		for key, sv := range ss.byKey {
			if key.Project == p.Number && (region == "" || region == key.Region) && !sv.Gone(now) && !yield(sv) {
				return
			}
		}
	}
}

// All returns all Services, in no order. Some may be gone.
func (ss *Services) All() iter.Seq[*Service] { return maps.Values(ss.byKey) }

// Put stores a Service.
func (ss *Services) Put(sv *Service) { ss.byKey[sv.Key] = sv }

// Host takes the host names of a Service.
func (ss *Services) Host(sv *Service) {
	ss.byHost[sv.Host], ss.byHost[NumberHost(sv.Key)] = sv.Key, sv.Key
}

// Drop removes a Service.
func (ss *Services) Drop(sv *Service) { delete(ss.byKey, sv.Key) }

// Unhost frees the host names of a Service.
func (ss *Services) Unhost(sv *Service) {
	delete(ss.byHost, sv.Host)
	delete(ss.byHost, NumberHost(sv.Key))
}

// AtHost returns the Service and the tag that a host name stands for, or nil.
func (ss *Services) AtHost(host string) (*Service, string) {
	if key, ok := ss.byHost[host]; ok {
		return ss.byKey[key], ""
	}
	for i := range host {
		rest, ok := strings.CutPrefix(host[i:], tagSeparator(ss.cluster))
		if !ok || i == 0 {
			continue
		}
		if sv := ss.byKey[ss.byHost[rest]]; sv != nil {
			return sv, host[:i]
		}
	}
	return nil, ""
}
