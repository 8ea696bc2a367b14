package manifest

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/similar"
)

// Schema defines what an object may contain. Its paths are those of a Problem with
// [] for the position in a list: "spec.containers[].name".
type Schema struct {
	// Type decodes the object.
	Type reflect.Type
	// Constants are the fields that identify the kind of object, with their only valid values.
	Constants []Constant
	// Others are other values of the field kind, with what to say of such an object.
	Others map[string]string
	// Added are fields that Type lacks or has with another type, by path.
	Added map[string]reflect.Type
	// Lacks reports whether a field of Type, by path, is unknown all the same, and
	// LacksHint says what to do about one. Nil lacks nothing.
	Lacks     func(path string) bool
	LacksHint string
	// Hints say what to write instead of unknown fields that people often write.
	Hints map[string]string
	// Text lists the paths of strings that may be written as whole numbers without quotes.
	Text []string
	// Hides reports whether all values in a field of that name may be secret, and
	// HidesText whether a text itself may be. Messages do not show them. Nil hides nothing.
	Hides, HidesText func(string) bool
	// Dropped lists the paths of fields to leave out.
	Dropped []string
}

// Constant is a field at the top with only one valid value.
type Constant struct{ Field, Value string }

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// decodesItself reports whether a type has its own decoding from JSON.
func decodesItself(t reflect.Type) bool { return reflect.PointerTo(t).Implements(unmarshaler) }

// field returns the type of an object's field. It is nil if the field may hold any
// type. The second result reports whether the field is known.
func (s *Schema) field(t reflect.Type, in place, key string) (reflect.Type, bool) {
	if added, ok := s.Added[in.field(key).pattern]; ok && !strings.ContainsAny(key, ".[{") {
		return added, true
	}
	found, ok := structField(t, key)
	return found, ok && !s.lacks(in.field(key).pattern)
}

func (s *Schema) lacks(path string) bool {
	return s.Lacks != nil && s.Lacks(path)
}

func structField(t reflect.Type, key string) (found reflect.Type, ok bool) {
	eachField(t, func(name string, field reflect.Type) {
		if name == key && !ok {
			found, ok = field, true
		}
	})
	return found, ok
}

// eachField visits the fields of a struct by the rules of encoding/json.
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

// similar returns the known field that is most similar to an unknown one; "" if none is.
func (s *Schema) similar(t reflect.Type, in place, key string) string {
	var known []string
	eachField(t, func(name string, _ reflect.Type) {
		if !s.lacks(in.field(name).pattern) {
			known = append(known, name)
		}
	})
	for path := range s.Added {
		if name, ok := strings.CutPrefix(path, dotted(in.pattern, "")); ok && !strings.Contains(name, ".") {
			known = append(known, name)
		}
	}
	return similar.Name(key, known)
}
