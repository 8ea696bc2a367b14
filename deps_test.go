package cloudrun_test

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const depsModule = "github.com/cloudrun-go/cloudrun"

// depsList runs go list and splits what it prints.
func depsList(t *testing.T, args ...string) []string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	return strings.Fields(string(out))
}

// Dependencies point downwards, and do not grow unnoticed. The counts are of
// packages outside of the standard library; a change that needs more says so here.
func TestDependencies(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs go list")
	}
	heavy := []string{"knative.dev/", "k8s.io/"}
	for _, pkg := range depsList(t, "./...") {
		name := strings.TrimPrefix(strings.TrimPrefix(pkg, depsModule), "/")
		if name == "internal/testkit" || name == "internal/systemtest" {
			continue // only tests import them
		}
		most, forbidden := 480, []string{} // the commands
		switch {
		case name == "":
			most, forbidden = 395, []string{depsModule + "/cloudruntest", depsModule + "/runflags", depsModule + "/examples"}
		case slices.Contains([]string{"internal/traffic", "internal/status", "internal/spec"}, name): // they are about the Knative types
			most, forbidden = 360, []string{depsModule + "/cloudruntest", "google.golang.org/api"}
		case strings.HasPrefix(name, "internal/"):
			most, forbidden = 20, append([]string{depsModule + "/cloudruntest", "google.golang.org/"}, heavy...)
		case name == "cloudruntest":
			most, forbidden = 190, heavy
		case name == "runflags":
			most = 405
		}
		deps := depsList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", pkg)
		for _, dep := range deps {
			for _, prefix := range append(forbidden, "github.com/stretchr/testify", "go.uber.org/goleak", depsModule+"/internal/testkit") {
				require.False(t, strings.HasPrefix(dep, prefix), "%s depends on %s", pkg, dep)
			}
			if name == "cloudruntest" || strings.HasPrefix(name, "internal/") {
				require.NotEqual(t, depsModule, dep, "%s depends on what stands above it", pkg)
			}
		}
		require.LessOrEqual(t, len(deps), most, "%s has grown", pkg)
		if name == "runflags" {
			require.Contains(t, deps, depsModule)
		}
	}
}

// A program that uses the library gets no flags, and nothing of testing, from it.
func TestNothingOfTestingIsLinked(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs go list")
	}
	deps := depsList(t, "-deps", ".")
	for _, pkg := range []string{"testing", "net/http/httptest", "github.com/spf13/pflag"} {
		require.False(t, slices.Contains(deps, pkg), pkg)
	}
}
