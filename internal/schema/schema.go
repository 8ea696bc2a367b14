// Package schema knows what a manifest of a Service may contain on Cloud Run: the
// fields that the Knative types have and those that they lack, and where the
// annotations of settings belong.
package schema

import (
	"maps"
	"reflect"
	"sync"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/apifields"
	"github.com/cloudrun-go/cloudrun/internal/manifest"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// Service returns the schema of a Service of Cloud Run: of Knative's fields, it
// has those that Google's description of the API has.
func Service() manifest.Schema {
	s := ClusterService()
	s.Lacks = func(path string) bool { return knownPaths()[path] == "" }
	maps.Copy(s.Added, numberedPorts())
	s.LacksHint = "Cloud Run does not have it: for a Knative cluster, parse the manifest with ForCluster"
	return s
}

var knownPaths = sync.OnceValue(func() map[string]string { return apifields.Paths("Service") })

// ClusterService returns the schema of a Service of Cloud Run or of a Knative cluster.
func ClusterService() manifest.Schema {
	return manifest.Schema{
		Type: reflect.TypeFor[servingv1.Service](),
		Constants: []manifest.Constant{
			{Field: "apiVersion", Value: servingv1.SchemeGroupVersion.String()},
			{Field: "kind", Value: "Service"},
		},
		Others:    otherKinds(),
		Added:     addedFields(),
		Hints:     fieldHints(),
		Text:      []string{"metadata.namespace"},
		Hides:     redact.Holder,
		HidesText: redact.Text,
		Dropped:   []string{"status"},
	}
}

// otherKinds returns what to say of objects that are not a Service, but have to do with one.
func otherKinds() map[string]string {
	other := func(kind, advice string) string { return "this is a " + kind + ", not a Service: " + advice }
	return map[string]string{
		"Job":           other("Job", "deploy it with gcloud run jobs replace"),
		"WorkerPool":    other("WorkerPool", "deploy it with gcloud run worker-pools replace"),
		"Execution":     other("Execution of a Job", "Cloud Run makes it when the Job runs"),
		"Task":          other("Task of a Job", "Cloud Run makes it when the Job runs"),
		"Revision":      other("Revision", "the Service makes it from its template"),
		"Configuration": other("Configuration", "the Service makes it from its template"),
		"Route":         other("Route", "the Service makes it from its traffic"),
		"Deployment":    other("Deployment", "write a Service of serving.knative.dev/v1 with its containers"),
	}
}

const (
	pathTemplate  = "spec.template"
	pathContainer = pathTemplate + ".spec.containers[]"
)

// localObject is a second form of the name of a Secret or ConfigMap in Cloud Run's API.
type localObject struct {
	Name string `json:"name"`
}

// sandboxes are templates of processes that a container with sandboxLauncher may start.
type sandboxes struct {
	Templates []struct {
		Name         string               `json:"name"`
		Image        string               `json:"image"`
		Command      []string             `json:"command"`
		Args         []string             `json:"args"`
		WorkingDir   string               `json:"workingDir"`
		Env          []corev1.EnvVar      `json:"env"`
		VolumeMounts []corev1.VolumeMount `json:"volumeMounts"`
	} `json:"templates"`
}

// addedFields returns the fields of Cloud Run's own API that the Knative types lack.
func addedFields() map[string]reflect.Type {
	const sandbox = pathTemplate + ".spec.sandboxes"
	name := reflect.TypeFor[string]()
	all := map[string]reflect.Type{
		"metadata.clusterName":                 name,
		pathTemplate + ".metadata.clusterName": name,
		pathContainer + ".sandboxLauncher":     reflect.TypeFor[bool](),
		sandbox:                                reflect.TypeFor[sandboxes](),
	}
	for _, env := range []string{pathContainer + ".env[].valueFrom", sandbox + ".templates[].env[].valueFrom"} {
		maps.Copy(all, localReferences(env+".configMapKeyRef", env+".secretKeyRef"))
	}
	maps.Copy(all, localReferences(pathContainer+".envFrom[].configMapRef", pathContainer+".envFrom[].secretRef"))
	return all
}

// numberedPorts are the ports of probes, which may have names on a cluster only.
func numberedPorts() map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for _, probe := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		for _, check := range []string{"httpGet", "tcpSocket"} {
			all[pathContainer+"."+probe+"."+check+".port"] = reflect.TypeFor[int32]()
		}
	}
	return all
}

func localReferences(paths ...string) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for _, p := range paths {
		all[p+".localObjectReference"] = reflect.TypeFor[localObject]()
	}
	return all
}

// fieldHints returns hints for fields of Cloud Run's v2 API and of other tools.
func fieldHints() map[string]string {
	annotation := func(key string) string { return "write the annotation " + key + " of the template" }
	return map[string]string{
		pathContainer + ".dependsOn":                         annotation(spec.AnnotationDependencies),
		pathContainer + ".resources.cpuIdle":                 annotation(spec.AnnotationCPUThrottling),
		pathContainer + ".resources.startupCpuBoost":         annotation(spec.AnnotationCPUBoost),
		pathTemplate + ".scaling":                            "write the annotations " + spec.AnnotationMinScale + " and " + spec.AnnotationMaxScale + " of the template",
		pathTemplate + ".annotations":                        "write it in metadata of the template",
		pathTemplate + ".labels":                             "write it in metadata of the template",
		pathTemplate + ".containers":                         "write it in spec of the template",
		pathTemplate + ".spec.timeout":                       "write timeoutSeconds",
		pathTemplate + ".spec.maxInstanceRequestConcurrency": "write containerConcurrency",
		pathTemplate + ".spec.executionEnvironment":          annotation(spec.AnnotationExecutionEnv),
		pathTemplate + ".spec.sessionAffinity":               annotation(spec.AnnotationSessionAffinity),
		pathTemplate + ".spec.encryptionKey":                 annotation(spec.AnnotationEncryptionKey),
		pathTemplate + ".spec.vpcAccess":                     annotation(spec.AnnotationNetworkInterfaces),
		"spec.ingress":                                       "write the annotation " + spec.AnnotationIngress,
		"spec.launchStage":                                   "write the annotation " + spec.AnnotationLaunchStage,
	}
}
