package cloudruntest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// golden is a recorded conversation of gcloud with a server.
type golden struct {
	Name      string
	Before    json.RawMessage
	Revisions []json.RawMessage
	IAM       json.RawMessage
	Requests  []struct {
		Method, Host, Path string
		Query              map[string]string
		Body               any
		Response           struct {
			Status int
			Body   any
		}
	}
}

// TestGolden replays the requests of gcloud. The responses must have all fields of
// the recorded ones, and the same values except those that the server chooses.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			var g golden
			require.NoError(t, json.Unmarshal(raw, &g))
			g.replay(t)
		})
	}
}

func (g *golden) replay(t *testing.T) {
	s := newServer(t)
	if len(g.Before) > 0 && string(g.Before) != "null" {
		require.NoError(t, s.PutService("demo", "us-central1", g.Before))
	}
	for _, r := range g.Revisions {
		require.NoError(t, s.PutRevision("demo", "us-central1", r))
	}
	if len(g.IAM) > 0 {
		require.NoError(t, s.SetPolicy("demo", "hello", g.IAM))
	}
	for i, r := range g.Requests {
		q := url.Values{}
		for k, v := range r.Query {
			q.Set(k, v)
		}
		code, got := do(t, s, r.Method, "https://"+r.Host+r.Path+"?"+q.Encode(), r.Body)
		what := fmt.Sprintf("request %d: %s %s", i, r.Method, r.Path)
		require.Equal(t, r.Response.Status, code, "%s: %v", what, got)
		var missing []string
		compare("", r.Response.Body, got, &missing)
		require.Empty(t, missing, what)
	}
}

// serverChooses matches the paths of values that the server chooses.
var serverChooses = regexp.MustCompile(`resourceVersion|uid|Timestamp|TransitionTime|generation|Generation|[uU]rl|etag|selfLink|RevisionName|revisionName|operation-id|` +
	`lastModifier|message|reason|imageDigest|locations|ownerReferences|labels\.serving|name$|version$`)

// compare lists the fields of want that are absent from got or have other values.
func compare(path string, want, got any, missing *[]string) {
	switch w := want.(type) {
	case object:
		g, ok := got.(object)
		if !ok && len(w) > 0 {
			*missing = append(*missing, fmt.Sprintf("%s: want %v, got %v", path, want, got))
			return
		}
		for k, v := range w {
			if _, ok := g[k]; !ok && !empty(v) {
				*missing = append(*missing, path+"."+k)
				continue
			}
			compare(path+"."+k, v, g[k], missing)
		}
	case []any:
		g, _ := got.([]any)
		if len(g) < len(w) && !serverChooses.MatchString(path) {
			*missing = append(*missing, fmt.Sprintf("%s: want %d, got %d", path, len(w), len(g)))
			return
		}
		for i := range min(len(w), len(g)) {
			compare(fmt.Sprintf("%s[%d]", path, i), w[i], g[i], missing)
		}
	default:
		if want != got && !empty(want) && !serverChooses.MatchString(path) {
			*missing = append(*missing, fmt.Sprintf("%s: want %v, got %v", path, want, got))
		}
	}
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case object:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}
