package resources

import (
	"strconv"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// ServiceDefaults adds Cloud Run's defaults to a Service. It drops the empty
// objects that encoders of typed objects leave behind.
func ServiceDefaults(name, projectNumber, region string, doc tree.Object) {
	doc["apiVersion"], doc["kind"] = APIVersion, "Service"
	delete(doc, "status")
	meta := tree.Child(doc, "metadata")
	meta["name"] = name
	tree.Child(meta, "labels")[LocationLabel] = region
	annotations := tree.Child(meta, "annotations")
	if tree.Text(annotations, IngressAnnotation) == "" {
		annotations[IngressAnnotation] = "all"
	}
	spec := tree.Child(doc, "spec")
	if len(tree.Items(spec, "traffic")) == 0 {
		spec["traffic"] = []any{tree.Object{"latestRevision": true, "percent": 100}}
	}
	template := tree.Child(spec, "template")
	templateDefaults(tree.Child(template, "metadata"))
	revisionDefaults(name, projectNumber, template)
}

func templateDefaults(meta tree.Object) {
	if tree.Text(meta, "name") == "" {
		delete(meta, "name")
	}
	for _, k := range []string{"creationTimestamp", "namespace"} {
		if meta[k] == nil || meta[k] == "" {
			delete(meta, k)
		}
	}
	annotations := tree.Child(meta, "annotations")
	if _, set := annotations[maxScaleAnnotation]; !set && annotations["autoscaling.knative.dev/max-scale"] == nil {
		annotations[maxScaleAnnotation] = "100"
	}
}

func revisionDefaults(name, projectNumber string, template tree.Object) {
	spec := tree.Child(template, "spec")
	tree.DropEmpty(spec, "nodeSelector", "serviceAccountName", "volumes")
	containers := tree.Objects(spec, "containers")
	for i, c := range containers {
		containerDefaults(c, name+"-"+strconv.Itoa(i+1))
	}
	ingress := IngressContainer(spec)
	ingressDefaults(ingress, tree.Child(tree.Child(template, "metadata"), "labels"))
	if n, _ := tree.Number(spec["containerConcurrency"]); n == 0 {
		spec["containerConcurrency"] = 80
		if milliCPU(tree.Text(tree.At(ingress, "resources", "limits"), "cpu")) < 1000 {
			spec["containerConcurrency"] = 1
		}
	}
	if n, _ := tree.Number(spec["timeoutSeconds"]); n == 0 {
		spec["timeoutSeconds"] = 300
	}
	if tree.Text(spec, "serviceAccountName") == "" {
		spec["serviceAccountName"] = projectNumber + "-compute@developer.gserviceaccount.com"
	}
}

func containerDefaults(c tree.Object, name string) {
	if tree.Text(c, "name") == "" {
		c["name"] = name
	}
	resources := tree.Child(c, "resources")
	tree.DropEmpty(resources, "requests")
	limits := tree.Child(resources, "limits")
	for k, v := range map[string]string{"cpu": "1000m", "memory": "512Mi"} {
		if limits[k] == nil || limits[k] == "" {
			limits[k] = v
		}
	}
}

// IngressContainer returns the container that serves requests: the only one, or
// the one with a port.
func IngressContainer(spec tree.Object) tree.Object {
	containers := tree.Objects(spec, "containers")
	if len(containers) == 1 {
		return containers[0]
	}
	for _, c := range containers {
		if len(tree.Items(c, "ports")) > 0 {
			return c
		}
	}
	return tree.Object{}
}

func ingressDefaults(c tree.Object, labels tree.Object) {
	if len(tree.Objects(c, "ports")) == 0 {
		c["ports"] = []any{tree.Object{}}
	}
	port := tree.Objects(c, "ports")[0]
	if tree.Text(port, "name") == "" {
		port["name"] = "http1"
	}
	if n, _ := tree.Number(port["containerPort"]); n == 0 {
		port["containerPort"] = 8080
	}
	probe, given := c["startupProbe"].(tree.Object)
	if !given {
		probe = tree.Object{"timeoutSeconds": 240, "periodSeconds": 240, "failureThreshold": 1, "tcpSocket": tree.Object{"port": port["containerPort"]}}
		c["startupProbe"] = probe
	}
	if labels[probeTypeLabel] == nil || !given {
		labels[probeTypeLabel] = probeType(probe)
	}
}

// probeType returns Cloud Run's label for a startup probe: its own or the user's.
func probeType(probe tree.Object) string {
	own := tree.Object{"timeoutSeconds": 240, "periodSeconds": 240, "failureThreshold": 1}
	if tree.Same(tree.Without(probe, "tcpSocket", "successThreshold", "initialDelaySeconds"), own) && tree.At(probe, "tcpSocket") != nil {
		return "Default"
	}
	return "Custom"
}
