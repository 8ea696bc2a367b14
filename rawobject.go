package cloudrun

import (
	"bytes"
	"encoding/json"
)

// rawObject is a JSON object whose values keep their text.
type rawObject map[string]json.RawMessage

func parseRawObject(raw []byte) (rawObject, error) {
	var o rawObject
	err := json.Unmarshal(raw, &o)
	return o, err
}

// object gives a member that is an object; an empty one if there is none.
func (o rawObject) object(key string) rawObject {
	if m, err := parseRawObject(o[key]); err == nil && m != nil {
		return m
	}
	return rawObject{}
}

// text gives a member that is a string; "" if there is none.
func (o rawObject) text(key string) (s string) {
	if json.Unmarshal(o[key], &s) != nil {
		return ""
	}
	return s
}

// setText sets a member to a string.
func (o rawObject) setText(key, value string) { o[key] = encodeRaw(value) }

// setObject sets a member to an object; an empty one is left out.
func (o rawObject) setObject(key string, m rawObject) {
	if len(m) == 0 {
		delete(o, key)
		return
	}
	o[key] = m.encode()
}

// without deletes members.
func (o rawObject) without(keys ...string) {
	for _, k := range keys {
		delete(o, k)
	}
}

func (o rawObject) encode() []byte { return encodeRaw(o) }

// encodeRaw encodes what always has an encoding, and leaves <, > and & readable.
func encodeRaw(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
