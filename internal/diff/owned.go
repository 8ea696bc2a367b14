package diff

import (
	"slices"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
)

// meaningful returns a decoded value without what is not part of the
// configuration: nulls and empty lists, which are equivalent to absent ones, and
// what the server or the writing client sets on its own.
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
				variable["value"] = "" // the default
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
		return configuration.ServerField(name) || name == "name" || name == "namespace"
	case p.is("spec", "template", "metadata"):
		return configuration.ServerField(name)
	case p.is("metadata", "annotations"), p.is("metadata", "labels"),
		p.is("spec", "template", "metadata", "annotations"), p.is("spec", "template", "metadata", "labels"):
		return configuration.ServerMark(name)
	}
	return false
}
