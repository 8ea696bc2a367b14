package cloudrun_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/api/option"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// Helpers for the tests of this package. Helpers for several packages are in internal/testkit.

const (
	image      = testkit.Image
	fullPolicy = testkit.FullPolicy
)

var (
	newServer     = testkit.NewServer
	newCluster    = testkit.NewCluster
	inVirtualTime = testkit.InVirtualTime
	newService    = testkit.NewService
	listNames     = testkit.ListNames
	before        = testkit.Before
	trafficOf     = testkit.Traffic
	outcomeOf     = testkit.Outcome
	revisionNames = testkit.RevisionNames
	decodeFields  = testkit.Decode
	encodeFields  = testkit.Encode
)

type service = servingv1.Service

// TestMain fails the tests if a goroutine is left when all are done.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// named is a Service that has only a name.
func named(name string) *service {
	s := &service{}
	s.Name = name
	return s
}

// methods returns the methods and paths of requests.
func methods(requests []cloudruntest.Request) (all []string) {
	for _, r := range requests {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

// fields decodes an object and keeps the spelling of its numbers.
func fields(t *testing.T, raw string) map[string]any {
	t.Helper()
	require.True(t, json.Valid([]byte(raw)), raw)
	return decodeFields(raw)
}

// endpointRecorder answers every request in the same way and keeps it.
type endpointRecorder struct {
	mu       sync.Mutex
	requests []*http.Request
	answer   func(*http.Request) (*http.Response, error) // nil: endpointAnything
}

// endpointAnything is a response that every call understands but those of IAM.
const endpointAnything = `{"metadata": {"name": "hello", "resourceVersion": "1"}, "locations": [{"locationId": "us-central1"}], "items": []}`

func (r *endpointRecorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.requests = append(r.requests, req)
	r.mu.Unlock()
	if r.answer != nil {
		return r.answer(req)
	}
	if strings.HasSuffix(req.URL.Path, "IamPolicy") {
		return endpointAnswer(req, http.StatusOK, "application/json", `{"etag": "ACAB"}`), nil
	}
	return endpointAnswer(req, http.StatusOK, "application/json", endpointAnything), nil
}

func (r *endpointRecorder) client() option.ClientOption {
	return option.WithHTTPClient(&http.Client{Transport: r})
}

var endpointAnswer = testkit.Response
