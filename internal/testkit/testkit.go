// Package testkit is the harness that the tests of several packages share: an
// embedded control plane with a client, virtual time, and ways to read what a
// server holds. Only tests import it.
package testkit

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// Image is the container image that tests deploy.
const Image = "us-docker.pkg.dev/demo/app/api:v1"

// NewServer starts an embedded control plane, in process and without a port, so
// that it works in virtual time. The client is for the project demo in us-central1.
func NewServer(t testing.TB, opts ...cloudruntest.Option) (*cloudruntest.Server, *cloudrun.Client) {
	t.Helper()
	s := cloudruntest.NewServer(append([]cloudruntest.Option{cloudruntest.InProcess()}, opts...)...)
	t.Cleanup(s.Close)
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", s.ClientOptions()...)
	require.NoError(t, err)
	return s, c
}

// NewCluster starts a Knative API server, in process and without a port.
func NewCluster(t testing.TB, opts ...cloudruntest.Option) (*cloudruntest.Server, *cloudrun.Client) {
	t.Helper()
	s := cloudruntest.NewServer(append([]cloudruntest.Option{cloudruntest.InProcess(), cloudruntest.Cluster(), cloudruntest.WithTimeToReady(2 * time.Second)}, opts...)...)
	t.Cleanup(s.Close)
	c, err := cloudrun.NewClusterClient(t.Context(), "default", option.WithEndpoint("https://kubernetes.example:6443"), option.WithHTTPClient(s.Client()))
	require.NoError(t, err)
	return s, c
}

// InVirtualTime runs a test in virtual time, in which sleeping takes no real time.
func InVirtualTime(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// NewService returns a new Service that runs Image.
func NewService(t testing.TB, name string, opts ...cloudrun.ServiceOption) *servingv1.Service {
	t.Helper()
	s, err := cloudrun.NewService(name, append([]cloudrun.ServiceOption{cloudrun.WithImage(Image)}, opts...)...)
	require.NoError(t, err)
	return s
}

// ListNames returns the names of the listed Services and the error that ended the list.
func ListNames(t testing.TB, c *cloudrun.Client, opts ...cloudrun.ListOption) (names []string, err error) {
	t.Helper()
	for s, failed := range c.ListServices(t.Context(), opts...) {
		require.NoError(t, err, "nothing comes after an error")
		if failed != nil {
			require.Nil(t, s)
			err = failed
			continue
		}
		names = append(names, s.Name)
	}
	return names, err
}

// Before calls do right before the nth request with the given method whose path contains path.
func Before(s *cloudruntest.Server, method, path string, n int, do func()) {
	s.Fault(cloudruntest.Fault{Method: method, Path: path, Times: -1, Match: func(*http.Request) bool {
		if n--; n == 0 {
			do()
		}
		return false
	}})
}

// Outcome returns the outcome of a call that failed with a [*cloudrun.DeployError].
func Outcome(t testing.TB, err error) cloudrun.WriteOutcome {
	t.Helper()
	var failed *cloudrun.DeployError
	require.ErrorAs(t, err, &failed)
	return failed.Outcome
}

// RevisionNames returns the names of Revisions, in their order.
func RevisionNames(all []cloudrun.RevisionInfo) []string {
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = r.Name
	}
	return names
}
