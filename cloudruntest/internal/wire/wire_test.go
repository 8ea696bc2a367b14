package wire_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/data"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/wire"
)

const (
	knative = "/apis/serving.knative.dev/v1/namespaces/demo"
	located = "/v1/projects/demo/locations/us-central1"
)

func newAPI(cluster bool) *wire.API {
	st := store.New(store.Config{Cluster: cluster, Regions: []string{"us-central1", "europe-west1"}, Journal: 10})
	plane := &control.Plane{Store: st, Permissions: resources.NewPermissions(cluster), Scripts: lifecycle.NewScripts(0), Data: data.NewPlane(st, nil)}
	return &wire.API{Control: plane, Faults: &wire.Faults{}, Quota: &wire.Quota{}, Log: wire.NewLog(10, nil)}
}

func do(api http.Handler, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w
}

func document(name, labels string) string {
	return `{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"` + name + `","labels":{` + labels + `}},
		"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}`
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	const regional, global = "https://us-central1-run.googleapis.com", "https://run.googleapis.com"
	tests := []struct {
		method, url       string
		cloudRun, cluster int
	}{
		{"GET", knative + "/services", 200, 200},
		{"GET", knative + "/services/hello", 200, 200},
		{"GET", knative + "/services/none", 404, 404},
		{"GET", knative + "/revisions", 200, 200},
		{"GET", knative + "/configurations/hello", 200, 200},
		{"GET", knative + "/routes", 200, 200},
		{"PATCH", knative + "/services/hello", 404, 415},
		{"PATCH", knative + "/services", 404, 405},
		{"GET", "/api", 404, 200},
		{"GET", "/api/v1", 404, 200},
		{"GET", "/api/v1/namespaces/demo", 404, 200},
		{"GET", "/api/v1/namespaces", 404, 404},
		{"GET", "/apis", 404, 200},
		{"POST", "/apis", 404, 404},
		{"GET", "/apis/serving.knative.dev", 404, 200},
		{"GET", "/apis/serving.knative.dev/v1", 404, 200},
		{"GET", "/apis/serving.knative.dev/v1beta1", 404, 404},
		{"GET", "/openapi/v2", 404, 404},
		{"GET", "/openapi/v3", 404, 200},
		{"GET", "/openapi/v3/apis/serving.knative.dev/v1", 404, 200},
		{"GET", "/version", 404, 200},
		{"POST", knative + "/services/hello", 404, 405},
		{"GET", knative + "/jobs", 404, 404},
		{"GET", knative + "/services/hello/status", 404, 404},
		{"GET", "/", 404, 404},
		{"GET", regional + knative + "/services/hello", 200, 200},
		{"GET", global + knative + "/services/hello", 404, 200},
		{"GET", "https://mars-north1-run.googleapis.com" + knative + "/services", 404, 200},
		{"GET", "https://europe-west1-run.googleapis.com" + knative + "/services/hello", 404, 200},
		{"GET", located + "/services/hello", 200, 404},
		{"GET", located + "/services/hello:getIamPolicy", 200, 404},
		{"POST", located + "/services/hello:getIamPolicy", 200, 404},
		{"GET", located + "/services/hello:setIamPolicy", 404, 404},
		{"POST", located + "/services/hello:fly", 404, 404},
		{"POST", located + "/revisions/hello:getIamPolicy", 404, 404},
		{"GET", "/v1/projects/demo/locations/mars/services/hello", 404, 404},
		{"GET", "/v1/projects/demo/locations/-/services/hello", 200, 404},
		{"GET", "/v1/projects/demo/locations", 200, 404},
		{"GET", "/v1/projects/demo", 200, 404},
		{"DELETE", "/v1/projects/demo", 404, 404},
		{"GET", "/v1/projects/demo/services/run.googleapis.com", 200, 404},
		{"GET", located + "/operations/none", 404, 404},
		{"POST", located + "/operations/none:wait", 404, 404},
	}
	for _, tc := range tests {
		t.Run(tc.method+" "+tc.url, func(t *testing.T) {
			t.Parallel()
			for cluster, want := range map[bool]int{false: tc.cloudRun, true: tc.cluster} {
				api := newAPI(cluster)
				require.Less(t, do(api, "POST", knative+"/services", document("hello", "")).Code, 300)
				require.Equal(t, want, do(api, tc.method, tc.url, "").Code, "cluster: %v", cluster)
			}
		})
	}
}

func names(t *testing.T, w *httptest.ResponseRecorder) (list []string, next string) {
	t.Helper()
	require.Equal(t, 200, w.Code, w.Body)
	var page struct {
		Metadata struct{ Continue string }
		Items    []struct{ Metadata struct{ Name string } }
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &page))
	for _, item := range page.Items {
		list = append(list, item.Metadata.Name)
	}
	return list, page.Metadata.Continue
}

func TestSelectors(t *testing.T) {
	t.Parallel()
	api := newAPI(false)
	for name, labels := range map[string]string{"a": ``, "b": `"tier":"web"`, "c": `"tier":"db","env":"prod"`, "d": `"tier":"","env":"test"`} {
		require.Equal(t, 200, do(api, "POST", knative+"/services", document(name, labels)).Code)
	}
	tests := map[string]string{
		"": "abcd", "tier": "bcd", "!tier": "a", "! tier": "a", "tier=web": "b", "tier==web": "b", "tier = web": "b", "tier=": "d",
		"tier!=web": "acd", "tier in (web,db)": "bc", "tier in ( web , db )": "bc", "tier notin (web,db)": "ad", "tier in ()": "d",
		"tier,env": "cd", "tier=db,env=prod": "c", "tier in (web,db),env": "c", "env=none": "",
		"=": "!", "tier in": "!", "tier in (": "!", "a b": "!", "tier=web,": "!", ",": "!", "tier==web==db": "!",
	}
	for selector, want := range tests {
		t.Run(selector, func(t *testing.T) {
			t.Parallel()
			w := do(api, "GET", knative+"/services?labelSelector="+url.QueryEscape(selector), "")
			if want == "!" {
				require.Equal(t, 400, w.Code, w.Body)
				return
			}
			list, _ := names(t, w)
			require.Equal(t, want, strings.Join(list, ""))
		})
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, cluster := range []bool{false, true} {
		api := newAPI(cluster)
		for _, name := range []string{"c", "a", "d", "b"} {
			require.Less(t, do(api, "POST", knative+"/services", document(name, "")).Code, 300)
		}
		for limit, want := range map[string][]string{"0": {"abcd"}, "1": {"a", "b", "c", "d"}, "3": {"abc", "d"}, "4": {"abcd"}, "x": {"abcd"}} {
			var pages []string
			for next := ""; ; {
				var list []string
				list, next = names(t, do(api, "GET", knative+"/services?limit="+limit+"&continue="+next, ""))
				pages = append(pages, strings.Join(list, ""))
				if next == "" {
					break
				}
			}
			require.Equal(t, want, pages, limit)
		}
		for _, token := range []string{"!", "YQ"} {
			require.Equal(t, 400, do(api, "GET", knative+"/services?continue="+token, "").Code)
		}
	}
}

func TestFaultsSelectAndCount(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault wire.Fault
		want  []int // of GET /services, GET /revisions, and both again
	}{
		"one":             {wire.Fault{Status: 503}, []int{503, 200, 200, 200}},
		"all":             {wire.Fault{Status: 503, Times: -1}, []int{503, 503, 503, 503}},
		"two":             {wire.Fault{Status: 503, Times: 2}, []int{503, 503, 200, 200}},
		"after the first": {wire.Fault{Status: 503, Skip: 1}, []int{200, 503, 200, 200}},
		"by path":         {wire.Fault{Status: 503, Path: "revisions", Times: -1}, []int{200, 503, 200, 503}},
		"by method":       {wire.Fault{Status: 503, Method: "PUT", Times: -1}, []int{200, 200, 200, 200}},
		"by body": {wire.Fault{Status: 503, Times: -1, Match: func(r *http.Request) bool {
			body, _ := io.ReadAll(r.Body)
			return string(body) == "revisions"
		}}, []int{200, 503, 200, 503}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(false)
			api.Faults.Add(tc.fault)
			var got []int
			for range 2 {
				for _, kind := range []string{"services", "revisions"} {
					got = append(got, do(api, "GET", knative+"/"+kind, kind).Code)
				}
			}
			require.Equal(t, tc.want, got)
			api.Faults.Clear()
			require.Equal(t, 200, do(api, "GET", knative+"/revisions", "revisions").Code)
		})
	}
}

func TestFaultsBreakConnections(t *testing.T) {
	t.Parallel()
	api := newAPI(false)
	for _, fault := range []wire.Fault{{Reset: true}, {Truncate: 5}} {
		api.Faults.Add(fault)
		require.PanicsWithValue(t, http.ErrAbortHandler, func() { do(api, "GET", knative+"/services", "") })
	}
	last := api.Log.Last()
	require.Equal(t, 0, last[0].Status, "no answer")
	require.Equal(t, 200, last[1].Status)
}

func TestQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(false)
		list := func() int { return do(api, "GET", knative+"/services", "").Code }
		require.Equal(t, 200, list())
		api.Quota.Limit(wire.Limits{All: 2})
		for range 2 {
			require.Equal(t, []int{200, 200, 429, 429}, []int{list(), list(), list(), list()})
			time.Sleep(time.Second)
		}
		require.Equal(t, 4, api.Quota.Refused())
		api.Quota.Limit(wire.Limits{})
		require.Equal(t, []int{200, 200, 200}, []int{list(), list(), list()})
		require.Zero(t, api.Quota.Refused())
	})
}

// The quotas of regions and projects are apart, and so are reads and writes.
func TestQuotaOfARegion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(false)
		api.Quota.Limit(wire.Limits{Writes: 1, Reads: 2, Window: time.Minute, RetryAfter: 1500 * time.Millisecond})
		send := func(method, region, project string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, "http://"+region+"-run.googleapis.com/apis/serving.knative.dev/v1/namespaces/"+project+"/services", strings.NewReader("{}"))
			w := httptest.NewRecorder()
			api.ServeHTTP(w, r)
			return w
		}
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		for _, place := range [][2]string{{"us-central1", "demo"}, {"us-east1", "demo"}, {"us-east1", "other"}} {
			require.NotEqual(t, 429, send("GET", place[0], place[1]).Code)
			require.NotEqual(t, 429, send("GET", place[0], place[1]).Code)
			require.Equal(t, 429, send("GET", place[0], place[1]).Code)
			require.NotEqual(t, 429, send("POST", place[0], place[1]).Code)
			refused := send("POST", place[0], place[1])
			require.Equal(t, 429, refused.Code)
			require.Equal(t, "2", refused.Header().Get("Retry-After"))
			require.Contains(t, refused.Body.String(), `"retryDelay":"1.5s"`)
			require.Contains(t, refused.Body.String(), "Write requests")
		}
		time.Sleep(59 * time.Second)
		require.Equal(t, 429, send("POST", "us-central1", "demo").Code)
		time.Sleep(time.Second)
		require.NotEqual(t, 429, send("POST", "us-central1", "demo").Code)
	})
}

func TestLogHidesCredentials(t *testing.T) {
	t.Parallel()
	api := newAPI(false)
	var each []wire.Request
	api.Log = wire.NewLog(1, func(r wire.Request) { each = append(each, r) })
	do(api, "GET", knative+"/services", "")
	r := httptest.NewRequest("GET", "http://X.test:80"+knative+"/services?key=secret&access_token=secret&limit=1", nil)
	r.Header.Set("Authorization", "Bearer secret")
	r.Header.Set("Proxy-Authorization", "secret")
	r.Header.Set("X-Other", "kept")
	api.ServeHTTP(httptest.NewRecorder(), r)
	require.Len(t, each, 2)
	last := api.Log.Last()
	require.Len(t, last, 1, "one is kept")
	require.Equal(t, url.Values{"limit": {"1"}}, last[0].Query)
	require.Equal(t, http.Header{"X-Other": {"kept"}}, last[0].Header)
	require.Equal(t, "x.test", last[0].Host)
	api.Log.Reset()
	require.Nil(t, api.Log.Last())
}

func TestWarningsAndErrorsOfACluster(t *testing.T) {
	t.Parallel()
	api := newAPI(true)
	w := do(api, "POST", knative+"/services", strings.Replace(document("hello", ""), `"image":"x"`, `"image":"x","imagine":1`, 1))
	require.Equal(t, 201, w.Code)
	require.Contains(t, w.Header().Values("Warning"), `299 - "unknown field \"spec.template.spec.containers[0].imagine\""`)
	w = do(api, "GET", knative+"/services/none", "")
	require.Contains(t, w.Body.String(), `"kind":"Status"`)
	w = do(newAPI(false), "GET", knative+"/services/none", "")
	require.Contains(t, w.Body.String(), `"status":"NOT_FOUND"`)
}
