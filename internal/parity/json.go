package parity

import (
	"encoding/json"
	"fmt"
	"slices"
)

// prune returns a value without empty fields and elements.
func prune(x any) any {
	switch x := x.(type) {
	case Object:
		out := Object{}
		for key, value := range x {
			pruned := prune(value)
			if _, isObject := pruned.(Object); isEmpty(pruned) && !(isObject && slices.Contains(oneOfKinds, key)) {
				continue
			}
			out[key] = pruned
		}
		return out
	case []any:
		out := []any{}
		for _, value := range x {
			if pruned := prune(value); pruned == false || !isEmpty(pruned) {
				out = append(out, pruned)
			}
		}
		return out
	}
	return x
}

func isEmpty(x any) bool {
	switch x := x.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case bool:
		return !x
	case Object:
		return len(x) == 0
	case []any:
		return len(x) == 0
	}
	return false
}

// text returns a value as JSON with sorted keys.
func text(x any) string {
	raw, err := json.Marshal(x)
	if err != nil {
		return fmt.Sprint(x)
	}
	return string(raw)
}

// clone returns a deep copy of a value, with the types of decoded JSON.
func clone(x any) any {
	var copied any
	if json.Unmarshal([]byte(text(x)), &copied) != nil {
		return nil
	}
	return copied
}

func list(x any) []any {
	l, _ := x.([]any)
	return l
}

// object returns the object under a key. It adds an empty one if there is none.
func object(o Object, key string) Object {
	inner, ok := o[key].(Object)
	if !ok {
		inner = Object{}
		o[key] = inner
	}
	return inner
}

// oneOfKinds are the keys whose empty object has a meaning: it selects one of several kinds.
var oneOfKinds = []string{"emptyDir", "tcpSocket", "httpGet", "grpc", "secret", "csi", "nfs", "configMap", "secretKeyRef", "valueFrom"}

func nameOf(o Object) string {
	name, _ := object(o, "metadata")["name"].(string)
	return name
}
