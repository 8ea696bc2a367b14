// Package rawjson reads and changes members of a JSON object whose other values
// keep their text: numbers keep their digits, and objects the order of their keys.
package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Object is a JSON object whose values are JSON text.
type Object map[string]json.RawMessage

// Parse reads an object.
func Parse(raw []byte) (Object, error) {
	var o Object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errors.New("null is not a JSON object")
	}
	return o, nil
}

// Object returns the object at the end of a path of members. It is empty if
// there is none; a change to it must be put back with [Object.SetObject].
func (o Object) Object(path ...string) Object {
	for _, key := range path {
		member, err := Parse(o[key])
		if err != nil {
			return Object{}
		}
		o = member
	}
	return o
}

// Text returns a member that is a string; "" if there is none.
func (o Object) Text(key string) (s string) {
	if json.Unmarshal(o[key], &s) != nil {
		return ""
	}
	return s
}

// SetText sets a member to a string.
func (o Object) SetText(key, value string) { o[key] = Encode(value) }

// SetObject sets a member to an object, or removes it if the object is empty.
func (o Object) SetObject(key string, member Object) {
	if len(member) == 0 {
		delete(o, key)
		return
	}
	o[key] = member.Encode()
}

// Remove removes members.
func (o Object) Remove(keys ...string) {
	for _, k := range keys {
		delete(o, k)
	}
}

// Encode returns the object as JSON text, its keys sorted.
func (o Object) Encode() []byte { return Encode(o) }

// Encode returns the JSON text of a value that always has one, with <, > and &
// as they are.
func Encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
