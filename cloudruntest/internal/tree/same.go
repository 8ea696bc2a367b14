package tree

import (
	"encoding/json"
	"reflect"
)

// optional is the field of a Service in which false is not the same as absent.
const optional = "enableServiceLinks"

// Same reports whether two JSON values have the same meaning. Absent, null,
// false, 0 and empty are equal, and so are different spellings of a number. Only
// in the field enableServiceLinks false differs from absent.
func Same(a, b any) bool { return reflect.DeepEqual(meaning(a), meaning(b)) }

// Blank reports whether a JSON value means the same as an absent one.
func Blank(v any) bool { return meaning(v) == nil }

// DropEmpty removes keys whose values mean the same as an absent one.
func DropEmpty(o Object, keys ...string) {
	for _, k := range keys {
		if Blank(o[k]) {
			delete(o, k)
		}
	}
}

func meaning(v any) any {
	switch v := v.(type) {
	case Object:
		m := Object{}
		for k, e := range v {
			if m[k] = meaning(e); m[k] == nil {
				delete(m, k)
			}
			if e == false && k == optional {
				m[k] = e
			}
		}
		if len(m) == 0 {
			return nil
		}
		return m
	case []any:
		if len(v) == 0 {
			return nil
		}
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = meaning(e)
		}
		return l
	}
	return scalarMeaning(v)
}

func scalarMeaning(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, _ := v.Float64()
		return scalarMeaning(f)
	case int:
		return scalarMeaning(float64(v))
	case int64:
		return scalarMeaning(float64(v))
	case float64:
		if v == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}
