package systemtest

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// writeFaults returns everything that can happen to one write.
func writeFaults() map[string]cloudruntest.Fault {
	return map[string]cloudruntest.Fault{
		"reset before the effect":      {Reset: true},
		"reset after the effect":       {Reset: true, After: true},
		"503 before the effect":        {Status: 503},
		"503 after the effect":         {Status: 503, After: true},
		"truncated answer":             {Truncate: 20, After: true},
		"429":                          {Status: 429},
		"429 with Retry-After":         {Status: 429, Header: http.Header{"Retry-After": {"3"}}},
		"a proxy's page with 200":      {Status: 200, Body: "<html>", ContentType: "text/html"},
		"a proxy's page, after effect": {Status: 200, Body: "<html>", ContentType: "text/html", After: true},
		"conflict":                     {Status: 409},
		"conflict, after the effect":   {Status: 409, After: true}, // a proxy repeats it and forwards the second response
	}
}

// underWriteFaults checks that a call succeeds and makes one Revision, whatever
// happens to its write. The call creates the Service in one case and updates it
// in the other. It is prepared before the fault.
func underWriteFaults(t *testing.T, prepare func(*testing.T, *cloudrun.Deployer) func() (*cloudrun.Result, error)) {
	t.Parallel()
	for name, fault := range writeFaults() {
		for method, action := range map[string]cloudrun.Action{http.MethodPost: cloudrun.Created, http.MethodPut: cloudrun.Updated} {
			t.Run(method+"/"+name, func(t *testing.T) {
				testkit.InVirtualTime(t, func(t *testing.T) {
					s, c := testkit.NewServer(t)
					d := cloudrun.NewDeployer(c, cloudrun.WithImage(testkit.Image))
					want := 1
					if action == cloudrun.Updated {
						_, err := d.Deploy(t.Context(), "hello")
						require.NoError(t, err)
						want = 2
					}
					do := prepare(t, d)
					fault.Method, fault.Path = method, "/services"
					s.Fault(fault)
					r, err := do()
					require.NoError(t, err)
					require.Equal(t, action, r.Action)
					require.Len(t, s.Revisions("demo", "hello"), want)
				})
			})
		}
	}
}

func TestDeployUnderFaults(t *testing.T) {
	underWriteFaults(t, func(t *testing.T, d *cloudrun.Deployer) func() (*cloudrun.Result, error) {
		return func() (*cloudrun.Result, error) { return d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1")) }
	})
}

const faultsManifest = `
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: hello
spec:
  template:
    spec:
      containers:
      - image: us-docker.pkg.dev/cloudrun/container/hello
        env: [{name: A, value: a}]
`

func TestReplaceUnderFaults(t *testing.T) {
	underWriteFaults(t, func(t *testing.T, d *cloudrun.Deployer) func() (*cloudrun.Result, error) {
		m, err := cloudrun.ParseManifest([]byte(faultsManifest))
		require.NoError(t, err)
		return func() (*cloudrun.Result, error) { return d.ReplaceManifest(t.Context(), m) }
	})
}

func TestApplyUnderFaults(t *testing.T) {
	underWriteFaults(t, func(t *testing.T, d *cloudrun.Deployer) func() (*cloudrun.Result, error) {
		p, err := d.Plan(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		return func() (*cloudrun.Result, error) {
			r, err := d.Apply(t.Context(), p)
			_, again := d.Apply(t.Context(), p)
			require.ErrorIs(t, again, cloudrun.ErrPlanStale)
			return r, err
		}
	})
}

// Reads may be stale and miss a Service that was just created.
func TestDeployOfAServiceThatReadsDoNotShowYet(t *testing.T) {
	testkit.InVirtualTime(t, func(t *testing.T) {
		s, c := testkit.NewServer(t)
		s.Script("hello", cloudruntest.Script{TimeToReady: 3 * time.Second, NoOperation: true})
		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Skip: 1, Times: 2, Stale: true})
		r, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(testkit.Image))
		require.NoError(t, err)
		require.Equal(t, cloudrun.Created, r.Action)
		require.Len(t, s.Revisions("demo", "hello"), 1)
	})
}
