package names_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/names"
)

func TestNames(t *testing.T) {
	t.Parallel()
	checks := map[string]func(string) error{
		"project": names.Project, "region": names.Region, "namespace": names.Namespace,
		"service": names.Service, "cluster service": names.ClusterService, "revision": names.Revision,
	}
	good := map[string][]string{
		"project":         {"demo", "my-project-1", "123456789012", "example.com:my-project"},
		"region":          {"us-central1", "europe-west12", "northamerica-northeast1", "u-germany-northeast1"},
		"namespace":       {"default", "team-1", "1team"},
		"service":         {"a", "hello", "hello-2", strings.Repeat("a", 49)},
		"cluster service": {strings.Repeat("a", 63)},
		"revision":        {"hello-00001-abc"},
	}
	hostile := []string{
		"", "/", "..", "a/b", "a..b", "%2f", "a%2fb", "Upper", "a b", "a\nb", "a\x00", "-a", "a-", "a_b", "ä", "a?b", "a#b", "a@b",
		"evil.example/#", "us-central1:443@x", "us-central1.evil.example", strings.Repeat("a", 64),
	}
	for kind, check := range checks {
		for _, s := range good[kind] {
			require.NoError(t, check(s), "%s %q", kind, s)
		}
		for _, s := range hostile {
			require.Error(t, check(s), "%s %q", kind, s)
		}
	}
	require.ErrorContains(t, names.Region("a.b"), `"a.b"`)
	require.Error(t, names.Service(strings.Repeat("a", 50)))
	require.Error(t, names.Service("1a"))
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"demo", "us-central1", "a.b", "a/b", "example.com:p", "..:a", "a..b:p", "a:b:c", "1a-b", "a--b", "-", "a-", "a\n"} {
		f.Add(s)
	}
	const label = `[a-z0-9](?:[a-z0-9-]*[a-z0-9])?`
	patterns := map[*regexp.Regexp]func(string) error{
		regexp.MustCompile(`^` + label + `$`):                                        names.Namespace,
		regexp.MustCompile(`^[a-z](?:[a-z0-9-]*[a-z0-9])?$`):                         names.Revision,
		regexp.MustCompile(`^[a-z][a-z0-9]*(?:-[a-z0-9]+)+$`):                        names.Region,
		regexp.MustCompile(`^(?:` + label + `(?:\.` + label + `)*:)?` + label + `$`): names.Project,
	}
	f.Fuzz(func(t *testing.T, s string) {
		for pattern, check := range patterns {
			require.Equal(t, pattern.MatchString(s) && len(s) <= 63, check(s) == nil, "%q by %s", s, pattern)
		}
		for _, check := range []func(string) error{names.Region, names.Service, names.Revision, names.Namespace} {
			if check(s) == nil && strings.ContainsAny(s, "./:@#?%\\ \n\x00") {
				t.Errorf("%q was let through", s)
			}
		}
		if names.Project(s) == nil && (strings.ContainsAny(s, "/@#?%\\ \n\x00") || strings.Contains(s, "..")) {
			t.Errorf("project %q was let through", s)
		}
	})
}
