package parity

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Compare returns how the writes of two clients differ in meaning. It ignores
// reads, the order of keys and of named elements, empty values, the spelling of
// booleans, quantities and JSON in annotations, names that clients generate, and
// the fields that the server owns.
func Compare(want, got []Request) []string {
	var out []string
	want, got = writes(want), writes(got)
	for i := range max(len(want), len(got)) {
		at := fmt.Sprintf("request[%d]", i)
		switch {
		case i >= len(got):
			out = append(out, fmt.Sprintf("%s: missing: %s %s", at, want[i].Method, want[i].Path))
		case i >= len(want):
			out = append(out, fmt.Sprintf("%s: unexpected: %s %s", at, got[i].Method, got[i].Path))
		default:
			out = diff(normalRequest(want[i]), normalRequest(got[i]), at, out)
		}
	}
	return out
}

// CompareServices returns how two Services differ in meaning.
func CompareServices(want, got Object) []string {
	return diff(normalService(want), normalService(got), "service", nil)
}

var harmlessPost = regexp.MustCompile(`:(testIamPermissions|getIamPolicy|wait)$`)

// writes returns the requests that may change the state.
func writes(requests []Request) []Request {
	return slices.DeleteFunc(slices.Clone(requests), func(r Request) bool {
		return r.Method == "GET" || r.Method == "CONNECT" || r.Method == "POST" && harmlessPost.MatchString(r.Path)
	})
}

var projectNumber = regexp.MustCompile(`(namespaces|projects)/` + Number + `(/|$)`)

func normalRequest(r Request) Object {
	body := clone(r.Body)
	service, isService := body.(Object)
	switch {
	case strings.HasSuffix(r.Path, ":setIamPolicy") && isService:
		body = normalPolicy(service)
	case isService && service["kind"] == "Service":
		body = normalService(service)
	default:
		body = prune(body)
	}
	query := Object{}
	for key, value := range r.Query {
		if key != "alt" && key != "prettyPrint" {
			query[key] = value
		}
	}
	path := projectNumber.ReplaceAllString(r.Path, "${1}/"+Project+"${2}")
	return Object{"method": r.Method, "host": r.Host, "path": path, "query": query, "body": body}
}

// normalPolicy merges bindings of the same role and condition.
func normalPolicy(body Object) any {
	p, _ := body["policy"].(Object)
	members := map[string][]string{}
	for _, b := range list(p["bindings"]) {
		binding := b.(Object)
		key, _ := binding["role"].(string)
		if binding["condition"] != nil {
			key += "|" + text(prune(binding["condition"]))
		}
		for _, m := range list(binding["members"]) {
			members[key] = append(members[key], m.(string))
		}
	}
	bindings := Object{}
	for key, all := range members {
		slices.Sort(all)
		bindings[key] = slices.Compact(all)
	}
	if p != nil {
		p["bindings"] = bindings
	}
	return prune(clone(body))
}

func diff(want, got any, at string, out []string) []string {
	wantObject, isObject := want.(Object)
	gotObject, areObjects := got.(Object)
	if isObject && areObjects {
		return diffObjects(wantObject, gotObject, at, out)
	}
	wantList, isList := want.([]any)
	gotList, areLists := got.([]any)
	if isList && areLists && len(wantList) == len(gotList) {
		for i := range wantList {
			out = diff(wantList[i], gotList[i], fmt.Sprintf("%s[%d]", at, i), out)
		}
		return out
	}
	if !reflect.DeepEqual(want, got) {
		out = append(out, fmt.Sprintf("%s: want %s, got %s", at, text(want), text(got)))
	}
	return out
}

func diffObjects(want, got Object, at string, out []string) []string {
	keys := slices.Sorted(maps.Keys(want))
	for key := range got {
		if _, ok := want[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		w, wanted := want[key]
		g, there := got[key]
		switch {
		case !there:
			out = append(out, fmt.Sprintf("%s.%s: missing: %s", at, key, text(w)))
		case !wanted:
			out = append(out, fmt.Sprintf("%s.%s: unexpected: %s", at, key, text(g)))
		default:
			out = diff(w, g, at+"."+key, out)
		}
	}
	return out
}
