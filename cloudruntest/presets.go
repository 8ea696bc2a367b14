package cloudruntest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
)

// ImageNotFound is the course of a Service whose image does not exist.
func ImageNotFound() Script {
	return Script{FailRevision: &Failure{Reason: "ContainerMissing", Condition: "ContainerReady", Message: "Image '{image}' not found."}}
}

// SecretDenied is the course of a Service whose account is not allowed to read a
// secret: the first one that it has in a variable or a volume.
func SecretDenied() Script {
	f := Failure(*lifecycle.SecretDenied())
	return Script{FailRevision: &f}
}

// NotListening is the course of a Service whose container does not listen on its port.
func NotListening() Script {
	return Script{FailRevision: &Failure{Reason: "HealthCheckContainerError", Condition: "ContainerHealthy",
		Message: "The user-provided container failed to start and listen on the port defined provided by the PORT={port} environment variable within the " +
			"allocated timeout. This can happen when the container port is misconfigured or if the timeout is too short. The health check timeout can be " +
			"extended. Logs for this revision might contain more information.",
		SystemLog: []string{`Default STARTUP TCP probe failed 1 time consecutively for container "app" on port {port}. The instance was not started.`}}}
}

// QuotaExceeded is the course of a Service for which the region has no CPU left.
// [Server.RateLimit] is for the quota of requests.
func QuotaExceeded() Script {
	return Script{FailRevision: &Failure{Reason: "ResourcesUnavailable", Condition: "ResourcesAvailable",
		Message: "Quota exceeded for total allowable CPU per project per region."}}
}

// ConcurrentWriter is a Fault that has another writer change a Service just before
// the next replacement of it arrives, which the server then refuses with a
// conflict. Set Times for more than one. The project is its ID.
//
//	s.Fault(s.ConcurrentWriter("demo", "hello"))
func (s *Server) ConcurrentWriter(project, service string) Fault {
	path := "/apis/serving.knative.dev/v1/namespaces/" + project + "/services/" + service
	var busy atomic.Bool // the other writer's own requests pass
	var writes atomic.Int64
	return Fault{
		Method: http.MethodPut,
		Match: func(r *http.Request) bool {
			return r.URL.Path == path && !r.URL.Query().Has("dryRun") && !busy.Load()
		},
		Do: func() {
			busy.Store(true)
			defer busy.Store(false)
			s.relabel(path, fmt.Sprint(writes.Add(1)))
		},
	}
}

// relabel changes a label of a Service, as another client would. A Service that
// is gone stays so.
func (s *Server) relabel(path, value string) {
	raw, status := s.exchange(http.MethodGet, path, nil)
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if status != http.StatusOK || d.Decode(&doc) != nil {
		return
	}
	metadata, _ := doc["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	if labels == nil {
		labels = map[string]any{}
	}
	labels["concurrent-writer"] = value
	metadata["labels"] = labels
	if changed, err := json.Marshal(doc); err == nil {
		s.exchange(http.MethodPut, path, changed)
	}
}

func (s *Server) exchange(method, path string, body []byte) ([]byte, int) {
	req, err := http.NewRequestWithContext(s.ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, 0
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	return answer, resp.StatusCode
}

// outcomes are the courses with a name.
func outcomes() map[string]Script {
	return map[string]Script{
		"image-not-found": ImageNotFound(), "secret-denied": SecretDenied(), "not-listening": NotListening(), "quota-exceeded": QuotaExceeded(),
		"never-ready": {NeverReady: true}, "forbidden": {Refuse: http.StatusForbidden}, "conflict": {Refuse: http.StatusConflict},
		"unavailable": {Refuse: http.StatusServiceUnavailable},
	}
}

// Outcome returns the Script with a name: image-not-found, secret-denied,
// not-listening or quota-exceeded, as the functions of that name; never-ready; or
// forbidden, conflict or unavailable, with which the server refuses writes.
func Outcome(name string) (Script, error) {
	if script, ok := outcomes()[name]; ok {
		return script, nil
	}
	return Script{}, fmt.Errorf("no outcome %.40q: use one of %s", name, strings.Join(slices.Sorted(maps.Keys(outcomes())), ", "))
}

// WithScriptLabels lets the labels of a Service decide its course, so that error
// paths can be tried with any client, such as gcloud run deploy --labels.
// cloudruntest-outcome names an [Outcome], and cloudruntest-time-to-ready is a
// duration such as 30s. They take precedence over a [Script], and apply to
// the write that has them.
func WithScriptLabels() Option {
	return func(c *config) {
		c.outcome = func(name string) (lifecycle.Script, error) {
			script, err := Outcome(name)
			return script.internal(), err
		}
	}
}
