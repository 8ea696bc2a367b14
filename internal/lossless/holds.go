package lossless

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// Holds reports whether the current object, now, contains everything that an edit
// changed from before to after: what it set has that value, and what it removed
// is absent. It ignores other differences, such as later changes and additions of
// the server. An empty before means that the object did not exist.
//
// With it, a caller finds out whether a write took effect when the response was lost.
func Holds(before, after, now []byte) bool {
	if len(bytes.TrimSpace(before)) == 0 {
		before = []byte("{}")
	}
	b, err := decode(before)
	if err != nil {
		return false
	}
	a, err := decode(after)
	if err != nil {
		return false
	}
	n, err := decode(now)
	return err == nil && holds(b, a, n)
}

func decode(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return v, d.Decode(&v)
}

func holds(before, after, now any) bool {
	if reflect.DeepEqual(before, after) {
		return true // not touched
	}
	switch after := after.(type) {
	case map[string]any:
		now, ok := now.(map[string]any)
		if !ok {
			return false
		}
		before, _ := before.(map[string]any)
		return holdsFields(before, after, now)
	case []any:
		now, ok := now.([]any)
		if !ok || len(now) != len(after) {
			return false
		}
		for i := range after {
			if !holds(nil, after[i], now[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(after, now)
}

func holdsFields(before, after, now map[string]any) bool {
	for key, value := range after {
		if !holds(before[key], value, now[key]) {
			return false
		}
	}
	for key := range before {
		_, stays := after[key]
		if _, still := now[key]; still && !stays {
			return false
		}
	}
	return true
}
