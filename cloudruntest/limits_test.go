package cloudruntest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// TestLimits pins the list of what is not modeled, so that the package
// documentation changes with the code.
func TestLimits(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var got cloudruntest.Container
	s.Handle("example.com/nowhere", func(c cloudruntest.Container) http.Handler {
		got = c
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	})
	sv := create(t, s, "hello", func(sv object) {
		spec := dig(sv, "spec", "template", "spec").(object)
		spec["serviceAccountName"] = "nobody@demo.iam.gserviceaccount.com"
		spec["timeoutSeconds"] = 1
		spec["volumes"] = []any{object{"name": "v", "secret": object{"secretName": "none"}}}
		c := dig(spec, "containers", 0).(object)
		c["image"] = "example.com/nowhere"
		c["resources"] = object{"limits": object{"cpu": "1", "memory": "32Gi", "nvidia.com/gpu": "9"}}
		c["livenessProbe"] = object{"httpGet": object{"path": "/"}, "periodSeconds": 99999}
		c["env"] = []any{object{"name": "SECRET", "valueFrom": object{"secretKeyRef": object{"name": "none", "key": "1"}}}}
		sv["metadata"].(object)["annotations"] = object{"run.googleapis.com/launch-stage": "NONSENSE"}
	})
	require.Equal(t, "True", dig(sv, "status", "conditions", 0, "status"), "nothing of that is looked at")

	code, _ := fetch(t, s.Client(), urlOf(sv), "any-token")
	require.Equal(t, 200, code)
	require.NotContains(t, got.Env, "SECRET")
	code, _, _ = send(t, s, "PATCH", demo+"/services/hello", object{})
	require.Equal(t, 404, code, "no patches")
	code, list := do(t, s, "GET", demo+"/services?watch=true", nil)
	require.Equal(t, 200, code)
	require.Equal(t, "ServiceList", list["kind"], "no watches")
}

func TestListenersAreBounded(t *testing.T) {
	t.Parallel()
	s := cloudruntest.NewServer()
	t.Cleanup(s.Close)
	sv := create(t, s, "hello")
	require.True(t, strings.HasPrefix(urlOf(sv), "http://127.0.0.1:"))
	var targets []any
	for i := range 600 {
		targets = append(targets, object{"latestRevision": true, "tag": fmt.Sprintf("t%d", i)})
	}
	sv = edit(t, s, "hello", split(append(targets, object{"latestRevision": true, "percent": 100})...))
	schemes := map[string]int{}
	for _, target := range dig(sv, "status", "traffic").([]any) {
		if u, ok := dig(target, "url").(string); ok {
			scheme, _, _ := strings.Cut(u, ":")
			schemes[scheme]++
		}
	}
	require.Equal(t, map[string]int{"http": 511, "https": 89}, schemes)
	require.Contains(t, dig(newInProcess(t), "status", "url"), "https://hello-")
}

func newInProcess(t *testing.T) object { return create(t, newServer(t), "hello") }
