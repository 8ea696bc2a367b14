package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

func send(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text)
}

func (s *state) find(w http.ResponseWriter, r *http.Request, name string) *service {
	s.mu.Lock()
	v := s.at(r.PathValue("project"), name)
	s.mu.Unlock()
	if v == nil {
		fail(w, http.StatusNotFound, "NOT_FOUND", "Resource '"+name+"' was not found")
	}
	return v
}

func (s *state) getV1(w http.ResponseWriter, r *http.Request) {
	v := s.find(w, r, r.PathValue("name"))
	if v == nil {
		return
	}
	if v.isReady() {
		send(w, v.done)
		return
	}
	send(w, v.pending)
}

// writeV1 creates or replaces a Service. The response is never ready yet, as on Cloud Run.
func (s *state) writeV1(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var sent struct {
		Metadata struct{ Name string }
		Spec     json.RawMessage
	}
	if err := json.Unmarshal(body, &sent); err != nil || sent.Metadata.Name == "" {
		fail(w, http.StatusBadRequest, "INVALID_ARGUMENT", "the body is not a Service")
		return
	}
	spec := sent.Spec
	var template struct {
		Template struct{ Metadata json.RawMessage }
		Traffic  json.RawMessage
	}
	if _ = json.Unmarshal(spec, &template); template.Traffic == nil {
		spec = append(bytes.TrimSuffix(bytes.TrimSpace(spec), []byte("}")), `,"traffic":[{"percent":100,"latestRevision":true}]}`...)
	}
	// Labels and annotations of the client stay: the mark of a write is among them.
	s.mu.Lock()
	v := s.put(r.PathValue("project"), sent.Metadata.Name, spec, "gcr.io/demo/app:1")
	s.mu.Unlock()
	send(w, v.pending)
}

func (s *state) listV1(w http.ResponseWriter, r *http.Request) {
	s.list(w, r, "continue", "limit", func(v *service) []byte { return v.done }, func(items []byte, next string) []byte {
		return fmt.Appendf(nil, `{"apiVersion":"serving.knative.dev/v1","kind":"ServiceList","metadata":{"continue":%q},"items":[%s]}`, next, items)
	})
}

func (s *state) listV2(w http.ResponseWriter, r *http.Request) {
	s.list(w, r, "pageToken", "pageSize", func(v *service) []byte { return v.v2 }, func(items []byte, next string) []byte {
		return fmt.Appendf(nil, `{"services":[%s],"nextPageToken":%q}`, items, next)
	})
}

func (s *state) list(w http.ResponseWriter, r *http.Request, tokenKey, limitKey string, text func(*service) []byte, page func([]byte, string) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, _ := strconv.Atoi(r.URL.Query().Get(tokenKey))
	limit, err := strconv.Atoi(r.URL.Query().Get(limitKey))
	if err != nil || limit <= 0 || limit > 500 {
		limit = 500
	}
	to := min(from+limit, len(s.order))
	var items bytes.Buffer
	for i, name := range s.order[from:to] {
		if i > 0 {
			items.WriteByte(',')
		}
		items.Write(text(s.at("demo", name)))
	}
	next := ""
	if to < len(s.order) {
		next = strconv.Itoa(to)
	}
	send(w, page(items.Bytes(), next))
}

// waitV1 holds the request until the operation of a write has ended.
func (s *state) waitV1(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimSuffix(r.PathValue("wait"), ":wait")
	name, _, _ := cutLast(id, "-")
	v := s.find(w, r, name)
	if v == nil {
		return
	}
	select {
	case <-time.After(time.Until(v.readyAt)):
	case <-r.Context().Done():
		return
	}
	send(w, fmt.Appendf(nil, `{"name":"projects/demo/locations/us-central1/operations/%s","done":true,"response":{"@type":"type.googleapis.com/google.cloud.run.v1.Service",%s}`, id, v.done[1:]))
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

func (s *state) getV2(w http.ResponseWriter, r *http.Request) {
	if v := s.find(w, r, r.PathValue("name")); v != nil {
		send(w, v.v2)
	}
}

func (s *state) writeV2(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if name == "" {
		name = r.URL.Query().Get("serviceId")
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	s.mu.Lock()
	v := s.put(r.PathValue("project"), name, []byte(`{}`), "gcr.io/demo/app:1")
	s.mu.Unlock()
	send(w, operationText(r, name, v))
}

func operationText(r *http.Request, name string, v *service) []byte {
	prefix := "projects/" + r.PathValue("project") + "/locations/" + r.PathValue("region") + "/operations/" + path.Base(name)
	if !v.isReady() {
		return fmt.Appendf(nil, `{"name":%q,"done":false}`, prefix)
	}
	return fmt.Appendf(nil, `{"name":%q,"done":true,"response":{"@type":"type.googleapis.com/google.cloud.run.v2.Service",%s}`, prefix, v.v2[1:])
}

func (s *state) operationV2(w http.ResponseWriter, r *http.Request) {
	if v := s.find(w, r, r.PathValue("id")); v != nil {
		send(w, operationText(r, r.PathValue("id"), v))
	}
}

func (s *state) getPolicy(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(r.PathValue("iam"), ":")
	if v := s.find(w, r, name); v != nil {
		send(w, policyText(v))
	}
}

func policyText(v *service) []byte {
	if v.policy == nil {
		return []byte(`{"version":1,"etag":"BwAAAAAAAAA="}`)
	}
	return v.policy
}

func (s *state) setPolicy(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(r.PathValue("iam"), ":")
	v := s.find(w, r, name)
	if v == nil {
		return
	}
	var sent struct{ Policy map[string]any }
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		fail(w, http.StatusBadRequest, "INVALID_ARGUMENT", err.Error())
		return
	}
	sent.Policy["etag"] = "BwAAAAAAAAE="
	text, _ := json.Marshal(sent.Policy)
	s.mu.Lock()
	v.policy = text
	s.mu.Unlock()
	send(w, text)
}
