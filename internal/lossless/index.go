package lossless

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// document is a JSON text and an index of its values, in the order of their starts.
type document struct {
	text  []byte
	nodes []node
}

// node is the position of a value, or of the name of a member.
type node struct {
	start, end int32 // in the text
	next       int32 // the first node after this one and its descendants
}

// value is a value of a document. The zero value is that of a missing member, and
// equivalent to null.
type value struct {
	doc *document
	at  int
}

// member is a member of an object. Its key is the decoded name.
type member struct {
	key         string
	name, value value
}

func (v value) exists() bool { return v.doc != nil }

func (v value) text() []byte {
	if !v.exists() {
		return []byte("null")
	}
	n := v.doc.nodes[v.at]
	return v.doc.text[n.start:n.end]
}

// kind returns the first byte of the text, which determines the type of the value.
func (v value) kind() byte { return v.text()[0] }

func (v value) isObject() bool { return v.kind() == '{' }
func (v value) isArray() bool  { return v.kind() == '[' }
func (v value) isNull() bool   { return v.kind() == 'n' }

// after returns the value that follows v and its descendants.
func (v value) after() value { return value{v.doc, int(v.doc.nodes[v.at].next)} }

// first returns the first element or name of an array or object, if it has one.
func (v value) first() value { return value{v.doc, v.at + 1} }

// children returns the number of elements of an array, or of names and values of an object.
func (v value) children() int {
	n := 0
	for child := v.first(); child.at < v.after().at; child = child.after() {
		n++
	}
	return n
}

// items returns the elements of an array, and none for other values.
func (v value) items() []value {
	if !v.isArray() {
		return nil
	}
	items := make([]value, 0, v.children())
	for item := v.first(); item.at < v.after().at; item = item.after() {
		items = append(items, item)
	}
	return items
}

// members returns the members of an object, and none for other values.
func (v value) members() []member {
	if !v.isObject() {
		return nil
	}
	members := make([]member, 0, v.children()/2)
	for name := v.first(); name.at < v.after().at; name = name.after().after() {
		members = append(members, member{key: name.decoded(), name: name, value: name.after()})
	}
	return members
}

// field returns the value of an object's member.
func (v value) field(key string) value {
	if !v.isObject() {
		return value{}
	}
	for name := v.first(); name.at < v.after().at; name = name.after().after() {
		if name.decoded() == key {
			return name.after()
		}
	}
	return value{}
}

// fields finds the members of an object by their keys.
type fields struct {
	members []member
	byKey   map[string]value // nil if there are few
}

// fewMembers is the number up to which looking at each is faster than an index.
const fewMembers = 12

// index indexes members. It fails on a duplicate key, which is ambiguous.
func index(members []member) (fields, error) {
	f := fields{members: members}
	if len(members) > fewMembers {
		f.byKey = make(map[string]value, len(members))
	}
	for i, m := range members {
		seen := fields{members: members[:i], byKey: f.byKey}
		if _, twice := seen.get(m.key); twice {
			return fields{}, fmt.Errorf("an object has the key %q twice", m.key)
		}
		if f.byKey != nil {
			f.byKey[m.key] = m.value
		}
	}
	return f, nil
}

// get returns the value of a member, and whether there is one.
func (f fields) get(key string) (value, bool) {
	if f.byKey != nil {
		v, ok := f.byKey[key]
		return v, ok
	}
	for _, m := range f.members {
		if m.key == key {
			return m.value, true
		}
	}
	return value{}, false
}

// field returns the value of a member; that of a missing one if there is none.
func (f fields) field(key string) value {
	v, _ := f.get(key)
	return v
}

// decoded returns the decoded string, as encoding/json does.
func (v value) decoded() string {
	text := v.text()
	inner := text[1 : len(text)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(text, &s) // never fails: the parser accepted the text
	return s
}
