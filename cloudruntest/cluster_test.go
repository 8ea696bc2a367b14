package cloudruntest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

func clusterBubble(t *testing.T, test func(t *testing.T, s *cloudruntest.Server)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		test(t, newServer(t, cloudruntest.Cluster(), cloudruntest.WithTimeToReady(10*time.Second)))
	})
}

// The timelines are those observed on a real cluster.
func TestClusterTimelines(t *testing.T) {
	fail := cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "Container failed"}}
	const settled = "ConfigurationsReady=True Ready=True RoutesReady=True"
	const routing = "ConfigurationsReady=True Ready=Unknown(IngressNotConfigured) RoutesReady=Unknown(IngressNotConfigured)"
	const waiting = "ConfigurationsReady=True Ready=Unknown(Uninitialized) RoutesReady=Unknown(Uninitialized)"
	creating := []string{
		"",
		"ConfigurationsReady=Unknown(OutOfDate) Ready=Unknown(OutOfDate) RoutesReady=Unknown(OutOfDate)",
		"ConfigurationsReady=Unknown(OutOfDate) Ready=Unknown(RevisionMissing) RoutesReady=Unknown(RevisionMissing)",
		"ConfigurationsReady=Unknown Ready=Unknown(RevisionMissing) RoutesReady=Unknown(RevisionMissing)",
	}
	updating := []string{
		settled,
		"ConfigurationsReady=Unknown(OutOfDate) Ready=Unknown(OutOfDate) RoutesReady=True",
		"ConfigurationsReady=Unknown Ready=Unknown RoutesReady=True",
	}
	tests := map[string]struct {
		script cloudruntest.Script
		update func(object) // nil: a create
		want   []string
	}{
		"create": {cloudruntest.Script{}, nil, append(creating[:4:4],
			"ConfigurationsReady=True Ready=Unknown(RevisionMissing) RoutesReady=Unknown(RevisionMissing)", routing, waiting, settled)},
		"failing create": {fail, nil, append(creating[:4:4],
			"ConfigurationsReady=False(RevisionFailed) Ready=False(RevisionFailed) RoutesReady=Unknown(RevisionMissing)",
			"ConfigurationsReady=False(RevisionFailed) Ready=False(RevisionMissing) RoutesReady=False(RevisionMissing)")},
		"never": {cloudruntest.Script{NeverReady: true}, nil, creating},
		"update": {cloudruntest.Script{}, env("A", "1"), append(updating[:3:3],
			"ConfigurationsReady=True Ready=Unknown(TrafficNotMigrated) RoutesReady=Unknown(TrafficNotMigrated)", routing, waiting, settled)},
		"failing update": {fail, env("A", "1"), append(updating[:3:3], "ConfigurationsReady=False(RevisionFailed) Ready=False(RevisionFailed) RoutesReady=True")},
		"traffic": {cloudruntest.Script{}, split(object{"revisionName": "hello-00001", "percent": 100}), []string{
			settled, "ConfigurationsReady=True Ready=Unknown(OutOfDate) RoutesReady=Unknown(OutOfDate)", routing, waiting, settled}},
		"traffic to nothing": {cloudruntest.Script{}, split(object{"revisionName": "hello-00099", "percent": 100}), []string{
			settled, "ConfigurationsReady=True Ready=Unknown(OutOfDate) RoutesReady=Unknown(OutOfDate)",
			"ConfigurationsReady=True Ready=False(RevisionMissing) RoutesReady=False(RevisionMissing)"}},
		"labels": {cloudruntest.Script{}, func(sv object) { sv["metadata"].(object)["labels"] = object{"a": "b"} }, []string{settled}},
		"false alarm": {cloudruntest.Script{FalseAlarm: 500 * time.Millisecond}, split(object{"revisionName": "hello-00001", "percent": 100}), []string{
			settled, "ConfigurationsReady=Unknown(OutOfDate) Ready=False(NotOwned) RoutesReady=False(NotOwned)",
			"ConfigurationsReady=True Ready=Unknown(OutOfDate) RoutesReady=Unknown(OutOfDate)", routing, waiting, settled}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			clusterBubble(t, func(t *testing.T, s *cloudruntest.Server) {
				if test.update == nil {
					s.Script("hello", test.script)
					create(t, s, "hello")
				} else {
					create(t, s, "hello")
					time.Sleep(10 * time.Second)
					s.Script("hello", test.script)
					edit(t, s, "hello", test.update)
				}
				require.Equal(t, test.want, timeline(t, s, "hello", 12*time.Second))
			})
		})
	}
}

func TestClusterCreate(t *testing.T) {
	t.Parallel()
	s := newServer(t, cloudruntest.Cluster())
	code, raw, header := send(t, s, "POST", demo+"/services", minimal("hello"))
	require.Equal(t, 201, code)
	require.NotContains(t, string(raw), `"status"`)
	require.Contains(t, header.Get("Warning"), "299 - \"Kubernetes default value is insecure")
	sv := get(t, s, "hello")
	require.Equal(t, "hello-00001", dig(sv, "status", "latestReadyRevisionName"))
	require.Equal(t, object{
		"containerConcurrency": 0.0, "timeoutSeconds": 300.0, "enableServiceLinks": false, "containers": []any{object{
			"name": "user-container", "image": image, "resources": object{}, "readinessProbe": object{"successThreshold": 1.0, "tcpSocket": object{"port": 0.0}},
		}},
	}, dig(sv, "spec", "template", "spec"))
	require.NotContains(t, dig(sv, "metadata"), "selfLink")
	require.Regexp(t, `^\d+$`, dig(sv, "metadata", "resourceVersion"))

	edit(t, s, "hello", split(object{"revisionName": "hello-00001", "percent": 100}))
	next := edit(t, s, "hello", env("A", "1"))
	require.Equal(t, 3.0, dig(next, "metadata", "generation"))
	require.Equal(t, 2.0, dig(next, "status", "observedGeneration"))
	require.Equal(t, "hello-00002", dig(get(t, s, "hello"), "status", "latestCreatedRevisionName"), "revisions count configurations, not generations")
	require.Equal(t, []any{object{"revisionName": "hello-00001", "percent": 100.0, "latestRevision": false}}, dig(next, "spec", "traffic"))

	labelled := edit(t, s, "hello", func(sv object) { sv["metadata"].(object)["labels"] = object{"a": "b"} })
	require.Equal(t, 3.0, dig(labelled, "metadata", "generation"))
	same := edit(t, s, "hello", func(object) {})
	require.Equal(t, dig(labelled, "metadata", "generation"), dig(same, "metadata", "generation"))
}

func TestClusterRefusals(t *testing.T) {
	t.Parallel()
	meta := func(key string, v any) func(object) {
		return func(sv object) {
			if v == nil {
				delete(sv["metadata"].(object), key)
				return
			}
			sv["metadata"].(object)[key] = v
		}
	}
	container := func(key string, v any) func(object) {
		return func(sv object) { dig(sv, "spec", "template", "spec", "containers", 0).(object)[key] = v }
	}
	pod := func(key string, v any) func(object) {
		return func(sv object) { dig(sv, "spec", "template", "spec").(object)[key] = v }
	}
	tests := map[string]struct {
		method, path string
		edit         func(object)
		code         int
		reason       string
		message      string
	}{
		"exists":          {"POST", "/services", func(object) {}, 409, "AlreadyExists", `services.serving.knative.dev "hello" already exists`},
		"with version":    {"POST", "/services", func(o object) { meta("name", "x")(o) }, 500, "", "resourceVersion should not be set on objects to be created"},
		"stale":           {"PUT", "/services/hello", meta("resourceVersion", "1"), 409, "Conflict", "the object has been modified"},
		"no version":      {"PUT", "/services/hello", meta("resourceVersion", nil), 422, "Invalid", "metadata.resourceVersion: Invalid value: 0: must be specified for an update"},
		"other uid":       {"PUT", "/services/hello", meta("uid", "x"), 409, "Conflict", "UID in precondition"},
		"other name":      {"PUT", "/services/hello", meta("name", "x"), 400, "BadRequest", "the name of the object (x) does not match the name on the URL (hello)"},
		"missing":         {"PUT", "/services/x", func(object) {}, 404, "NotFound", `services.serving.knative.dev "x" not found`},
		"no creator":      {"PUT", "/services/hello", meta("annotations", nil), 400, "BadRequest", "annotation value is immutable: metadata.annotations.serving.knative.dev/creator\ninvalid value: : metadata.annotations.serving.knative.dev/lastModifier"},
		"other namespace": {"PUT", "/services/hello", meta("namespace", "x"), 400, "BadRequest", "the namespace of the provided object does not match"},
		"api version":     {"PUT", "/services/hello", func(o object) { o["apiVersion"] = "x/v1" }, 400, "BadRequest", "does not match the expected API version"},
		"no kind":         {"PUT", "/services/hello", func(o object) { delete(o, "kind") }, 400, "BadRequest", "Object 'Kind' is missing"},
		"dry run":         {"PUT", "/services/hello?dryRun=all", func(object) {}, 422, "Invalid", `UpdateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["all"]: supported values: "All"`},
		"strict":          {"PUT", "/services/hello?fieldValidation=Strict", container("imagine", 1), 400, "BadRequest", `unknown field "spec.template.spec.containers[0].imagine"`},
		"no image":        {"PUT", "/services/hello", container("image", ""), 400, "BadRequest", "missing field(s): spec.template.spec.containers[0].image"},
		"port name":       {"PUT", "/services/hello", container("ports", []any{object{"name": "grpc"}}), 400, "BadRequest", "Port name grpc is not allowed"},
		"two ports":       {"PUT", "/services/hello", container("ports", []any{object{}, object{}}), 400, "BadRequest", "more than one container port is set"},
		"env PORT":        {"PUT", "/services/hello", container("env", []any{object{"name": "PORT"}}), 400, "BadRequest", `"PORT" is a reserved environment variable`},
		"env no name":     {"PUT", "/services/hello", container("env", []any{object{}}), 400, "BadRequest", "missing field(s): spec.template.spec.containers[0].env[0].name"},
		"no containers":   {"PUT", "/services/hello", pod("containers", []any{}), 400, "BadRequest", "missing field(s): spec.template.spec.containers"},
		"node selector":   {"PUT", "/services/hello", pod("nodeSelector", object{"a": "b"}), 400, "BadRequest", "must not set the field(s): spec.template.spec.nodeSelector"},
		"timeout":         {"PUT", "/services/hello", pod("timeoutSeconds", 601), 400, "BadRequest", "expected 0 <= 601 <= 600: spec.template.spec.timeoutSeconds"},
		"traffic":         {"PUT", "/services/hello", split(object{"percent": 90}), 400, "BadRequest", "sum to 100"},
		"revision name":   {"PUT", "/services/hello", func(o object) { dig(o, "spec", "template").(object)["metadata"] = object{"name": "x"} }, 400, "BadRequest", `invalid value: "x" must have prefix "hello-"`},
		"no such method":  {"PATCH", "/revisions/hello-00001", func(object) {}, 405, "MethodNotAllowed", "does not allow this method"},
		"bad selector":    {"GET", "/services?labelSelector=%3D%3D", func(object) {}, 400, "BadRequest", ""},
		"bad continue":    {"GET", "/services?continue=garbage", func(object) {}, 400, "BadRequest", "invalid continue token"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, cloudruntest.Cluster())
			create(t, s, "hello")
			doc := get(t, s, "hello")
			test.edit(doc)
			code, status := do(t, s, test.method, demo+test.path, doc)
			require.Equal(t, test.code, code, "%v", status)
			require.Equal(t, "Status", status["kind"])
			require.Equal(t, "Failure", status["status"])
			require.Contains(t, status["message"], test.message)
			if test.reason != "" {
				require.Equal(t, test.reason, status["reason"])
			}
			require.Len(t, s.History(), 1)
		})
	}
}

func TestClusterIsNoCloudRun(t *testing.T) {
	t.Parallel()
	s := newServer(t, cloudruntest.Cluster())
	for _, path := range []string{policyURL + ":getIamPolicy", global + "/v1/projects/demo/locations", demo + "/servicez", demo + "/what/is/this"} {
		code, body, header := send(t, s, "GET", path, nil)
		require.Equal(t, 404, code)
		require.Equal(t, "404 page not found\n", string(body))
		require.Contains(t, header.Get("Content-Type"), "text/plain")
	}
	for body, want := range map[string]string{"": "unexpected end of JSON input (<empty>)", "{not json": "couldn't get version/kind; json parse error"} {
		code, status := do(t, s, "POST", demo+"/services", body)
		require.Equal(t, 400, code)
		require.Contains(t, status["message"], want)
	}
	s.DenyPermission("run.services.get")
	code, status := do(t, s, "GET", demo+"/services/hello", nil)
	require.Equal(t, 403, code)
	require.Equal(t, "Forbidden", status["reason"])
	require.Contains(t, status["message"], `services.serving.knative.dev is forbidden: User "dev@example.com" cannot get resource "services"`)
	req, _ := http.NewRequestWithContext(t.Context(), "POST", s.URL+demo+"/services", strings.NewReader("hello"))
	req.Header.Set("Content-Type", "text/plain")
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 415, resp.StatusCode)
}

func TestClusterDropsUnknownFieldsAndSaysSo(t *testing.T) {
	t.Parallel()
	s := newServer(t, cloudruntest.Cluster())
	doc := minimal("hello")
	dig(doc, "spec", "template", "spec", "containers", 0).(object)["imagine"] = 1
	doc["spec"].(object)["traffic"] = []any{object{"latestRevision": true, "percent": 100, "mirror": 1}}
	_, _, header := send(t, s, "POST", demo+"/services", doc)
	require.Contains(t, header.Values("Warning"), `299 - "unknown field \"spec.template.spec.containers[0].imagine\""`)
	require.Contains(t, header.Values("Warning"), `299 - "unknown field \"spec.traffic[0].mirror\""`)
	require.NotContains(t, dig(get(t, s, "hello"), "spec", "template", "spec", "containers", 0), "imagine")
}

func TestClusterDryRunAndNames(t *testing.T) {
	t.Parallel()
	s := newServer(t, cloudruntest.Cluster())
	code, sv := do(t, s, "POST", demo+"/services?dryRun=All", minimal("hello"))
	require.Equal(t, 201, code)
	require.Nil(t, dig(sv, "metadata", "resourceVersion"))
	code, _ = do(t, s, "GET", demo+"/services/hello", nil)
	require.Equal(t, 404, code)
	doc := minimal("")
	code, status := do(t, s, "POST", demo+"/services", doc)
	require.Equal(t, 422, code)
	require.Equal(t, `Service.serving.knative.dev "" is invalid: metadata.name: Required value: name or generateName is required`, status["message"])
	doc["metadata"] = object{"generateName": "gen-"}
	code, sv = do(t, s, "POST", demo+"/services", doc)
	require.Equal(t, 201, code)
	require.Regexp(t, `^gen-[a-z0-9]{5}$`, dig(sv, "metadata", "name"))
}

func TestClusterDelete(t *testing.T) {
	t.Parallel()
	s := newServer(t, cloudruntest.Cluster())
	create(t, s, "hello")
	code, status := do(t, s, "DELETE", demo+"/services/hello", nil)
	require.Equal(t, 200, code)
	require.NotEmpty(t, dig(status, "details", "uid"))
	code, _ = do(t, s, "GET", demo+"/services/hello", nil)
	require.Equal(t, 404, code)
	create(t, s, "hello")
	s.Script("hello", cloudruntest.Script{DeletionTime: time.Hour})
	code, sv := do(t, s, "DELETE", demo+"/services/hello?propagationPolicy=Foreground", nil)
	require.Equal(t, 200, code)
	require.NotEmpty(t, dig(sv, "metadata", "deletionTimestamp"))
	code, status = do(t, s, "POST", demo+"/services", minimal("hello"))
	require.Equal(t, 409, code)
	require.Contains(t, status["message"], "object is being deleted")
}

func TestClusterRunsContainers(t *testing.T) {
	t.Parallel()
	s := newServer(t, cloudruntest.Cluster())
	create(t, s, "hello")
	code, page := fetch(t, s.Client(), urlOf(get(t, s, "hello")))
	require.Equal(t, 200, code, "a cluster asks for no credentials")
	require.Contains(t, page, "revision hello-00001")
}
