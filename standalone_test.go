package cloudrun_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// standaloneServer is a small control plane apart from cloudruntest. It keeps
// what it is sent and is ready at once. It has only what the programs need.
type standaloneServer struct {
	mu       sync.Mutex
	services map[string]map[string]any
	policy   map[string]any
	version  int
}

func (s *standaloneServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	var sent map[string]any
	_ = json.NewDecoder(r.Body).Decode(&sent)
	name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	switch {
	case strings.HasSuffix(name, ":getIamPolicy"):
		_ = json.NewEncoder(w).Encode(s.policy)
	case strings.HasSuffix(name, ":setIamPolicy"):
		s.version++
		s.policy = sent["policy"].(map[string]any)
		s.policy["etag"] = fmt.Sprint(s.version)
		_ = json.NewEncoder(w).Encode(s.policy)
	case r.Method == http.MethodPost, r.Method == http.MethodPut:
		_ = json.NewEncoder(w).Encode(s.put(sent))
	case r.Method == http.MethodGet && s.services[name] != nil:
		_ = json.NewEncoder(w).Encode(s.services[name])
	case r.Method == http.MethodGet && name == "services":
		var items []any
		for _, service := range s.services {
			items = append(items, service)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "ServiceList", "items": items})
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error": {"code": 404, "status": "NOT_FOUND", "message": "no such service"}}`)
	}
}

func (s *standaloneServer) put(service map[string]any) map[string]any {
	s.version++
	meta := service["metadata"].(map[string]any)
	meta["generation"], meta["resourceVersion"], meta["uid"] = s.version, fmt.Sprint(s.version), "u"
	service["status"] = map[string]any{
		"observedGeneration": s.version, "latestCreatedRevisionName": fmt.Sprintf("%s-%05d", meta["name"], s.version),
		"url": "https://hello.example", "traffic": []any{map[string]any{"revisionName": fmt.Sprintf("%s-%05d", meta["name"], s.version), "percent": 100}},
		"conditions": []any{map[string]any{"type": "Ready", "status": "True"}},
	}
	s.services[meta["name"].(string)] = service
	return service
}

// Each piece works alone, in a program of another module.
func TestEachPieceStandsAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Parallel()
	server := httptest.NewServer(&standaloneServer{services: map[string]map[string]any{}, policy: map[string]any{"etag": "x"}})
	defer server.Close()
	servers := map[string]string{
		"newservice": server.URL, "client": server.URL, "waitready": server.URL, "clientset": server.URL, "makepublic": server.URL, "deployer": server.URL,
		"rollout": standaloneStaged(t),
	}
	dir := standaloneModule(t)
	sources, err := filepath.Glob("testdata/standalone/*.go.txt")
	require.NoError(t, err)
	require.Len(t, sources, len(servers))
	for _, source := range sources {
		name := strings.TrimSuffix(filepath.Base(source), ".go.txt")
		code, err := os.ReadFile(source)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, "main.go"), code, 0o600))
	}
	standaloneGo(t, dir, "build", "-o", filepath.Join(dir, "bin")+string(filepath.Separator), "./...")
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		out, err := exec.Command(filepath.Join(dir, "bin", name), servers[name]).CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
		require.Equal(t, "ok\n", string(out), name)
	}
}

// standaloneStaged returns the URL of a control plane with the Service "staged",
// whose second Revision has no traffic yet.
func standaloneStaged(t *testing.T) string {
	t.Helper()
	s := cloudruntest.NewServer()
	t.Cleanup(s.Close)
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", s.ClientOptions()...)
	require.NoError(t, err)
	d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
	_, err = d.Deploy(t.Context(), "staged", cloudrun.WithRevisionSuffix("v1"))
	require.NoError(t, err)
	_, err = d.Deploy(t.Context(), "staged", cloudrun.WithRevisionSuffix("v2"), cloudrun.WithNoTraffic())
	require.NoError(t, err)
	return s.URL
}

// standaloneModule makes another module that requires ours. It needs no network.
func standaloneModule(t *testing.T) string {
	t.Helper()
	root, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	ours, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	sums, err := os.ReadFile("go.sum")
	require.NoError(t, err)
	mod := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(string(ours), "module example.com/user")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600))
	const module = "github.com/cloudrun-go/cloudrun"
	standaloneGo(t, dir, "mod", "edit", "-require="+module+"@v0.0.0", "-replace="+module+"="+root)
	return dir
}

func standaloneGo(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), out)
}
