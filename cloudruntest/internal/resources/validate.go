package resources

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// violations checks a Service as the caller sent it, without defaults.
func violations(name string, doc tree.Object) []apierror.Violation {
	k := &checker{name: name}
	k.shape("", doc, "metadata", "spec")
	spec := tree.At(doc, "spec")
	k.shape("spec.", spec, "template", "traffic[]")
	template := tree.At(spec, "template")
	k.shape("spec.template.", template, "metadata", "spec")
	k.shape("spec.template.spec.", tree.At(template, "spec"), "containers[]", "volumes[]", "nodeSelector")
	if len(k.wrong) > 0 {
		return k.wrong // the fields inside cannot be checked
	}
	k.serviceName()
	k.meta("metadata", tree.At(doc, "metadata"))
	k.meta("spec.template.metadata", tree.At(template, "metadata"))
	k.revisionName(tree.Text(tree.At(template, "metadata"), "name"))
	k.scale(tree.At(template, "metadata", "annotations"))
	k.ingress(tree.At(doc, "metadata", "annotations"))
	k.revision("spec.template.spec", tree.At(template, "spec"))
	k.traffic(tree.Objects(spec, "traffic"))
	return k.wrong
}

func (k *checker) serviceName() {
	switch {
	case k.name == "":
		k.fail("metadata.name", "Resource name must be provided.")
	case len(k.name) > 49 || !isDNSLabel(k.name):
		k.fail("metadata.name", "Invalid service name '%s': use only lowercase, digits, and hyphens; it must begin with a letter, "+
			"may not end with a hyphen, and must be less than 50 characters.", k.name)
	}
}

func (k *checker) revisionName(name string) {
	if name != "" && (!strings.HasPrefix(name, k.name+"-") || len(name) > 63 || !isDNSLabel(name)) {
		k.fail("spec.template.metadata.name", "Revision name '%s' must be prefixed by the service name '%s' and a hyphen, "+
			"use only lowercase, digits, and hyphens, and have at most 63 characters.", name, k.name)
	}
}

// meta checks labels and annotations.
func (k *checker) meta(path string, meta tree.Object) {
	for _, kind := range []string{"labels", "annotations"} {
		values, ok := meta[kind].(tree.Object)
		if meta[kind] != nil && !ok {
			k.fail(path+"."+kind, "Invalid value: an object is expected.")
		}
		for _, key := range tree.SortedKeys(values) {
			v, isText := values[key].(string)
			switch {
			case !isText:
				k.fail(path+"."+kind+"["+key+"]", "Invalid value: a string is expected.")
			case kind == "labels" && !validLabel(key, v):
				k.fail(path+".labels", "The label '%s: %s' is not valid: keys and values may have lowercase letters, digits, "+
					"underscores and hyphens, keys begin with a letter, and both have at most 63 characters.", key, v)
			}
		}
	}
	if n := len(tree.At(meta, "labels")); n > 64 {
		k.fail(path+".labels", "At most 64 labels are allowed, got %d.", n)
	}
}

// scale checks the minimum and maximum instances of a Revision.
func (k *checker) scale(annotations tree.Object) {
	const path = "spec.template.metadata.annotations"
	bound := map[string]int{"minScale": 0, "maxScale": 1}
	value := map[string]int{}
	for _, key := range []string{"maxScale", "minScale"} {
		v, given := annotations["autoscaling.knative.dev/"+key].(string)
		if !given {
			continue
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < bound[key] {
			k.fail(path+"[autoscaling.knative.dev/"+key+"]", "Invalid value '%s': an integer of at least %d is expected.", v, bound[key])
			continue
		}
		value[key] = n
	}
	if most, ok := value["maxScale"]; ok && value["minScale"] > most {
		k.fail(path, "autoscaling.knative.dev/minScale (%d) must not be larger than autoscaling.knative.dev/maxScale (%d).", value["minScale"], most)
	}
}

func (k *checker) ingress(annotations tree.Object) {
	v := tree.Text(annotations, IngressAnnotation)
	if !slices.Contains([]string{"", "all", "internal", "internal-and-cloud-load-balancing"}, v) {
		k.fail("metadata.annotations["+IngressAnnotation+"]", "Unsupported ingress value '%s'.", v)
	}
}

// revision checks the spec of a Revision.
func (k *checker) revision(path string, spec tree.Object) {
	k.number(path+".containerConcurrency", spec["containerConcurrency"], 1000)
	k.number(path+".timeoutSeconds", spec["timeoutSeconds"], 3600)
	k.workload(path, spec)
}
