package cloudruntest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// checker collects what is wrong in a Service. Its rules are Cloud Run's, which
// are not those of Knative's own validation.
type checker struct {
	name  string // of the Service
	wrong []fieldViolation
}

func (k *checker) fail(field, format string, args ...any) {
	k.wrong = append(k.wrong, fieldViolation{field, fmt.Sprintf(format, args...)})
}

// validate checks a Service as it was sent, before its defaults.
func validate(name string, doc object) []fieldViolation {
	k := &checker{name: name}
	k.shape("", doc, "metadata", "spec")
	spec := at(doc, "spec")
	k.shape("spec.", spec, "template", "traffic[]")
	template := at(spec, "template")
	k.shape("spec.template.", template, "metadata", "spec")
	k.shape("spec.template.spec.", at(template, "spec"), "containers[]", "volumes[]", "nodeSelector")
	if len(k.wrong) > 0 {
		return k.wrong // what has another shape cannot be looked into
	}
	k.serviceName()
	k.meta("metadata", at(doc, "metadata"))
	k.meta("spec.template.metadata", at(template, "metadata"))
	k.revisionName(text(at(template, "metadata"), "name"))
	k.scale(at(template, "metadata", "annotations"))
	k.ingress(at(doc, "metadata", "annotations"))
	k.revision(at(template, "spec"))
	k.traffic(objects(spec, "traffic"))
	return k.wrong
}

// shape checks that fields, if present, are objects, or lists of objects where the name ends in [].
func (k *checker) shape(path string, o object, fields ...string) {
	for _, f := range fields {
		f, isList := strings.CutSuffix(f, "[]")
		v, given := o[f]
		if !given || v == nil {
			continue
		}
		if !isList {
			if _, ok := v.(object); !ok {
				k.fail(path+f, "Invalid value: an object is expected.")
			}
			continue
		}
		if list, ok := v.([]any); !ok || len(objects(o, f)) != len(list) {
			k.fail(path+f, "Invalid value: a list of objects is expected.")
		}
	}
}

var (
	dnsLabel   = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	labelKey   = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValue = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
	systemKey  = regexp.MustCompile(`^([a-z0-9-]+\.)*(knative\.dev|googleapis\.com)/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
)

func (k *checker) serviceName() {
	switch {
	case k.name == "":
		k.fail("metadata.name", "Resource name must be provided.")
	case len(k.name) > 49 || !dnsLabel.MatchString(k.name):
		k.fail("metadata.name", "Invalid service name '%s': use only lowercase, digits, and hyphens; it must begin with a letter, "+
			"may not end with a hyphen, and must be less than 50 characters.", k.name)
	}
}

func (k *checker) revisionName(name string) {
	if name != "" && (!strings.HasPrefix(name, k.name+"-") || len(name) > 63 || !dnsLabel.MatchString(name)) {
		k.fail("spec.template.metadata.name", "Revision name '%s' must be prefixed by the service name '%s' and a hyphen, "+
			"use only lowercase, digits, and hyphens, and have at most 63 characters.", name, k.name)
	}
}

// meta checks labels and annotations.
func (k *checker) meta(path string, meta object) {
	for _, kind := range []string{"labels", "annotations"} {
		values, ok := meta[kind].(object)
		if meta[kind] != nil && !ok {
			k.fail(path+"."+kind, "Invalid value: an object is expected.")
		}
		for _, key := range sortedKeys(values) {
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
	if n := len(at(meta, "labels")); n > 64 {
		k.fail(path+".labels", "At most 64 labels are allowed, got %d.", n)
	}
}

func validLabel(key, value string) bool {
	return systemKey.MatchString(key) || labelKey.MatchString(key) && labelValue.MatchString(value)
}

func sortedKeys(o object) []string {
	keys := make([]string, 0, len(o))
	for key := range o {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// scale checks the numbers of instances of a Revision.
func (k *checker) scale(annotations object) {
	const path = "spec.template.metadata.annotations"
	bound := map[string]int{"minScale": 0, "maxScale": 1}
	value := map[string]int{}
	for _, key := range sortedKeys(object{"minScale": nil, "maxScale": nil}) {
		v, given := annotations["autoscaling.knative.dev/"+key].(string)
		if !given {
			continue
		}
		n, ok := integer(v)
		if !ok || n < bound[key] {
			k.fail(path+"[autoscaling.knative.dev/"+key+"]", "Invalid value '%s': an integer of at least %d is expected.", v, bound[key])
			continue
		}
		value[key] = n
	}
	if most, ok := value["maxScale"]; ok && value["minScale"] > most {
		k.fail(path, "autoscaling.knative.dev/minScale (%d) must not be larger than autoscaling.knative.dev/maxScale (%d).", value["minScale"], most)
	}
}

func (k *checker) ingress(annotations object) {
	v := text(annotations, ingressAnnotation)
	if !slices.Contains([]string{"", "all", "internal", "internal-and-cloud-load-balancing"}, v) {
		k.fail("metadata.annotations["+ingressAnnotation+"]", "Unsupported ingress value '%s'.", v)
	}
}

// traffic checks the split.
func (k *checker) traffic(list []object) {
	sum, tags := 0, map[string]bool{}
	for i, t := range list {
		path := fmt.Sprintf("spec.traffic[%d]", i)
		percent := k.number(path+".percent", t["percent"], 0, 100)
		sum += percent
		if text(t, "revisionName") != "" && truth(t["latestRevision"]) {
			k.fail(path, "Either revisionName or latestRevision must be set, not both.")
		}
		tag := text(t, "tag")
		switch {
		case tag == "":
		case !dnsLabel.MatchString(tag) || len(tag) > 63:
			k.fail(path+".tag", "Invalid tag '%s': use only lowercase, digits, and hyphens; it must begin with a letter.", tag)
		case len(tag)+len(k.name) > 46:
			k.fail(path+".tag", "Invalid tag '%s': with the name of the service it must be at most 46 characters long.", tag)
		case tags[tag]:
			k.fail(path+".tag", "The tag '%s' is used more than once.", tag)
		}
		tags[tag] = true
	}
	if len(list) > 0 && sum != 100 {
		k.fail("spec.traffic", "Traffic targets must sum to 100, got %d.", sum)
	}
}

// number checks an integer, which may also come as text, and returns it. What is absent is 0.
func (k *checker) number(path string, v any, least, most int) int {
	if v == nil {
		return 0
	}
	n, ok := number(v)
	if s, isText := v.(string); isText {
		var i int
		i, ok = integer(s)
		n = int64(i)
	}
	if !ok || n < int64(least) || n > int64(most) {
		k.fail(path, "Invalid value %v: an integer between %d and %d is expected.", v, least, most)
		return 0
	}
	return int(n)
}
