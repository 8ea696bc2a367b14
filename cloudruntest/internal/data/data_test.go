package data_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/data"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// newPlane returns a data plane in process, and a Service with Revisions a and b
// and traffic to some targets.
func newPlane(t *testing.T, cluster bool, targets ...any) (*data.Plane, *store.Store, *store.Service) {
	t.Helper()
	st := store.New(store.Config{Cluster: cluster, Regions: store.AllRegions()})
	p, _ := st.Projects.Get("demo")
	sv := &store.Service{Key: store.Key{Project: p.Number, Region: "us-central1", Name: "hello"}, Project: p, Generation: 1,
		Host: "hello-x-uc.a.run.app", Policy: tree.Object{"bindings": []any{tree.Object{"role": "roles/run.invoker", "members": []any{"allUsers"}}}},
		Doc: tree.Object{"metadata": tree.Object{"annotations": tree.Object{}}, "spec": tree.Object{"traffic": targets}}}
	for _, name := range []string{"a", "b"} {
		sv.Revisions = append(sv.Revisions, revision(name))
	}
	sv.Latest = sv.Revisions[1]
	sv.Rollout = lifecycle.Plan(st, lifecycle.Write{Service: sv, At: time.Now().Add(-time.Hour)})
	st.Services.Put(sv)
	st.Services.Host(sv)
	return data.NewPlane(st, nil), st, sv
}

func revision(name string) *store.Revision {
	return &store.Revision{Name: name, Doc: tree.Object{"spec": tree.Object{"containers": []any{
		tree.Object{"image": "example.com/app:" + name, "env": []any{tree.Object{"name": "K", "value": "v"}}}}}}}
}

func get(p *data.Plane, host string, header ...string) (int, string) {
	r := httptest.NewRequest("GET", "http://"+host+"/path", nil)
	if len(header) > 0 {
		r.Header.Set("Authorization", header[0])
	}
	w := httptest.NewRecorder()
	p.Serve(w, r, host)
	body, _ := io.ReadAll(w.Result().Body)
	return w.Code, string(body)
}

// names answers with the name of the Revision.
func names(c data.Container) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, c.Revision) })
}

func TestTrafficIsSplitExactly(t *testing.T) {
	t.Parallel()
	for _, percent := range []int{0, 1, 33, 50, 99, 100} {
		t.Run(fmt.Sprint(percent), func(t *testing.T) {
			t.Parallel()
			p, _, sv := newPlane(t, false, tree.Object{"revisionName": "a", "percent": percent, "tag": "old"}, tree.Object{"revisionName": "b", "percent": 100 - percent})
			p.Handle("example.com/app", names)
			for range 2 {
				got := map[string]int{}
				for range 100 {
					_, body := get(p, sv.Host)
					got[body]++
				}
				require.Equal(t, percent, got["a"])
				require.Equal(t, 100-percent, got["b"])
			}
			_, body := get(p, store.TagHost(sv, "old"))
			require.Equal(t, "a", body)
			code, _ := get(p, store.TagHost(sv, "none"))
			require.Equal(t, http.StatusNotFound, code)
		})
	}
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	latest := tree.Object{"latestRevision": true, "percent": 100}
	tests := map[string]struct {
		cluster bool
		edit    func(*store.Service)
		header  string
		code    int
	}{
		"public":               {code: 200},
		"private":              {edit: func(sv *store.Service) { sv.Policy = nil }, code: 403},
		"private with a token": {edit: func(sv *store.Service) { sv.Policy = nil }, header: "Bearer x", code: 200},
		"private on a cluster": {cluster: true, edit: func(sv *store.Service) { sv.Policy = nil }, code: 200},
		"without the IAM check": {edit: func(sv *store.Service) {
			sv.Policy = nil
			annotate(sv, "run.googleapis.com/invoker-iam-disabled", "true")
		}, code: 200},
		"internal":              {edit: func(sv *store.Service) { annotate(sv, "run.googleapis.com/ingress", "internal") }, code: 404},
		"internal on a cluster": {cluster: true, edit: func(sv *store.Service) { annotate(sv, "run.googleapis.com/ingress", "internal") }, code: 200},
		"without a URL":         {edit: func(sv *store.Service) { annotate(sv, "run.googleapis.com/default-url-disabled", "True") }, code: 404},
		"gone":                  {edit: func(sv *store.Service) { sv.Deleted, sv.GoneAt = time.Now(), time.Now() }, code: 404},
		"no ready Revision":     {edit: func(sv *store.Service) { sv.Rollout.Stages[len(sv.Rollout.Stages)-1].Routed = false }, code: 404},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _, sv := newPlane(t, tc.cluster, latest)
			if tc.edit != nil {
				tc.edit(sv)
			}
			code, _ := get(p, sv.Host, tc.header)
			require.Equal(t, tc.code, code)
		})
	}
	p, _, _ := newPlane(t, false, latest)
	code, _ := get(p, "nobody-uc.a.run.app")
	require.Equal(t, http.StatusNotFound, code)
}

func annotate(sv *store.Service, key, value string) {
	tree.At(sv.Doc, "metadata", "annotations")[key] = value
}

func TestImages(t *testing.T) {
	t.Parallel()
	for registered, found := range map[string]bool{
		"example.com/app:b": true, "example.com/app": true, "example.com/app:c": false, "example.com": false,
	} {
		p, _, sv := newPlane(t, false, tree.Object{"latestRevision": true, "percent": 100})
		p.Handle(registered, names)
		_, body := get(p, sv.Host)
		require.Equal(t, found, body == "b", registered)
	}
}

func TestContainersStartOnce(t *testing.T) {
	t.Parallel()
	p, st, sv := newPlane(t, false, tree.Object{"latestRevision": true, "percent": 100})
	starts := 0
	p.Handle("example.com/app", func(c data.Container) http.Handler {
		starts++
		require.Equal(t, map[string]string{"K": "v", "PORT": "8080", "K_SERVICE": "hello", "K_REVISION": c.Revision, "K_CONFIGURATION": "hello"}, c.Env)
		return names(c)
	})
	for range 3 {
		get(p, sv.Host)
	}
	require.Equal(t, 1, starts)

	for i := range 5 { // Revisions come and go, and their containers with them
		r := revision(fmt.Sprint(i))
		sv.Revisions, sv.Latest = []*store.Revision{r}, r
		_, body := get(p, sv.Host)
		require.Equal(t, r.Name, body)
	}
	require.Equal(t, 6, starts)
	p.Restart(sv.Key)
	get(p, sv.Host)
	require.Equal(t, 7, starts)
	p.Withdraw(sv)
	code, _ := get(p, sv.Host)
	require.Equal(t, http.StatusNotFound, code)
	got, _ := st.Services.AtHost(sv.Host)
	require.Nil(t, got)
}

func TestAContainerThatDoesNotStart(t *testing.T) {
	t.Parallel()
	p, _, sv := newPlane(t, false, tree.Object{"latestRevision": true, "percent": 100})
	p.Handle("example.com/app", func(data.Container) http.Handler { panic("at start") })
	require.Panics(t, func() { get(p, sv.Host) })
	code, body := get(p, sv.Host)
	require.Equal(t, http.StatusServiceUnavailable, code, "it is not started again")
	require.Contains(t, body, "did not start")
}

func TestListeners(t *testing.T) {
	t.Parallel()
	_, st, sv := newPlane(t, false)
	var open []net.Listener
	t.Cleanup(func() {
		for _, l := range open {
			_ = l.Close()
		}
	})
	p := data.NewPlane(st, func(l net.Listener) { open = append(open, l) })
	tagged := *sv
	tagged.Doc = tree.Object{"spec": tree.Object{"traffic": []any{tree.Object{"tag": "blue"}, tree.Object{"tag": "green"}}}}
	p.Publish(&tagged, nil)
	require.Len(t, st.Addresses, 3)
	require.Len(t, open, 3)
	p.Publish(&tagged, &tagged)
	require.Len(t, open, 3, "what listens goes on")
	for host, address := range st.Addresses {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err, host)
		_ = conn.Close()
	}
	p.Publish(sv, &tagged)
	require.Len(t, st.Addresses, 1, "the tags are gone")
	p.Withdraw(sv)
	require.Empty(t, st.Addresses)
	p.Close()
	p.Publish(sv, nil)
	require.Empty(t, st.Addresses)
}

func TestHostsOfServices(t *testing.T) {
	t.Parallel()
	p, st, sv := newPlane(t, true)
	sv.Host = "hello.demo.example.com"
	st.Services.Host(sv)
	for host, want := range map[string]bool{
		sv.Host: true, "nobody-uc.a.run.app": true, "us-central1-run.googleapis.com": false, "localhost:80": false,
	} {
		got, ok := p.Host(httptest.NewRequest("GET", "http://"+host, nil))
		require.Equal(t, want, ok, host)
		require.Equal(t, strings.TrimSuffix(host, ":80"), got)
	}
}
