package house

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// layer says what packages may depend on. Prefixes stand for packages and all below them.
type layer struct {
	packages string // paths below the module; "x/..." is x and all below
	ours     string // the packages of this module that they may import, in the same form
	imports  string // prefixes of the other packages that they may import
	never    string // prefixes of what they must not depend on, directly or indirectly
	most     int    // how many packages of others they may depend on
	testing  bool   // a package of others that they need imports package testing
}

const (
	apiTypes = "knative.dev k8s.io"
	backoff  = "github.com/cenkalti/backoff"
	otel     = "go.opentelemetry.io/otel"
	otelSDK  = "go.opentelemetry.io/otel/sdk"
	testCode = "testing net/http/httptest github.com/stretchr go.uber.org/goleak " +
		module + "/internal/testkit " + module + "/internal/systemtest " + module + "/internal/parity " + module + "/internal/house " + module + "/internal/pages"
)

// layers go from the top to the bottom. The first one that names a package
// counts. A package that needs more has to be entered here.
var layers = []layer{
	{packages: "internal/testkit/... internal/systemtest internal/parity internal/house internal/pages"}, // for tests only
	{packages: "examples/internal/cli", ours: "internal/layout"},
	{packages: "examples/emulator", ours: "cloudruntest examples/internal/cli", imports: "golang.org/x/term", never: apiTypes, most: 190},
	{packages: "examples/...", ours: "...", imports: apiTypes + " google.golang.org/api github.com/spf13/pflag golang.org/x/term", most: 415},
	{packages: "runflags", ours: ". fleet internal/...", imports: apiTypes + " github.com/spf13/pflag sigs.k8s.io/yaml go.yaml.in/yaml", most: 415},
	{packages: "runprogress", ours: ". fleet internal/...", imports: "golang.org/x/term github.com/mattn/go-runewidth", never: "github.com/spf13/pflag", most: 415},
	{packages: "rollout fleet jobs workerpools", ours: ". internal/...", imports: apiTypes + " google.golang.org/api cloud.google.com/go/auth golang.org/x/oauth2",
		never: "github.com/spf13/pflag", most: 415},
	{packages: "image", ours: "internal/...", imports: "github.com/google/go-containerregistry", never: apiTypes, most: 90, testing: true},
	{packages: ".", ours: "internal/...", imports: apiTypes + " google.golang.org/api cloud.google.com/go/auth golang.org/x/oauth2 " + backoff + " " + otel,
		never: "github.com/spf13/pflag cloud.google.com/go/auth/credentials/idtoken " + otelSDK, most: 410},
	{packages: "cloudruntest", ours: "cloudruntest/internal/...", imports: "google.golang.org/api/option", never: apiTypes, most: 190},
	// The table of the fields of the API has no dependencies, and one copy.
	{packages: "cloudruntest/...", ours: "cloudruntest/internal/... internal/apifields"},

	// These read or edit the Knative types. All other internal packages work on bytes and plain values.
	{packages: "internal/spec internal/status internal/traffic internal/edits internal/schema", ours: "internal/...", imports: apiTypes + " " + backoff,
		never: "google.golang.org/api cloud.google.com", most: 200},
	{packages: "internal/rest internal/operation", ours: "internal/...", imports: "golang.org/x/oauth2 google.golang.org/api/googleapi " + backoff, never: apiTypes, most: 20},
	{packages: "internal/telemetry", ours: "internal/...", imports: otel, never: apiTypes + " google.golang.org/api/option " + otelSDK, most: 50},
	{packages: "internal/clientoption", ours: "internal/rest", imports: otel + " google.golang.org/api/option", never: apiTypes + " " + otelSDK, most: 195},
	{packages: "internal/transient", ours: "internal/...", imports: apiTypes + " golang.org/x/oauth2 google.golang.org/api/googleapi " + backoff, most: 200},
	{packages: "internal/pause internal/once internal/watch", ours: "internal/...", imports: backoff, most: 5},
	{packages: "internal/machine", ours: "internal/...", imports: "golang.org/x/oauth2 cloud.google.com/go/compute/metadata", never: apiTypes, most: 10},
	{packages: "internal/throttle", ours: "internal/...", imports: "golang.org/x/time/rate", most: 5},
	{packages: "internal/manifest", ours: "internal/...", imports: "go.yaml.in/yaml", most: 5},
	{packages: "internal/...", ours: "internal/...", most: 5},
}

// Dependencies point downwards and do not grow unnoticed. A program that uses
// the library links no test code.
func TestDependencies(t *testing.T) {
	t.Parallel()
	packages, err := loadModule()
	require.NoError(t, err)
	for _, p := range packages {
		if short(p) == "runflags" {
			require.Contains(t, p.Deps, module)
		}
		i := slices.IndexFunc(layers, func(l layer) bool { return matches(l.packages, short(p)) })
		require.GreaterOrEqual(t, i, 0, "%s has no layer", p.Path)
		if i == 0 {
			continue
		}
		for _, problem := range layers[i].check(p) {
			t.Errorf("%s %s", p.Path, problem)
		}
	}
}

func (l layer) check(p Package) (problems []string) {
	for _, dep := range p.Deps {
		if below(testCode, dep) && !(l.testing && dep == "testing") || below(l.never, dep) {
			problems = append(problems, "must not depend on "+dep)
		}
	}
	for _, path := range p.Imports {
		own, ofModule := strings.CutPrefix(path+"/", module+"/")
		switch {
		case ofModule && !matches(l.ours, strings.TrimSuffix(own, "/")):
			problems = append(problems, "must not import "+path+", which is not below it")
		case !ofModule && !below(l.imports, path):
			problems = append(problems, "may not import "+path)
		}
	}
	if p.Foreign > l.most {
		problems = append(problems, fmt.Sprintf("depends on %d packages of others, and at most %d are allowed", p.Foreign, l.most))
	}
	return problems
}

// matches reports whether one of the patterns is for the package with a path
// below the module.
func matches(patterns, path string) bool {
	if path == "" {
		path = "."
	}
	return slices.ContainsFunc(strings.Fields(patterns), func(pattern string) bool {
		above, all := strings.CutSuffix(pattern, "...")
		return path == strings.TrimSuffix(above, "/") || all && strings.HasPrefix(path, above)
	})
}

// below reports whether a package is one of those with the prefixes or below one.
func below(prefixes, path string) bool {
	return slices.ContainsFunc(strings.Fields(prefixes), func(prefix string) bool {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	})
}

func TestLayers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		patterns, path string
		want           bool
	}{
		{".", "", true},
		{".", "rollout", false},
		{"...", "", true},
		{"internal/...", "internal/rest", true},
		{"internal/...", "internal", true},
		{"internal/...", "internals", false},
		{"rollout fleet", "fleet", true},
	} {
		require.Equal(t, tc.want, matches(tc.patterns, tc.path), "%q %q", tc.patterns, tc.path)
	}
	p := Package{Deps: []string{"testing", "k8s.io/api"}, Imports: []string{"k8s.io/api", "x.org/y", module, module + "/internal/b"}, Foreign: 2}
	l := layer{ours: "internal/...", imports: "k8s.io", never: apiTypes, most: 1}
	require.Equal(t, []string{"must not depend on testing", "must not depend on k8s.io/api", "may not import x.org/y",
		"must not import " + module + ", which is not below it", "depends on 2 packages of others, and at most 1 are allowed"}, l.check(p))
}
