package cloudruntest

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"strconv"
	"strings"
)

// object is a JSON object. Objects that are stored are never changed, so that
// they can be shared; what changes is copied first.
type object = map[string]any

// decode reads a JSON object, keeping the spelling of numbers.
func decode(data []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var o object
	if err := d.Decode(&o); err != nil {
		return nil, err
	}
	return o, nil
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // decoded JSON always encodes
	return b.Bytes()
}

// clone copies a JSON value all the way down.
func clone[T any](v T) T {
	c, _ := cloneAny(v).(T)
	return c
}

func cloneAny(v any) any {
	switch v := v.(type) {
	case object:
		c := make(object, len(v))
		for k, e := range v {
			c[k] = cloneAny(e)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, e := range v {
			c[i] = cloneAny(e)
		}
		return c
	}
	return v
}

// at returns the object at a path, or nil, which can be read like an empty one.
func at(o object, path ...string) object {
	for _, k := range path {
		o, _ = o[k].(object)
	}
	return o
}

// child returns the object under a key, making it if there is none.
func child(o object, key string) object {
	c, ok := o[key].(object)
	if !ok {
		c = object{}
		o[key] = c
	}
	return c
}

func text(o object, key string) string {
	v, _ := o[key].(string)
	return v
}

func items(o object, key string) []any {
	v, _ := o[key].([]any)
	return v
}

// objects returns the objects of a list.
func objects(o object, key string) []object {
	var list []object
	for _, e := range items(o, key) {
		if e, ok := e.(object); ok {
			list = append(list, e)
		}
	}
	return list
}

// number reads an integer.
func number(v any) (int64, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := strconv.ParseInt(string(v), 10, 64)
		return n, err == nil
	case int64:
		return v, true
	case int:
		return int64(v), true
	}
	return 0, false
}

func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return strings.EqualFold(v, "true")
	}
	return false
}

func with(o object, key string, value any) object {
	c := maps.Clone(o)
	if c == nil {
		c = object{}
	}
	c[key] = value
	return c
}

func without(o object, keys ...string) object {
	c := maps.Clone(o)
	for _, k := range keys {
		delete(c, k)
	}
	return c
}

// same reports whether two JSON values mean the same: absent, null, false, 0
// and empty are alike, and so are the spellings of a number.
func same(a, b any) bool { return reflect.DeepEqual(meaning(a), meaning(b)) }

func meaning(v any) any {
	switch v := v.(type) {
	case object:
		m := object{}
		for k, e := range v {
			if e = meaning(e); e != nil {
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
