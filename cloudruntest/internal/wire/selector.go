package wire

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// selector reports whether labels match.
type selector func(labels tree.Object) bool

// parseSelector reads a Kubernetes label selector: k, !k, k=v, k==v, k!=v,
// k in (a,b) and k notin (a,b), joined by commas.
func parseSelector(s string) (selector, *apierror.Error) {
	var all []selector
	for _, part := range splitSelector(s) {
		one, ok := parseRequirement(part)
		if !ok {
			return nil, apierror.Invalid("unable to parse requirement: %q is not a label selector", part)
		}
		all = append(all, one)
	}
	return func(labels tree.Object) bool {
		return !slices.ContainsFunc(all, func(one selector) bool { return !one(labels) })
	}, nil
}

// splitSelector splits at the commas outside of parentheses.
func splitSelector(s string) []string {
	var parts []string
	depth, start := 0, 0
	for i, r := range s {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	if rest := s[start:]; strings.TrimSpace(rest) != "" || len(parts) > 0 {
		parts = append(parts, rest)
	}
	return parts
}

func parseRequirement(s string) (selector, bool) {
	const name = `([A-Za-z0-9][-A-Za-z0-9_./]*)`
	const value = `([-A-Za-z0-9_.]*)`
	if m := match(`(!?)\s*`+name, s); m != nil {
		key, want := m[2], m[1] == ""
		return func(l tree.Object) bool { _, ok := l[key]; return ok == want }, true
	}
	if m := match(name+`\s*(=|==|!=)\s*`+value, s); m != nil {
		key, want, v := m[1], m[2] != "!=", m[3]
		return func(l tree.Object) bool { got, ok := l[key]; return (ok && got == any(v)) == want }, true
	}
	if m := match(name+`\s+(in|notin)\s*\(([^()]*)\)`, s); m != nil {
		key, want, values := m[1], m[2] == "in", strings.Split(m[3], ",")
		for i := range values {
			values[i] = strings.TrimSpace(values[i])
		}
		return func(l tree.Object) bool {
			got, ok := l[key].(string)
			return (ok && slices.Contains(values, got)) == want
		}, true
	}
	return nil, false
}

func match(pattern, s string) []string {
	return regexp.MustCompile(`^\s*` + pattern + `\s*$`).FindStringSubmatch(s)
}

// parseFieldSelector reads a field selector of metadata.name and metadata.namespace.
func parseFieldSelector(s string) (selector, *apierror.Error) {
	for _, part := range strings.Split(s, ",") {
		if field, _, _ := strings.Cut(part, "="); s != "" && strings.TrimSuffix(field, "!") != "metadata.name" && strings.TrimSuffix(field, "!") != "metadata.namespace" {
			return nil, apierror.Invalid("field label not supported: %s", field)
		}
	}
	return parseSelector(s)
}

// fieldsOf returns what a field selector selects by.
func fieldsOf(meta tree.Object) tree.Object {
	return tree.Object{"metadata.name": meta["name"], "metadata.namespace": meta["namespace"]}
}
