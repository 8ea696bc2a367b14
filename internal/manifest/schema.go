package manifest

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/similar"
)

// Schema says what an object may have in it. In its keys, a path is that of a
// Problem with [] for the place in a list: "spec.containers[].name".
type Schema struct {
	// Type decodes the object.
	Type reflect.Type
	// Constants are the fields that tell what the object is, with their only right values.
	Constants []Constant
	// Added are fields that Type lacks, by path.
	Added map[string]reflect.Type
	// Hints say of fields that are often written, and unknown, what to write instead.
	Hints map[string]string
	// Text are the paths of strings that may be written as whole numbers without quotes.
	Text []string
	// Hidden ends the paths of strings that may be secrets, so that messages do not show them.
	Hidden string
	// Dropped are the paths of fields that are left out, whatever they hold.
	Dropped []string
}

// Constant is a field at the top that has but one right value.
type Constant struct{ Field, Value string }

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// decodesItself reports whether a type has its own idea of its JSON.
func decodesItself(t reflect.Type) bool { return reflect.PointerTo(t).Implements(unmarshaler) }

// field finds the type of an object's field; nil with true for one that may hold anything.
func (s *Schema) field(t reflect.Type, in place, key string) (reflect.Type, bool) {
	if added, ok := s.Added[in.field(key).pattern]; ok && !strings.ContainsAny(key, ".[{") {
		return added, true
	}
	return structField(t, key)
}

func structField(t reflect.Type, key string) (found reflect.Type, ok bool) {
	eachField(t, func(name string, field reflect.Type) {
		if name == key && !ok {
			found, ok = field, true
		}
	})
	return found, ok
}

// eachField visits the fields of a struct as encoding/json sees them.
func eachField(t reflect.Type, visit func(name string, field reflect.Type)) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case name == "" && f.Anonymous && element(f.Type).Kind() == reflect.Struct:
			eachField(element(f.Type), visit)
		case name == "":
			visit(f.Name, f.Type)
		default:
			visit(name, f.Type)
		}
	}
}

func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// similar finds the known field that an unknown one probably was to be; "" if there is none.
func (s *Schema) similar(t reflect.Type, in place, key string) string {
	var known []string
	eachField(t, func(name string, _ reflect.Type) { known = append(known, name) })
	for path := range s.Added {
		if name, ok := strings.CutPrefix(path, dotted(in.pattern, "")); ok && !strings.Contains(name, ".") {
			known = append(known, name)
		}
	}
	return similar.Name(key, known)
}
