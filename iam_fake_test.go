package cloudrun_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
)

// iamFake is an http.RoundTripper that serves the IAM policy of one Service.
type iamFake struct {
	mu        sync.Mutex
	policy    map[string]any
	guarded   bool               // whether writes need the current etag
	faults    map[string][]fault // by verb, one for each of the next requests
	requests  []string
	sent      []string // the policies in setIamPolicy requests
	conflicts int
	version   int
	latency   time.Duration
}

// fault is what happens to one request.
type fault struct {
	before func(*iamFake) // another writer acts first
	effect bool           // whether the request takes effect
	after  func(*iamFake) // another writer acts afterwards
	status int            // the status of the response, if not 0
	body   string
	header http.Header
	reset  bool // no response
	hang   bool // no response until the caller cancels
}

func newIAMFake(policy string) *iamFake {
	f := &iamFake{faults: map[string][]fault{}, policy: decodeFields(policy)}
	f.guarded = f.policy["etag"] != nil
	return f
}

func (f *iamFake) client(t *testing.T) *cloudrun.Client {
	t.Helper()
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1",
		option.WithEndpoint("https://run.example.com"), option.WithHTTPClient(&http.Client{Transport: f}))
	require.NoError(t, err)
	return c
}

// RoundTrip responds like Cloud Run, unless a fault is due.
func (f *iamFake) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	time.Sleep(f.latency)
	_, verb, _ := strings.Cut(req.URL.Path, ":")
	due, isDue := f.begin(req, verb)
	if due.hang {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if due.before != nil {
		due.before(f)
	}
	status, body := 0, ""
	if !isDue || due.effect || due.before != nil {
		status, body = f.serve(verb, req)
	}
	if due.after != nil {
		due.after(f)
	}
	if due.reset {
		return nil, errors.New("connection reset by peer")
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if due.status != 0 {
		status, body = due.status, due.body
		for k, v := range due.header {
			header[k] = v
		}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

func (f *iamFake) begin(req *http.Request, verb string) (due fault, isDue bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, req.Method+" "+req.URL.String())
	if queue := f.faults[verb]; len(queue) > 0 {
		due, f.faults[verb] = queue[0], queue[1:]
		return due, true
	}
	return fault{}, false
}

func (f *iamFake) serve(verb string, req *http.Request) (status int, body string) {
	switch verb {
	case "getIamPolicy":
		return http.StatusOK, encodeFields(f.policy)
	case "": // the Service itself
		return http.StatusOK, `{"metadata": {"name": "hello", "creationTimestamp": "1999-12-31T00:00:00Z"}}`
	case "testIamPermissions":
		return http.StatusOK, `{"permissions": ["run.services.get"]}`
	}
	sent, _ := io.ReadAll(req.Body)
	policy := decodeFields(string(sent))["policy"].(map[string]any)
	if f.guarded && policy["etag"] != f.policy["etag"] {
		f.conflicts++
		return http.StatusConflict, `{"error": {"code": 409, "message": "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.", "status": "ABORTED"}}`
	}
	f.sent = append(f.sent, encodeFields(policy))
	f.policy = policy
	f.touch()
	return http.StatusOK, encodeFields(f.policy)
}

// touch gives the policy another etag.
func (f *iamFake) touch() {
	if f.guarded {
		f.version++
		f.policy["etag"] = fmt.Sprintf("Bw%08d==", f.version)
	}
}

// edit adds a binding as another writer.
func (f *iamFake) edit(binding string) {
	f.policy["bindings"] = append(f.bindings(), decodeFields(binding))
	f.touch()
}

func (f *iamFake) bindings() []any {
	bindings, _ := f.policy["bindings"].([]any)
	return slices.Clone(bindings)
}
