package parity

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

const (
	run         = "run.googleapis.com/"
	nonceLabel  = "client.knative.dev/nonce"
	secretsList = run + "secrets"
)

// Names that the server or the client sets by itself.
var (
	ownAnnotations = []string{run + "client-name", run + "client-version", run + "operation-id", run + "ingress-status", run + "urls",
		"serving.knative.dev/creator", "serving.knative.dev/lastModifier"}
	ownLabels     = []string{nonceLabel, "cloud.googleapis.com/location", run + "startupProbeType", run + "satisfiesPzs"}
	ownMetadata   = []string{"uid", "selfLink", "generation", "creationTimestamp", "managedFields", "ownerReferences"}
	generatedName = regexp.MustCompile(`^(.*-\d{5})-[a-z]{3}$`)
)

// normalService returns the normal form of a Service. Services of equal meaning
// have equal normal forms.
func normalService(service Object) any {
	s := clone(service).(Object)
	delete(s, "status")
	meta := object(s, "metadata")
	drop(meta, ownMetadata)
	delete(meta, "resourceVersion")
	if meta["namespace"] == Number {
		meta["namespace"] = Project
	}
	meta["annotations"] = normalAnnotations(meta["annotations"], nil)
	meta["labels"] = normalLabels(meta["labels"])
	spec := object(s, "spec")
	name, _ := meta["name"].(string)
	template := object(spec, "template")
	revision, canonical := normalTemplate(template, name)
	spec["traffic"] = normalTraffic(list(spec["traffic"]), revision, canonical)
	return prune(clone(s))
}

func drop(o Object, keys []string) {
	for _, key := range keys {
		delete(o, key)
	}
}

func normalTraffic(targets []any, revision, canonical string) []any {
	out := []any{}
	for _, t := range targets {
		target := t.(Object)
		if target["percent"] == 0.0 {
			delete(target, "percent")
		}
		if revision != "" && target["revisionName"] == revision {
			target["revisionName"] = canonical
		}
		out = append(out, prune(target))
	}
	if len(out) == 1 && text(out[0]) == `{"latestRevision":true,"percent":100}` {
		return []any{}
	}
	slices.SortFunc(out, func(a, b any) int { return strings.Compare(text(a), text(b)) })
	return out
}

func normalLabels(x any) Object {
	labels, _ := x.(Object)
	drop(labels, ownLabels)
	return labels
}

func normalAnnotations(x any, aliases map[string]string) Object {
	out := Object{}
	all, _ := x.(Object)
	for key, value := range all {
		v, _ := value.(string)
		switch {
		case v == "" || slices.Contains(ownAnnotations, key):
		case key == secretsList:
			out[key] = normalSecrets(v, aliases)
		default:
			out[key] = annotationValue(key, v)
		}
	}
	return out
}

func normalSecrets(v string, aliases map[string]string) Object {
	out := Object{}
	for _, pair := range strings.Split(v, ",") {
		alias, secret, _ := strings.Cut(pair, ":")
		if name, ok := aliases[alias]; ok {
			alias = name
		}
		out[alias] = secret
	}
	return out
}

func annotationValue(key, v string) any {
	if lower := strings.ToLower(v); lower == "true" || lower == "false" {
		return lower
	}
	if key == run+"cloudsql-instances" || key == run+"regions" {
		items := strings.Split(v, ",")
		slices.Sort(items)
		return Object{"unordered": items}
	}
	if !strings.HasPrefix(v, "[") && !strings.HasPrefix(v, "{") {
		return v
	}
	var decoded any
	if json.Unmarshal([]byte(v), &decoded) != nil {
		return v
	}
	if containers, ok := decoded.(Object); ok && key == run+"container-dependencies" {
		for _, on := range containers {
			slices.SortFunc(list(on), func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		}
	}
	return decoded
}

// secretAliases returns the secrets of other projects by their alias. Aliases are
// arbitrary, so the normal form has the secret instead.
func secretAliases(meta Object) map[string]string {
	aliases := map[string]string{}
	annotations, _ := meta["annotations"].(Object)
	all, _ := annotations[secretsList].(string)
	for _, pair := range strings.Split(all, ",") {
		if alias, secret, ok := strings.Cut(pair, ":"); ok {
			aliases[alias] = "remote:" + secret
		}
	}
	return aliases
}

// normalTemplate changes a template to its normal form. It returns the Revision's
// name and its name in the normal form.
func normalTemplate(t Object, service string) (revision, canonical string) {
	meta, spec := object(t, "metadata"), object(t, "spec")
	aliases := secretAliases(meta)
	meta["annotations"] = normalAnnotations(meta["annotations"], aliases)
	meta["labels"] = normalLabels(meta["labels"])
	drop(meta, append(slices.Clone(ownMetadata), "namespace"))
	revision, _ = meta["name"].(string)
	canonical = revision
	if m := generatedName.FindStringSubmatch(revision); m != nil {
		canonical = m[1] + "-<random>"
		meta["name"] = canonical
	}
	renamed := normalVolumes(spec, aliases)
	raw := list(spec["containers"])
	byName := Object{}
	for i, c := range raw {
		container := c.(Object)
		normalContainer(container, len(raw) == 1, service, aliases, renamed)
		name, named := container["name"].(string)
		if !named || name == "" {
			name = fmt.Sprintf("#%d", i)
		}
		byName[name] = container
	}
	spec["containers"] = byName
	return revision, canonical
}

// normalVolumes keys volumes by name, and secret volumes by content, because
// clients generate their names. It returns the new names by the old ones.
func normalVolumes(spec Object, aliases map[string]string) map[string]string {
	renamed, volumes := map[string]string{}, Object{}
	for _, v := range list(spec["volumes"]) {
		volume := v.(Object)
		name, _ := volume["name"].(string)
		delete(volume, "name")
		if secret, ok := volume["secret"].(Object); ok {
			rename(secret, "secretName", aliases)
			secret["items"] = byKey(list(secret["items"]), "path")
			renamed[name] = "secret:" + text(prune(volume))
		}
		if dir, ok := volume["emptyDir"].(Object); ok && dir["sizeLimit"] != nil {
			dir["sizeLimit"] = quantity(dir["sizeLimit"])
		}
		if to, ok := renamed[name]; ok {
			name = to
		}
		if _, ok := volumes[name]; !ok {
			volumes[name] = volume
		}
	}
	spec["volumes"] = volumes
	return renamed
}

// byKey keys objects by one of their values.
func byKey(items []any, key string) Object {
	out := Object{}
	for i, item := range items {
		o := item.(Object)
		name, _ := o[key].(string)
		delete(o, key)
		if _, taken := out[name]; taken {
			name = fmt.Sprintf("%s#%d", name, i)
		}
		o["present"] = true
		out[name] = o
	}
	return out
}

func rename(o Object, key string, names map[string]string) {
	if name, ok := o[key].(string); ok && names[name] != "" {
		o[key] = names[name]
	}
}

func normalContainer(c Object, only bool, service string, aliases, volumes map[string]string) {
	env := byKey(list(c["env"]), "name")
	for _, e := range env {
		variable := e.(Object)
		if from, ok := variable["valueFrom"].(Object); ok {
			rename(object(from, "secretKeyRef"), "name", aliases)
		}
	}
	c["env"] = env
	mounts := byKey(list(c["volumeMounts"]), "mountPath")
	for _, m := range mounts {
		rename(m.(Object), "name", volumes)
	}
	c["volumeMounts"] = mounts
	resources := object(c, "resources")
	for _, kind := range []string{"limits", "requests"} {
		for key, value := range object(resources, kind) {
			resources[kind].(Object)[key] = quantity(value)
		}
	}
	normalPorts(c, only)
	if only && c["name"] == service+"-1" {
		delete(c, "name")
	}
	for _, kind := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		if probe, ok := c[kind].(Object); ok && probe["initialDelaySeconds"] == 0.0 {
			delete(probe, "initialDelaySeconds")
		}
	}
}

func normalPorts(c Object, only bool) {
	ports := list(c["ports"])
	for _, p := range ports {
		port := p.(Object)
		if port["name"] == "http1" {
			delete(port, "name")
		}
		if port["protocol"] == "TCP" {
			delete(port, "protocol")
		}
	}
	if only && text(ports) == `[{"containerPort":8080}]` {
		delete(c, "ports")
	}
}

var (
	quantityRE = regexp.MustCompile(`^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$`)
	powers     = map[string]int{"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
	binary     = map[string]int{"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
)

// quantity returns the amount of a quantity, whatever its spelling. Other values
// are returned unchanged.
func quantity(v any) any {
	m := quantityRE.FindStringSubmatch(fmt.Sprint(v))
	if m == nil {
		return v
	}
	exponent := m[2]
	if exponent == "" {
		exponent = fmt.Sprint(powers[m[3]])
	}
	amount, ok := new(big.Rat).SetString(m[1] + "e" + exponent)
	if !ok {
		return v
	}
	if bits, ok := binary[m[3]]; ok {
		amount.Mul(amount, new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), uint(bits))))
	}
	return "quantity " + amount.RatString()
}
