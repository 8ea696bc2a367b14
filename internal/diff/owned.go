package diff

import (
	"slices"
	"strings"
)

// meaningful gives a decoded value without what says nothing of the Service's
// configuration: nulls and empty lists, which are as good as absent, and what
// the server or the client that wrote it puts there on its own account.
func meaningful(p Path, v any) any {
	switch v := v.(type) {
	case map[string]any:
		kept := make(map[string]any, len(v))
		for name, member := range v {
			list, isList := member.([]any)
			if member == nil || isList && len(list) == 0 || owned(p, name) {
				continue
			}
			kept[name] = meaningful(p.Member(name), member)
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, element := range v {
			kept[i] = meaningful(p.Element(""), element)
			if variable, ok := kept[i].(map[string]any); ok && p.last() == "env" && variable["value"] == nil && variable["valueFrom"] == nil {
				variable["value"] = "" // as it has without one
			}
		}
		return kept
	}
	return v
}

// owned reports whether a member is not for users to decide.
func owned(p Path, name string) bool {
	switch {
	case len(p) == 0:
		return slices.Contains([]string{"apiVersion", "kind", "status"}, name)
	case p.is("metadata"):
		return serverField(name) || name == "name" || name == "namespace"
	case p.is("spec", "template", "metadata"):
		return serverField(name)
	case p.is("metadata", "annotations"), p.is("metadata", "labels"),
		p.is("spec", "template", "metadata", "annotations"), p.is("spec", "template", "metadata", "labels"):
		return serverMark(name)
	}
	return false
}

// serverField reports whether a field of metadata is the server's alone.
func serverField(name string) bool {
	return slices.Contains([]string{"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation",
		"managedFields", "resourceVersion", "selfLink", "uid"}, name)
}

// serverMark reports whether an annotation or label is set by the server, or
// tells who wrote the Service and by what program.
func serverMark(key string) bool {
	group, name, _ := strings.Cut(key, "/")
	switch group {
	case "client.knative.dev": // nonce, user-image
		return true
	case "serving.knative.dev":
		return name == "creator" || name == "lastModifier"
	case "run.googleapis.com":
		return strings.HasPrefix(name, "build-") || slices.Contains([]string{"client-name", "client-version", "creatorEmail",
			"ingress-status", "lastModifierEmail", "operation-id", "satisfiesPzs", "startupProbeType", "urls"}, name)
	}
	return key == "cloud.googleapis.com/location"
}
