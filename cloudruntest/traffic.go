package cloudruntest

import (
	"encoding/json"
	"maps"
	"strings"
)

// routesLatest reports whether the latest ready revision gets traffic or a tag.
func (sv *service) routesLatest() bool {
	for _, t := range objects(at(sv.doc, "spec"), "traffic") {
		if text(t, "revisionName") == "" {
			return true
		}
	}
	return false
}

// resolve names the revisions that the traffic of the spec goes to.
func (sv *service) resolve(latestReady string) []any {
	var list []any
	for _, t := range objects(at(sv.doc, "spec"), "traffic") {
		t = maps.Clone(t)
		if text(t, "revisionName") == "" {
			if latestReady == "" {
				continue
			}
			t["revisionName"], t["latestRevision"] = latestReady, true
		}
		list = append(list, t)
	}
	return list
}

func targets(traffic []any) []object { return objects(object{"traffic": traffic}, "traffic") }

// withURLs adds the tags' URLs to resolved traffic.
func (s *Server) withURLs(sv *service, traffic []any) []any {
	list := make([]any, 0, len(traffic))
	for _, t := range targets(traffic) {
		if tag := text(t, "tag"); tag != "" {
			t = with(t, "url", s.url(tagHost(sv, tag)))
		}
		list = append(list, t)
	}
	return list
}

// serviceHost is the host name of a Service's URL.
func serviceHost(t target) string {
	if t.region == "" {
		return t.name + "." + t.project.name() + ".example.com"
	}
	return t.name + "-" + hostHash(t.project.number, t.region) + "-" + regionCode(t.region) + ".a.run.app"
}

// numberHost is the other host name that Cloud Run gives a Service.
func numberHost(sv *service) string {
	return sv.key.name + "-" + sv.key.project + "." + sv.key.region + ".run.app"
}

func tagHost(sv *service, tag string) string {
	if sv.key.region == "" {
		return tag + "-" + sv.host
	}
	return tag + "---" + sv.host
}

// serviceURL is the URL of a Service; empty if its default URL is switched off.
func (s *Server) serviceURL(sv *service) string {
	if strings.EqualFold(sv.annotation(noURLAnnotation), "true") {
		return ""
	}
	return s.url(sv.host)
}

// url is the URL that leads to a host name of a Service.
func (s *Server) url(host string) string {
	if addr, ok := s.doors.address(host); ok {
		return "http://" + addr
	}
	if s.conf.cluster {
		return "http://" + host
	}
	return "https://" + host
}

// annotate sets the annotations that tell of the write's operation and of the URLs.
func (s *Server) annotate(sv *service) {
	if s.conf.cluster {
		return
	}
	annotations := at(sv.doc, "metadata", "annotations")
	if sv.rollout.id != "" {
		annotations[operationAnnotation] = sv.rollout.id
	}
	if s.serviceURL(sv) == "" || sv.rollout.noURL {
		return
	}
	urls, _ := json.Marshal(s.allURLs(sv))
	annotations[urlsAnnotation] = string(urls)
}

// allURLs are the URLs of a Service, the preferred one first.
func (s *Server) allURLs(sv *service) []string {
	if url := s.url(sv.host); strings.HasPrefix(url, "http://") {
		return []string{url}
	}
	return []string{"https://" + numberHost(sv), "https://" + sv.host}
}
