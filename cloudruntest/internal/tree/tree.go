// Package tree reads and edits JSON documents as generic trees, so that fields
// the server does not know are preserved.
package tree

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Object is a JSON object. Stored Objects are immutable, so that they can be
// shared. Copy one before changing it.
type Object = map[string]any

// Decode reads a JSON object. Numbers keep their spelling.
func Decode(data []byte) (Object, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var o Object
	if err := d.Decode(&o); err != nil {
		return nil, err
	}
	return o, nil
}

// Encode writes a JSON value, followed by a line break.
func Encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // decoded JSON always encodes
	return b.Bytes()
}

// Clone returns a deep copy of a JSON value.
func Clone[T any](v T) T {
	c, _ := cloneAny(v).(T)
	return c
}

func cloneAny(v any) any {
	switch v := v.(type) {
	case Object:
		c := make(Object, len(v))
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

// At returns the object at a path, or nil, which reads like an empty one.
func At(o Object, path ...string) Object {
	for _, k := range path {
		o, _ = o[k].(Object)
	}
	return o
}

// Child returns the object under a key. It adds an empty one if there is none.
func Child(o Object, key string) Object {
	c, ok := o[key].(Object)
	if !ok {
		c = Object{}
		o[key] = c
	}
	return c
}

// Text returns the string under a key, or "".
func Text(o Object, key string) string {
	v, _ := o[key].(string)
	return v
}

// Items returns the list under a key, or nil.
func Items(o Object, key string) []any {
	v, _ := o[key].([]any)
	return v
}

// Objects returns the objects of the list under a key.
func Objects(o Object, key string) []Object { return elements[Object](o, key) }

// Texts returns the strings of the list under a key.
func Texts(o Object, key string) []string { return elements[string](o, key) }

func elements[T any](o Object, key string) []T {
	var list []T
	for _, e := range Items(o, key) {
		if e, ok := e.(T); ok {
			list = append(list, e)
		}
	}
	return list
}

// Number reads an integer.
func Number(v any) (int64, bool) {
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

// Truth reads a bool, which may be spelled as a string.
func Truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return strings.EqualFold(v, "true")
	}
	return false
}

// SortedKeys returns the keys of an object in alphabetical order.
func SortedKeys(o Object) []string { return slices.Sorted(maps.Keys(o)) }

// With returns a shallow copy of an object with a key set.
func With(o Object, key string, value any) Object {
	c := maps.Clone(o)
	if c == nil {
		c = Object{}
	}
	c[key] = value
	return c
}

// Without returns a shallow copy of an object without some keys.
func Without(o Object, keys ...string) Object {
	c := maps.Clone(o)
	for _, k := range keys {
		delete(c, k)
	}
	return c
}

// Merge returns an object with a JSON merge patch (RFC 7386) applied. It changes
// neither of them.
func Merge(o, patch Object) Object {
	merged := Object{}
	maps.Copy(merged, o)
	for key, value := range patch {
		inner, isObject := value.(Object)
		switch {
		case value == nil:
			delete(merged, key)
		case isObject:
			merged[key] = Merge(At(o, key), inner)
		default:
			merged[key] = value
		}
	}
	return merged
}

// SetIfAbsent sets a key that is absent or null.
func SetIfAbsent(o Object, key string, value any) {
	if o[key] == nil {
		o[key] = value
	}
}
