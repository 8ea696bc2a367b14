package cloudruntest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

func TestCreateAddsCloudRunsDefaults(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	sv := create(t, s, "hello")
	want := object{
		"containerConcurrency": 80.0, "timeoutSeconds": 300.0, "serviceAccountName": "123456789012-compute@developer.gserviceaccount.com",
		"containers": []any{object{
			"name": "hello-1", "image": image, "ports": []any{object{"name": "http1", "containerPort": 8080.0}},
			"resources":    object{"limits": object{"cpu": "1000m", "memory": "512Mi"}},
			"startupProbe": object{"timeoutSeconds": 240.0, "periodSeconds": 240.0, "failureThreshold": 1.0, "tcpSocket": object{"port": 8080.0}},
		}},
	}
	require.Equal(t, want, dig(sv, "spec", "template", "spec"))
	require.Equal(t, []any{object{"latestRevision": true, "percent": 100.0}}, dig(sv, "spec", "traffic"))
	require.Equal(t, "100", dig(sv, "spec", "template", "metadata", "annotations", "autoscaling.knative.dev/maxScale"))
	require.Equal(t, "Default", dig(sv, "spec", "template", "metadata", "labels", "run.googleapis.com/startupProbeType"))
	require.Equal(t, "us-central1", dig(sv, "metadata", "labels", "cloud.googleapis.com/location"))
	require.Equal(t, "123456789012", dig(sv, "metadata", "namespace"))
	require.Equal(t, "all", dig(sv, "metadata", "annotations", "run.googleapis.com/ingress-status"))
	require.Nil(t, dig(sv, "metadata", "annotations", "run.googleapis.com/operation-id"), "what is ready at once has no operation")
	require.Equal(t, []string{"Ready=True", "ConfigurationsReady=True", "RoutesReady=True"}, conditions(sv))
	require.Regexp(t, `^hello-00001-[b-z][aeiou][b-z]$`, dig(sv, "status", "latestReadyRevisionName"))
	require.Equal(t, sv, get(t, s, "hello"))
}

func TestUpdateCountsGenerations(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := create(t, s, "hello")
	require.Equal(t, first, edit(t, s, "hello", func(object) {}), "a PUT that changes nothing")
	require.Len(t, s.Revisions("demo", "hello"), 1)

	labelled := edit(t, s, "hello", func(sv object) { dig(sv, "metadata", "labels").(object)["team"] = "a" })
	require.Equal(t, 2.0, dig(labelled, "metadata", "generation"))
	require.Len(t, s.Revisions("demo", "hello"), 1)

	second := edit(t, s, "hello", env("A", "1"))
	require.Equal(t, 3.0, dig(second, "metadata", "generation"))
	require.NotEqual(t, dig(labelled, "metadata", "resourceVersion"), dig(second, "metadata", "resourceVersion"))
	require.Regexp(t, `^hello-00003-`, dig(second, "status", "latestReadyRevisionName"))
	require.Equal(t, dig(first, "metadata", "uid"), dig(second, "metadata", "uid"))
	var kinds []string
	for _, w := range s.History() {
		kinds = append(kinds, fmt.Sprintf("%s %d %t", w.Kind, w.Generation, w.Revision != ""))
	}
	require.Equal(t, []string{"create 1 true", "update 2 false", "update 3 true"}, kinds)
}

func TestUnknownFieldsStay(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	seed := minimal("hello")
	seed["future"] = object{"a": 1}
	dig(seed, "spec", "template", "spec", "containers", 0).(object)["sourceCode"] = object{"inline": true}
	dig(seed, "spec", "template", "spec").(object)["volumes"] = []any{object{"name": "v", "later": object{"x": "y"}}}
	seed["spec"].(object)["traffic"] = []any{object{"latestRevision": true, "percent": 100, "mirror": "no"}}
	raw, err := json.Marshal(seed)
	require.NoError(t, err)
	require.NoError(t, s.PutService("demo", "us-central1", raw))
	sv := edit(t, s, "hello", env("A", "1"))
	require.Equal(t, 1.0, dig(sv, "future", "a"))
	require.Equal(t, true, dig(sv, "spec", "template", "spec", "containers", 0, "sourceCode", "inline"))
	require.Equal(t, "y", dig(sv, "spec", "template", "spec", "volumes", 0, "later", "x"))
	require.Equal(t, "no", dig(sv, "spec", "traffic", 0, "mirror"))
	require.Equal(t, "no", dig(sv, "status", "traffic", 0, "mirror"))

	seed["metadata"].(object)["name"] = "other" // the other Services do not have these fields
	code, answer := do(t, s, "POST", demo+"/services", seed)
	require.Equal(t, 400, code)
	require.Len(t, dig(answer, "error", "details", 0, "fieldViolations"), 4)
}

func TestStaleWritesAreRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	old := create(t, s, "hello")
	edit(t, s, "hello", env("A", "1"))
	code, answer := do(t, s, "PUT", demo+"/services/hello", old)
	require.Equal(t, 409, code)
	require.Equal(t, "ABORTED", dig(answer, "error", "status"))
	delete(old["metadata"].(object), "resourceVersion")
	code, _ = do(t, s, "PUT", demo+"/services/hello", old)
	require.Equal(t, 200, code, "without a version nobody cares")
	code, answer = do(t, s, "POST", demo+"/services", minimal("hello"))
	require.Equal(t, 409, code)
	require.Equal(t, "ALREADY_EXISTS", dig(answer, "error", "status"))
	code, _ = do(t, s, "PUT", demo+"/services/other", minimal("other"))
	require.Equal(t, 404, code)
}

func TestNamedRevisions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	named := func(sv object) { dig(sv, "spec", "template").(object)["metadata"] = object{"name": "hello-blue"} }
	sv := create(t, s, "hello", named)
	require.Equal(t, "hello-blue", dig(sv, "status", "latestReadyRevisionName"))
	edit(t, s, "hello", func(sv object) { dig(sv, "metadata", "labels").(object)["team"] = "a" })
	require.Len(t, s.Revisions("demo", "hello"), 1, "the same name with the same template is the same revision")
	again := get(t, s, "hello")
	env("A", "1")(again)
	code, answer := do(t, s, "PUT", demo+"/services/hello", again)
	require.Equal(t, 409, code)
	require.Equal(t, "Revision named 'hello-blue' with different configuration already exists.", dig(answer, "error", "message"))
	require.Equal(t, "ALREADY_EXISTS", dig(answer, "error", "status"))
}

func TestDryRunLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	code, sv := do(t, s, "POST", demo+"/services?dryRun=all", minimal("hello"))
	require.Equal(t, 200, code)
	require.Equal(t, 1.0, dig(sv, "metadata", "generation"))
	code, _ = do(t, s, "GET", demo+"/services/hello", nil)
	require.Equal(t, 404, code)
	before := create(t, s, "hello")
	changed := get(t, s, "hello")
	env("A", "1")(changed)
	code, answer := do(t, s, "PUT", demo+"/services/hello?dryRun=all", changed)
	require.Equal(t, 200, code)
	require.Equal(t, 2.0, dig(answer, "metadata", "generation"))
	require.Equal(t, before, get(t, s, "hello"))
	require.Len(t, s.Revisions("demo", "hello"), 1)
	code, _ = do(t, s, "POST", demo+"/services?dryRun=All", minimal("other"))
	require.Equal(t, 400, code)
	code, _ = do(t, s, "DELETE", demo+"/services/hello?dryRun=all", nil)
	require.Equal(t, 200, code)
	require.Len(t, s.History(), 1)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		create(t, s, "hello")
		s.Script("hello", cloudruntest.Script{DeletionTime: 5 * time.Second})
		code, status := do(t, s, "DELETE", demo+"/services/hello", nil)
		require.Equal(t, 200, code)
		require.Equal(t, "Success", status["status"])
		require.NotNil(t, dig(get(t, s, "hello"), "metadata", "deletionTimestamp"))
		code, _ = do(t, s, "POST", demo+"/services", minimal("hello"))
		require.Equal(t, 409, code)
		time.Sleep(5 * time.Second)
		code, _ = do(t, s, "GET", demo+"/services/hello", nil)
		require.Equal(t, 404, code)
		again := create(t, s, "hello")
		require.Equal(t, 1.0, dig(again, "metadata", "generation"))
		code, _ = do(t, s, "DELETE", demo+"/services/nobody", nil)
		require.Equal(t, 404, code)
	})
}

func TestListsComeInPages(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for i := range 5 {
		create(t, s, fmt.Sprintf("s%d", 4-i), func(sv object) {
			sv["metadata"].(object)["labels"] = object{"team": []string{"a", "b"}[i%2]}
		})
	}
	names := func(query string) (list []string, next string) {
		code, answer := do(t, s, "GET", demo+"/services?"+query, nil)
		require.Equal(t, 200, code)
		for _, item := range answer["items"].([]any) {
			list = append(list, dig(item, "metadata", "name").(string))
		}
		next, _ = dig(answer, "metadata", "continue").(string)
		return list, next
	}
	page, next := names("limit=2")
	require.Equal(t, []string{"s0", "s1"}, page)
	page, next = names("limit=2&continue=" + next)
	require.Equal(t, []string{"s2", "s3"}, page)
	page, next = names("limit=2&continue=" + next)
	require.Equal(t, []string{"s4"}, page)
	require.Empty(t, next)
	for selector, want := range map[string]string{
		"team = a": "s0 s2 s4", "team==b": "s1 s3", "team!=a": "s1 s3", "team in (b, c)": "s1 s3", "team notin (b)": "s0 s2 s4",
		"team": "s0 s1 s2 s3 s4", "!team": "", "team,team != b": "s0 s2 s4", "nobody=x": "",
	} {
		page, _ := names("labelSelector=" + strings.ReplaceAll(strings.ReplaceAll(selector, " ", "%20"), "!", "%21"))
		require.Equal(t, want, strings.Join(page, " "), selector)
	}
	code, _ := do(t, s, "GET", demo+"/services?labelSelector=%3D%3D", nil)
	require.Equal(t, 400, code)
	code, _ = do(t, s, "GET", demo+"/services?continue=garbage", nil)
	require.Equal(t, 400, code)
}

func TestRegions(t *testing.T) {
	t.Parallel()
	s := newServer(t, cloudruntest.WithRegions("us-central1", "europe-west1"))
	create(t, s, "hello")
	const path = "/apis/serving.knative.dev/v1/namespaces/demo/services/hello"
	for url, want := range map[string]int{
		"https://us-central1-run.googleapis.com" + path: 200, "https://europe-west1-run.googleapis.com" + path: 404, s.URL + path: 200,
		"https://us-central1-run.googleapis.com" + strings.Replace(path, "demo", "123456789012", 1): 200,
		"https://run.googleapis.com/v1/projects/demo/locations/us-central1/services/hello":          200,
		"https://run.googleapis.com/v1/projects/demo/locations/europe-west1/services/hello":         404,
		"https://run.googleapis.com/v1/projects/demo/locations/mars/services/hello":                 404,
	} {
		code, _ := do(t, s, "GET", url, nil)
		require.Equal(t, want, code, url)
	}
	for _, url := range []string{"https://mars-north1-run.googleapis.com" + path, "https://run.googleapis.com" + path, regional + "/v9/what"} {
		code, page, header := send(t, s, "GET", url, nil)
		require.Equal(t, 404, code)
		require.Contains(t, header.Get("Content-Type"), "text/html", url)
		require.Contains(t, string(page), "<html")
	}
	code, answer := do(t, s, "GET", global+"/v1/projects/demo/locations?pageSize=1", nil)
	require.Equal(t, 200, code)
	require.Equal(t, "europe-west1", dig(answer, "locations", 0, "locationId"))
	_, answer = do(t, s, "GET", global+"/v1/projects/demo/locations?pageSize=1&pageToken="+answer["nextPageToken"].(string), nil)
	require.Equal(t, "us-central1", dig(answer, "locations", 0, "locationId"))
	require.Nil(t, answer["nextPageToken"])
	code, answer = do(t, s, "GET", global+"/v1/projects/demo/locations/-/services", nil)
	require.Equal(t, 200, code)
	require.Len(t, answer["items"], 1)
}

func TestProjects(t *testing.T) {
	t.Parallel()
	s := newServer(t, cloudruntest.WithProject("demo", "42"))
	require.Equal(t, "42", dig(create(t, s, "hello"), "metadata", "namespace"))
	code, _ := do(t, s, "GET", "/apis/serving.knative.dev/v1/namespaces/42/services/hello", nil)
	require.Equal(t, 200, code)
	code, _ = do(t, s, "GET", "/apis/serving.knative.dev/v1/namespaces/other/services/hello", nil)
	require.Equal(t, 403, code)
	code, p := do(t, s, "GET", "https://cloudresourcemanager.googleapis.com/v1/projects/demo", nil)
	require.Equal(t, 200, code)
	require.Equal(t, "42", p["projectNumber"])
	code, api := do(t, s, "GET", "https://serviceusage.googleapis.com/v1/projects/demo/services/run.googleapis.com", nil)
	require.Equal(t, 200, code)
	require.Equal(t, "ENABLED", api["state"])
}

func TestRevisions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := dig(create(t, s, "hello", env("A", "1")), "status", "latestReadyRevisionName").(string)
	second := dig(edit(t, s, "hello", env("B", "2")), "status", "latestReadyRevisionName").(string)
	edit(t, s, "hello", env("C", "3"))
	edit(t, s, "hello", split(object{"revisionName": first, "percent": 100}))

	code, list := do(t, s, "GET", demo+"/revisions?labelSelector=serving.knative.dev/service%20%3D%20hello", nil)
	require.Equal(t, 200, code)
	require.Len(t, list["items"], 3)
	code, rev := do(t, s, "GET", demo+"/revisions/"+second, nil)
	require.Equal(t, 200, code)
	require.Equal(t, "2", dig(rev, "metadata", "labels", "serving.knative.dev/configurationGeneration"))
	require.Regexp(t, `^gcr.io/cloudrun/hello@sha256:[0-9a-f]{64}$`, dig(rev, "status", "imageDigest"))
	require.NotEmpty(t, dig(rev, "status", "logUrl"))
	require.Equal(t, []string{"Ready=True", "ContainerHealthy=True", "ResourcesAvailable=True", "Active=False(Retired)"}, conditions(rev))

	for name, want := range map[string]int{first: 400, dig(list, "items", 0, "metadata", "name").(string): 400, "hello-nobody": 404, second: 200} {
		code, answer := do(t, s, "DELETE", demo+"/revisions/"+name, nil)
		require.Equal(t, want, code, "%s: %v", name, answer)
		if want == 400 {
			require.Equal(t, "FAILED_PRECONDITION", dig(answer, "error", "status"))
		}
	}
	code, _ = do(t, s, "GET", demo+"/revisions/"+second, nil)
	require.Equal(t, 404, code)
	for _, kind := range []string{"configurations", "routes"} {
		code, part := do(t, s, "GET", demo+"/"+kind+"/hello", nil)
		require.Equal(t, 200, code)
		require.Equal(t, []string{"Ready=True"}, conditions(part))
	}
}

func TestOldRevisionsGo(t *testing.T) {
	t.Parallel()
	s := newServer(t, cloudruntest.WithRecording(10))
	sv := create(t, s, "hello")
	first := dig(sv, "status", "latestReadyRevisionName").(string)
	edit(t, s, "hello", split(object{"revisionName": first, "tag": "keep"}, object{"latestRevision": true, "percent": 100}))
	for i := range 1010 {
		doc := minimal("hello")
		env("N", fmt.Sprint(i))(doc)
		split(object{"revisionName": first, "tag": "keep"}, object{"latestRevision": true, "percent": 100})(doc)
		code, _ := do(t, s, "PUT", demo+"/services/hello", doc)
		require.Equal(t, 200, code)
	}
	list := s.Revisions("demo", "hello")
	require.Len(t, list, 1000)
	var oldest object
	require.NoError(t, json.Unmarshal(list[0], &oldest))
	require.Equal(t, first, dig(oldest, "metadata", "name"), "what is tagged stays")
	require.Len(t, s.Requests(), 10)
	require.Len(t, s.History(), 10)
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	require.NoError(t, s.PutService("demo", "us-central1", json.RawMessage(`{"metadata":{"name":"hello","generation":7,"resourceVersion":"OLD"},
		"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}},"status":{"observedGeneration":6,"latestReadyRevisionName":"hello-00006-abc"}}`)))
	sv := get(t, s, "hello")
	require.Equal(t, "OLD", dig(sv, "metadata", "resourceVersion"))
	require.Equal(t, object{"observedGeneration": 6.0, "latestReadyRevisionName": "hello-00006-abc"}, sv["status"], "the status is as given")
	require.NoError(t, s.PutRevision("demo", "us-central1", json.RawMessage(`{"metadata":{"name":"hello-00005-old","labels":{"serving.knative.dev/service":"hello"}},
		"spec":{"containers":[{"image":"y"}]},"status":{"imageDigest":"y@sha256:1"}}`)))
	code, rev := do(t, s, "GET", demo+"/revisions/hello-00005-old", nil)
	require.Equal(t, 200, code)
	require.Equal(t, "y@sha256:1", dig(rev, "status", "imageDigest"))
	require.Len(t, s.Revisions("demo", "hello"), 2)
	next := edit(t, s, "hello", env("A", "1"))
	require.Equal(t, 8.0, dig(next, "metadata", "generation"))
	require.Equal(t, "True", dig(next, "status", "conditions", 0, "status"))

	require.NoError(t, s.PutService("demo", "us-central1", json.RawMessage(`{"metadata":{"name":"plain"},"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}`)))
	require.Equal(t, []string{"Ready=True", "ConfigurationsReady=True", "RoutesReady=True"}, conditions(get(t, s, "plain")))
	require.Error(t, s.PutService("demo", "us-central1", json.RawMessage(`{}`)))
	require.Error(t, s.PutService("demo", "us-central1", json.RawMessage(`nonsense`)))
	require.Error(t, s.PutRevision("demo", "us-central1", json.RawMessage(`{}`)))
	require.Error(t, s.SetPolicy("demo", "nobody", json.RawMessage(`{}`)))
}
