package cloudruntest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
)

// entry is one thing that a list may show.
type entry struct {
	key    string // the list's order
	labels object
	render func() object
}

// answerList answers a list, filtered, in order and in pages.
func (s *Server) answerList(c *call, kind string, entries []entry) (answer, *apiError) {
	match, err := parseSelector(c.query.Get("labelSelector"))
	if err != nil {
		return answer{}, err
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool { return !match(e.labels) })
	sort.Slice(entries, func(i, j int) bool { return entries[i].key < entries[j].key })
	entries, err = after(entries, c.query.Get("continue"))
	if err != nil {
		return answer{}, err
	}
	meta := object{}
	if s.conf.cluster {
		meta["resourceVersion"] = s.version(int64(s.clock))
	}
	if limit := atoi(c.query.Get("limit")); limit > 0 && limit < len(entries) {
		meta["continue"] = base64.RawURLEncoding.EncodeToString([]byte("k:" + entries[limit-1].key))
		if s.conf.cluster {
			meta["remainingItemCount"] = len(entries) - limit
		}
		entries = entries[:limit]
	}
	list := make([]any, len(entries))
	for i, e := range entries {
		list[i] = e.render()
	}
	return answerJSON(http.StatusOK, object{"apiVersion": apiVersion, "kind": kind + "List", "metadata": meta, "items": list}), nil
}

// after drops what the pages before have shown.
func after(entries []entry, token string) ([]entry, *apiError) {
	if token == "" {
		return entries, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	key, ok := strings.CutPrefix(string(raw), "k:")
	if err != nil || !ok {
		return nil, invalid("invalid continue token")
	}
	i := sort.Search(len(entries), func(i int) bool { return entries[i].key > key })
	return entries[i:], nil
}

// visible gives the Services that a request may see.
func (s *Server) visible(c *call, t target) func(func(*service) bool) {
	return func(yield func(*service) bool) {
		for key, sv := range s.services {
			if key.project == t.project.number && (t.region == "" || t.region == key.region) && !sv.gone(c.now) && !yield(sv) {
				return
			}
		}
	}
}

func (s *Server) listServices(c *call, t target) (answer, *apiError) {
	if err := s.permit("run.services.list", "namespaces/"+t.project.name()+"/services"); err != nil {
		return answer{}, err
	}
	var entries []entry
	for sv := range s.visible(c, t) {
		entries = append(entries, entry{
			key: sv.key.name + "/" + sv.key.region, labels: at(sv.doc, "metadata", "labels"),
			render: func() object { return s.render(sv, c.now) },
		})
	}
	return s.answerList(c, "Service", entries)
}

// listRevisions lists the newest revisions first, as Cloud Run does; a cluster lists by name.
func (s *Server) listRevisions(c *call, t target) (answer, *apiError) {
	if err := s.permit("run.revisions.list", "namespaces/"+t.project.name()+"/revisions"); err != nil {
		return answer{}, err
	}
	var entries []entry
	for sv := range s.visible(c, t) {
		for _, r := range sv.revisions {
			key := fmt.Sprintf("%019d", 1<<62-r.seq)
			if s.conf.cluster {
				key = r.name
			}
			entries = append(entries, entry{
				key: key, labels: at(r.doc, "metadata", "labels"),
				render: func() object { return s.renderRevision(sv, r, c.now) },
			})
		}
	}
	return s.answerList(c, "Revision", entries)
}

func (s *Server) getPart(c *call, t target) (answer, *apiError) {
	sv := s.find(t, c)
	if sv == nil {
		return answer{}, s.missing(upper(strings.TrimSuffix(t.kind, "s")), t.kind, t)
	}
	return answerJSON(http.StatusOK, s.renderPart(sv, t.kind, c)), nil
}

func (s *Server) listParts(c *call, t target) (answer, *apiError) {
	var entries []entry
	for sv := range s.visible(c, t) {
		labels := with(at(sv.doc, "metadata", "labels"), "serving.knative.dev/service", sv.key.name)
		entries = append(entries, entry{key: sv.key.name + "/" + sv.key.region, labels: labels,
			render: func() object { return s.renderPart(sv, t.kind, c) }})
	}
	kind := "Route"
	if t.kind == "configurations" {
		kind = "Configuration"
	}
	return s.answerList(c, kind, entries)
}

// renderPart is the Configuration or the Route behind a Service.
func (s *Server) renderPart(sv *service, kind string, c *call) object {
	whole := s.render(sv, c.now)
	status := at(whole, "status")
	meta := without(at(whole, "metadata"), "selfLink")
	meta["labels"] = with(at(meta, "labels"), "serving.knative.dev/service", sv.key.name)
	part := object{"apiVersion": apiVersion, "kind": "Route", "metadata": meta}
	keep, condition, spec := []string{"traffic", "url", "address"}, "RoutesReady", "traffic"
	if kind == "configurations" {
		part["kind"] = "Configuration"
		keep, condition, spec = []string{"latestCreatedRevisionName", "latestReadyRevisionName"}, "ConfigurationsReady", "template"
	}
	part["spec"] = object{spec: at(whole, "spec")[spec]}
	shown := object{"observedGeneration": status["observedGeneration"]}
	for _, k := range keep {
		if v, ok := status[k]; ok {
			shown[k] = v
		}
	}
	for _, cond := range items(status, "conditions") {
		if o, _ := cond.(object); text(o, "type") == condition {
			shown["conditions"] = []any{with(o, "type", "Ready")}
		}
	}
	part["status"] = shown
	return part
}
