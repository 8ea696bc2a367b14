package cloudrun_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/apifields"
)

// TestManifestKnowsCloudRun checks that manifests accept and keep every field in
// Cloud Run's own API description.
func TestManifestKnowsCloudRun(t *testing.T) {
	t.Parallel()
	for path, kind := range apifields.Paths("Service") {
		for strings.HasPrefix(kind, "[]") || strings.HasPrefix(kind, "{}") {
			path, kind = path+kind[:2], kind[2:]
		}
		if apifields.Of(kind) != nil || path == "apiVersion" || path == "kind" || strings.HasPrefix(path, "status.") {
			continue
		}
		field, err := json.Marshal(manifestField(path, manifestValue(path, kind)))
		require.NoError(t, err)
		text := `{"apiVersion":"serving.knative.dev/v1","kind":"Service",` + string(field[1:])
		if !strings.HasPrefix(path, "metadata.") {
			text = `{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"a"},` + string(field[1:])
		} else if path != "metadata.name" {
			text = strings.Replace(text, `"metadata":{`, `"metadata":{"name":"a",`, 1)
		}
		m, err := cloudrun.ParseManifest([]byte(text))
		require.NoError(t, err, path)
		require.Equal(t, text, string(m.JSON()))
		if strings.HasPrefix(kind, "integer") {
			_, err = cloudrun.ParseManifest([]byte(strings.Replace(text, ":1", `:"http"`, 1)))
			require.ErrorContains(t, err, "want a whole number", path)
		}
	}
}

// manifestField returns an object with a value at a path.
func manifestField(path string, value any) any {
	key, rest, more := strings.Cut(path, ".")
	if more {
		value = manifestField(rest, value)
	}
	if name, ok := strings.CutSuffix(key, "[]"); ok {
		return map[string]any{name: []any{value}}
	}
	if name, ok := strings.CutSuffix(key, "{}"); ok {
		return map[string]any{name: map[string]any{"a": value}}
	}
	return map[string]any{key: value}
}

func manifestValue(path, kind string) any {
	switch {
	case strings.HasPrefix(kind, "integer"):
		return 1
	case kind == "boolean":
		return true
	case strings.HasSuffix(kind, "google-datetime"):
		return "2025-05-01T12:00:00.123456Z"
	case strings.Contains(path, ".resources.") || strings.HasSuffix(path, "sizeLimit"):
		return "1.50Gi"
	}
	return "a"
}
