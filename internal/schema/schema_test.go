package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/manifest"
	"github.com/cloudrun-go/cloudrun/internal/rawjson"
	"github.com/cloudrun-go/cloudrun/internal/schema"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

const lacks = "unknown field: Cloud Run does not have it: for a Knative cluster, parse the manifest with ForCluster"

const head = "apiVersion: serving.knative.dev/v1\nkind: Service\n"

func TestService(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "", // allowed
		"status: {bogus: 1}":          "",
		"metadata: {namespace: 1234}": "",
		"metadata: {clusterName: c}":  "",
		"spec: {template: {spec: {containers: [{sandboxLauncher: true}], sandboxes: {templates: [{name: a, env: [{name: A, value: b}]}]}}}}": "",
		"spec: {template: {spec: {containers: [{env: [{name: A, valueFrom: {secretKeyRef: {localObjectReference: {name: s}, key: k}}}]}]}}}": "",
		"spec: {template: {spec: {containers: [{envFrom: [{configMapRef: {localObjectReference: {name: s}}}]}]}}}":                           "",
		"spec: {template: {spec: {containers: [{env: [{name: A, value: 1}]}]}}}":                                                             "got a number, want a string: put it in quotes",
		"spec: {template: {spec: {containers: [{dependsOn: [a]}]}}}":                                                                         "unknown field: write the annotation run.googleapis.com/container-dependencies of the template",
		`spec: {template: {spec: {containers: [{env: ["PASSWORD=hunter2"]}]}}}`:                                                              "got a string, want an object",
		`spec: {template: {spec: {containers: [{env: PASSWORD=hunter2}]}}}`:                                                                  "got a string, want a list",
		`spec: {template: {spec: {containers: [{env: [{name: A, value: !hunter2 x}]}]}}}`:                                                    "got a value with a tag of its own, want a string: put it in quotes",
		`spec: {template: {spec: {containers: [{env: [{name: A, value: 2020-01-01}]}]}}}`:                                                    "got a date, want a string: put it in quotes",
		`spec: {template: {spec: {containers: [{env: [{name: A, value: {hunter2: x}}]}]}}}`:                                                  "got an object, want a string",
		`spec: {template: {spec: {containers: [{env: {PASSWORD: hunter2}}]}}}`:                                                               "got an object, want a list",
		`spec: {template: {spec: {containers: [{env: [{1234567: hunter2}]}]}}}`:                                                              "has a key that is a number, want a string: put it in quotes",
		`spec: {template: {spec: {containers: [{args: "--password=hunter2 hunter3"}]}}}`:                                                     "got a string, want a list",
		`spec: {template: {spec: {containers: [{args: [--password, 1234567]}]}}}`:                                                            "got a number, want a string: put it in quotes",
		`spec: {template: {spec: {containers: ["PASSWORD=hunter2"]}}}`:                                                                       "got a string, want an object",
		`spec: {template: {spec: {containers: [{livenessProbe: {httpGet: {httpHeaders: "Authorization: hunter2"}}}]}}}`:                      "got a string, want a list",
		`spec: {template: {spec: {containerConcurrency: "postgres://u:hunter2@h/db"}}}`:                                                      "got a string, want a whole number",
		`metadata: {annotations: {example.com/token: 1234567}}`:                                                                              "got a number, want a string: put it in quotes",
		`metadata: {annotations: {example.com/other: 1234567}}`:                                                                              "got the number 1234567, want a string: put it in quotes",
		"spec: {ingress: all}":                                                                  "unknown field: write the annotation run.googleapis.com/ingress",
		"spec: {template: {spec: {timeout: 1}}}":                                                "unknown field: write timeoutSeconds",
		"spec: {template: {spec: {initContainers: []}}}":                                        lacks,
		"spec: {template: {spec: {securityContext: {runAsUser: 1}}}}":                           lacks,
		"spec: {template: {spec: {containers: [{securityContext: {runAsNonRoot: true}}]}}}":     lacks,
		"spec: {template: {spec: {containers: [{securityContext: {privileged: true}}]}}}":       lacks,
		"spec: {template: {spec: {containers: [{securityContext: {capabilities: {}}}]}}}":       lacks,
		"spec: {template: {spec: {containers: [{securityContext: {runAsUser: 1}}]}}}":           "",
		"spec: {template: {spec: {containers: [{volumeMounts: [{subPathExpr: x}]}]}}}":          lacks,
		"spec: {template: {spec: {initContainer: []}}}":                                         "unknown field of spec.template.spec",
		"spec: {template: {spec: {containers: [{livenessProbe: {httpGet: {port: http}}}]}}}":    `got the string "http", want a whole number`,
		"spec: {template: {spec: {containers: [{startupProbe: {tcpSocket: {port: '8080'}}}]}}}": "",
		"spec: {bogus: 1}": "unknown field of spec",
	} {
		_, problems := manifest.Parse([]byte(head+text), schema.Service(), false)
		if want == "" {
			require.Empty(t, problems, text)
			continue
		}
		require.Len(t, problems, 1, text)
		require.Equal(t, want, problems[0].Reason, text)
	}
	for text, want := range map[string]string{
		"apiVersion: v1\nkind: Service\n":                          `apiVersion: got the string "v1", want serving.knative.dev/v1`,
		"apiVersion: run.googleapis.com/v1\nkind: Job\nspec: {}\n": "kind: this is a Job, not a Service: deploy it with gcloud run jobs replace",
		"kind: WorkerPool\napiVersion: run.googleapis.com/v1\n":    "kind: this is a WorkerPool, not a Service: deploy it with gcloud run worker-pools replace",
		"kind: Revision\napiVersion: serving.knative.dev/v1\n":     "kind: this is a Revision, not a Service: the Service makes it from its template",
	} {
		_, problems := manifest.Parse([]byte(text), schema.Service(), false)
		require.Len(t, problems, 1, text)
		require.Equal(t, want, problems[0].Path+": "+problems[0].Reason)
	}
}

func parse(t *testing.T, text string) rawjson.Object {
	t.Helper()
	o, err := rawjson.Parse([]byte(text))
	require.NoError(t, err)
	return o
}

func TestMisplaced(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		service, template string // annotations
		want              []string
	}{
		"in kn's spelling":       {template: `"autoscaling.knative.dev/min-scale":"1","autoscaling.knative.dev/initialScale":"1","autoscaling.knative.dev/target":"5"`},
		"in their places":        {service: `"run.googleapis.com/ingress":"all","run.googleapis.com/minScale":"1"`, template: `"autoscaling.knative.dev/minScale":"1"`},
		"of others":              {service: `"example.com/ingress":"all"`, template: `"ingress":"all"`},
		"unknown, like no other": {service: `"run.googleapis.com/brand-new-thing":"x"`},
		"of the template": {service: `"autoscaling.knative.dev/minScale":"1"`,
			want: []string{"the annotation autoscaling.knative.dev/minScale has no effect in metadata: move it to spec.template.metadata"}},
		"of the Service": {template: `"run.googleapis.com/launch-stage":"BETA","run.googleapis.com/ingress":"all"`,
			want: []string{"the annotation run.googleapis.com/ingress has no effect in spec.template.metadata: move it to metadata",
				"the annotation run.googleapis.com/launch-stage has no effect in spec.template.metadata: move it to metadata"}},
		"misspelt": {template: `"run.googleapis.com/cpu-throtling":"true"`,
			want: []string{"unknown annotation run.googleapis.com/cpu-throtling in spec.template.metadata: did you mean run.googleapis.com/cpu-throttling?"}},
	} {
		text := `{"metadata":{"annotations":{` + tc.service + `}},"spec":{"template":{"metadata":{"annotations":{` + tc.template + `}}}}}`
		require.Equal(t, tc.want, schema.Misplaced(parse(t, text)), name)
	}
	require.Empty(t, schema.Misplaced(parse(t, `{}`)))
}

func TestRemoved(t *testing.T) {
	t.Parallel()
	m := parse(t, `{"metadata":{"annotations":{"run.googleapis.com/description":"kept"}}}`)
	require.Equal(t, []string{
		"the annotation run.googleapis.com/iap-enabled (true) is removed: it is not in the manifest",
		"the annotation run.googleapis.com/ingress (in ternal) is removed: it is not in the manifest",
	}, schema.Removed(m, map[string]string{
		"run.googleapis.com/description": "old", "run.googleapis.com/ingress": "in\nternal", "run.googleapis.com/iap-enabled": "true",
		"run.googleapis.com/urls": "[]", "run.googleapis.com/client-name": "gcloud", "serving.knative.dev/creator": "ann", "example.com/a": "b",
	}))
	require.Empty(t, schema.Removed(m, map[string]string{spec.AnnotationIngress: "all"}), "the default")
	require.Empty(t, schema.Removed(parse(t, `{}`), nil))
}
