package manifest

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/similar"
)

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
