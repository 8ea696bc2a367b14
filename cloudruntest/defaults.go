package cloudruntest

import (
	"maps"
	"strings"
)

const (
	locationLabel      = "cloud.googleapis.com/location"
	probeTypeLabel     = "run.googleapis.com/startupProbeType"
	maxScaleAnnotation = "autoscaling.knative.dev/maxScale"

	creatorAnnotation   = "serving.knative.dev/creator"
	modifierAnnotation  = "serving.knative.dev/lastModifier"
	ingressAnnotation   = "run.googleapis.com/ingress"
	ingressStatus       = "run.googleapis.com/ingress-status"
	urlsAnnotation      = "run.googleapis.com/urls"
	operationAnnotation = "run.googleapis.com/operation-id"
	noURLAnnotation     = "run.googleapis.com/default-url-disabled"
	noCheckAnnotation   = "run.googleapis.com/invoker-iam-disabled"

	caller = "dev@example.com"
)

// serverOwned are the annotations that only the server sets.
var serverOwned = []string{creatorAnnotation, modifierAnnotation, ingressStatus, urlsAnnotation, operationAnnotation}

// serverFields are the fields of metadata that only the server sets.
var serverFields = []string{
	"uid", "generation", "resourceVersion", "selfLink", "creationTimestamp", "deletionTimestamp", "namespace", "managedFields",
}

// setDefaults adds what Cloud Run adds to a Service, and drops the empty
// objects that encoders of typed objects leave behind.
func setDefaults(name, projectNumber, region string, doc object) {
	doc["apiVersion"], doc["kind"] = apiVersion, "Service"
	delete(doc, "status")
	meta := child(doc, "metadata")
	meta["name"] = name
	child(meta, "labels")[locationLabel] = region
	annotations := child(meta, "annotations")
	if text(annotations, ingressAnnotation) == "" {
		annotations[ingressAnnotation] = "all"
	}
	spec := child(doc, "spec")
	if len(items(spec, "traffic")) == 0 {
		spec["traffic"] = []any{object{"latestRevision": true, "percent": 100}}
	}
	template := child(spec, "template")
	templateDefaults(child(template, "metadata"))
	revisionDefaults(name, projectNumber, template)
}

func templateDefaults(meta object) {
	if text(meta, "name") == "" {
		delete(meta, "name")
	}
	for _, k := range []string{"creationTimestamp", "namespace"} {
		if meta[k] == nil || meta[k] == "" {
			delete(meta, k)
		}
	}
	annotations := child(meta, "annotations")
	if _, set := annotations[maxScaleAnnotation]; !set && annotations["autoscaling.knative.dev/max-scale"] == nil {
		annotations[maxScaleAnnotation] = "100"
	}
}

func revisionDefaults(name, projectNumber string, template object) {
	spec := child(template, "spec")
	dropEmpty(spec, "nodeSelector", "serviceAccountName", "volumes")
	containers := objects(spec, "containers")
	for i, c := range containers {
		containerDefaults(c, name+"-"+itoa(i+1))
	}
	ingress := ingressContainer(spec)
	ingressDefaults(ingress, child(child(template, "metadata"), "labels"))
	if n, _ := number(spec["containerConcurrency"]); n == 0 {
		spec["containerConcurrency"] = 80
		if milliCPU(text(at(ingress, "resources", "limits"), "cpu")) < 1000 {
			spec["containerConcurrency"] = 1
		}
	}
	if n, _ := number(spec["timeoutSeconds"]); n == 0 {
		spec["timeoutSeconds"] = 300
	}
	if text(spec, "serviceAccountName") == "" {
		spec["serviceAccountName"] = projectNumber + "-compute@developer.gserviceaccount.com"
	}
}

func dropEmpty(o object, keys ...string) {
	for _, k := range keys {
		if meaning(o[k]) == nil {
			delete(o, k)
		}
	}
}

func containerDefaults(c object, name string) {
	if text(c, "name") == "" {
		c["name"] = name
	}
	resources := child(c, "resources")
	dropEmpty(resources, "requests")
	limits := child(resources, "limits")
	for k, v := range map[string]string{"cpu": "1000m", "memory": "512Mi"} {
		if limits[k] == nil || limits[k] == "" {
			limits[k] = v
		}
	}
}

// ingressContainer is the container that requests go to: the only one, or the one with a port.
func ingressContainer(spec object) object {
	containers := objects(spec, "containers")
	if len(containers) == 1 {
		return containers[0]
	}
	for _, c := range containers {
		if len(items(c, "ports")) > 0 {
			return c
		}
	}
	return object{}
}

func ingressDefaults(c object, labels object) {
	if len(objects(c, "ports")) == 0 {
		c["ports"] = []any{object{}}
	}
	port := objects(c, "ports")[0]
	if text(port, "name") == "" {
		port["name"] = "http1"
	}
	if n, _ := number(port["containerPort"]); n == 0 {
		port["containerPort"] = 8080
	}
	probe, given := c["startupProbe"].(object)
	if !given {
		probe = object{"timeoutSeconds": 240, "periodSeconds": 240, "failureThreshold": 1, "tcpSocket": object{"port": port["containerPort"]}}
		c["startupProbe"] = probe
	}
	if labels[probeTypeLabel] == nil || !given {
		labels[probeTypeLabel] = probeType(probe)
	}
}

// probeType is how Cloud Run labels a startup probe: its own or the user's.
func probeType(probe object) string {
	own := object{"timeoutSeconds": 240, "periodSeconds": 240, "failureThreshold": 1}
	if same(without(probe, "tcpSocket", "successThreshold", "initialDelaySeconds"), own) && at(probe, "tcpSocket") != nil {
		return "Default"
	}
	return "Custom"
}

// stamp adds what only the server knows about a Service.
func (s *Server) stamp(c *call, sv *service, doc object) object {
	meta := at(doc, "metadata")
	for _, k := range serverFields {
		delete(meta, k)
	}
	meta["uid"] = sv.uid
	meta["creationTimestamp"] = s.timestamp(sv.created)
	if s.conf.cluster {
		meta["namespace"] = sv.project.id
		return doc
	}
	meta["namespace"] = sv.project.number
	meta["selfLink"] = "/apis/" + apiVersion + "/namespaces/" + sv.project.number + "/services/" + sv.key.name
	annotations := child(meta, "annotations")
	for _, k := range serverOwned {
		delete(annotations, k)
	}
	annotations[creatorAnnotation], annotations[modifierAnnotation] = caller, caller
	if creator := sv.annotation(creatorAnnotation); creator != "" {
		annotations[creatorAnnotation] = creator
	}
	annotations[ingressStatus] = annotations[ingressAnnotation]
	return doc
}

// unchanged reports whether a write asks for what is there already. Both
// documents have their defaults; the stored one is stamped in addition.
func (s *Server) unchanged(old *service, doc object) bool {
	return same(asked(old.comparable()), asked(doc))
}

// asked is a Service without what only the server sets.
func asked(doc object) object {
	doc = without(doc, "status")
	meta := without(at(doc, "metadata"), serverFields...)
	annotations := maps.Clone(at(meta, "annotations"))
	maps.DeleteFunc(annotations, func(k string, _ any) bool {
		for _, own := range serverOwned {
			if k == own {
				return true
			}
		}
		return false
	})
	meta["annotations"] = annotations
	doc["metadata"] = meta
	return doc
}

// milliCPU reads a quantity of CPUs such as "0.5", "500m" or "2".
func milliCPU(q string) int {
	if m, ok := strings.CutSuffix(q, "m"); ok {
		return atoi(m)
	}
	whole, fraction, _ := strings.Cut(q, ".")
	return atoi(whole)*1000 + atoi((fraction + "000")[:3])
}
