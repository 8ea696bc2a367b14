package spec

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/manifest"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// SetAnnotation sets an annotation, or removes it if the value is empty. It
// keeps a value that means the same in another spelling: "true" for "True", JSON
// with other blanks, or YAML for JSON.
func SetAnnotation(m *metav1.ObjectMeta, key, value string) {
	if value == "" {
		delete(m.Annotations, key)
		return
	}
	if old, ok := m.Annotations[key]; ok && sameAnnotation(old, value) {
		return
	}
	PutAnnotation(m, key, value)
}

// PutAnnotation sets an annotation to exactly that value, which may be empty.
func PutAnnotation(m *metav1.ObjectMeta, key, value string) {
	if m.Annotations == nil {
		m.Annotations = map[string]string{}
	}
	m.Annotations[key] = value
}

func sameAnnotation(a, b string) bool {
	if isBool(a) && isBool(b) {
		return strings.EqualFold(a, b)
	}
	if !strings.HasPrefix(a, "[") && !strings.HasPrefix(a, "{") {
		return a == b
	}
	var x, y any
	if decode(a, &x) != nil || decode(b, &y) != nil {
		return a == b
	}
	return reflect.DeepEqual(x, y)
}

// decode reads JSON, or YAML: Cloud Run also accepts {app: [collector]}.
func decode(text string, into any) error {
	err := json.Unmarshal([]byte(text), into)
	if err == nil {
		return nil
	}
	if raw, ok := manifest.Value(text); ok {
		return json.Unmarshal(raw, into)
	}
	return err
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

// Bool spells a boolean as gcloud does in most annotations.
func Bool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// OnlyTrue spells a boolean for annotations that are "true" or absent.
func OnlyTrue(b bool) string {
	if b {
		return "true"
	}
	return ""
}

// ReadJSON decodes an annotation that holds JSON, perhaps in the spelling of YAML.
// It keeps the value of into if the annotation is absent or empty.
func ReadJSON(m *metav1.ObjectMeta, key string, into any) error {
	text := m.Annotations[key]
	if text == "" {
		return nil
	}
	if err := decode(text, into); err != nil {
		return fmt.Errorf("the annotation %q of the service cannot be read: %s", key, safetext.Line(err.Error(), 200))
	}
	return nil
}

// WriteJSON sets an annotation to JSON, or removes it if the value is empty.
func WriteJSON(m *metav1.ObjectMeta, key string, v any, empty bool) error {
	if empty {
		SetAnnotation(m, key, "")
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	SetAnnotation(m, key, string(text))
	return nil
}
