package spec_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

func TestSetAnnotation(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ was, value, want string }{
		"another value":            {"a", "b", "b"},
		"another boolean":          {"true", "False", "False"},
		"another spelling":         {"true", "True", "true"},
		"the same JSON":            {`[ 1, {"a": 2} ]`, `[1,{"a":2}]`, `[ 1, {"a": 2} ]`},
		"other JSON":               {`[1]`, `[2]`, `[2]`},
		"no JSON after all":        {`[x`, `[y`, `[y`},
		"numbers are not booleans": {"1", "true", "true"},
	} {
		m := metav1.ObjectMeta{Annotations: map[string]string{"k": tc.was}}
		spec.SetAnnotation(&m, "k", tc.value)
		require.Equal(t, tc.want, m.Annotations["k"], name)
		spec.SetAnnotation(&m, "k", "")
		require.NotContains(t, m.Annotations, "k", name)
		spec.PutAnnotation(&m, "k", "")
		require.Contains(t, m.Annotations, "k", name)
	}
	var m metav1.ObjectMeta
	spec.SetAnnotation(&m, "k", "")
	require.Nil(t, m.Annotations)
	spec.SetAnnotation(&m, "k", "v")
	require.Equal(t, map[string]string{"k": "v"}, m.Annotations)
}

func TestAnnotations(t *testing.T) {
	t.Parallel()
	const both = `{"meta": {"annotations": {"a": "1", "b": "2"}}, "template": {"annotations": {"a": "1", "b": "2"}}}`
	testEdits(t, map[string]edit{
		"of the resource":    {"", each(spec.AnnotateResource("A", "k", "v", nil)), `{"meta": {"annotations": {"k": "v"}}}`, ""},
		"of the template":    {"", each(spec.AnnotateTemplate("A", "k", "v", nil)), `{"template": {"annotations": {"k": "v"}}}`, ""},
		"empty, as it is":    {"", each(spec.AnnotateResourceAsIs("A", "k", "", nil), spec.AnnotateTemplateAsIs("B", "k", "", nil)), `{"meta": {"annotations": {"k": ""}}, "template": {"annotations": {"k": ""}}}`, ""},
		"several":            {both, each(spec.AnnotateResourceWith("A", map[string]string{"a": "", "c": "3"}, nil)), `{"meta": {"annotations": {"b": "2", "c": "3"}}, "template": {"annotations": {"a": "1", "b": "2"}}}`, ""},
		"removed":            {both, all(spec.WithoutResourceAnnotations("A", []string{"a", "x"}), spec.WithoutTemplateAnnotations("B", []string{"b"})), `{"meta": {"annotations": {"b": "2"}}, "template": {"annotations": {"a": "1"}}}`, ""},
		"cleared":            {both, spec.ClearTemplate("A", "a", "b"), `{"meta": {"annotations": {"a": "1", "b": "2"}}, "template": {"annotations": {}}}`, ""},
		"described":          {"", each(spec.Describe("D", "x")), `{"meta": {"annotations": {"run.googleapis.com/description": "x"}}}`, ""},
		"described by none":  {"", each(spec.Describe("D", "")), `{}`, ""},
		"no longer":          {`{"meta": {"annotations": {"run.googleapis.com/description": "x"}}}`, each(spec.Describe("D", "")), `{"meta": {"annotations": {"run.googleapis.com/description": ""}}}`, ""},
		"no key":             {"", all(spec.WithoutResourceAnnotations("A", []string{""})), "", "the key is empty"},
		"two values":         {"", each(spec.AnnotateResource("A", "k", "v", nil), spec.AnnotateResourceWith("B", map[string]string{"k": "w", "l": ""}, nil)), "", `both decide the annotation "k"`},
		"resource, template": {"", each(spec.AnnotateResource("A", "k", "v", nil), spec.AnnotateTemplate("B", "k", "w", nil)), `{"meta": {"annotations": {"k": "v"}}, "template": {"annotations": {"k": "w"}}}`, ""},
	})
}

// Only settings of the metadata alone are of the type that makes no new Revision.
func TestMetadataEdits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings []edits.Setting
		metadata bool
	}{
		"an annotation":              {each(spec.AnnotateResource("A", "k", "v", nil)), true},
		"a description":              {each(spec.Describe("A", "k")), true},
		"an annotation of templates": {each(spec.AnnotateTemplate("A", "k", "v", nil)), false},
		"a label":                    {each(spec.Label("A", "k", "v")), false},
		"an audience":                {spec.CustomAudiences().With("A", []string{"v"}), false},
		"an image":                   {each(spec.Image("A", "v")), false},
	} {
		set, err := edits.New(tc.settings)
		require.NoError(t, err)
		require.Equal(t, tc.metadata, edits.Has[spec.MetadataEdit](set), name)
		require.Equal(t, !tc.metadata, edits.Has[spec.WorkloadEdit](set) || edits.Has[spec.ContainerEdit](set), name)
	}
}

func TestDropBreakglass(t *testing.T) {
	t.Parallel()
	m := metav1.ObjectMeta{Annotations: map[string]string{spec.AnnotationBreakglass: "x", "k": "v"}}
	spec.DropBreakglass(&m)
	require.Equal(t, map[string]string{"k": "v"}, m.Annotations)
}

func TestBooleans(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"True", "False", "true", ""}, []string{spec.Bool(true), spec.Bool(false), spec.OnlyTrue(true), spec.OnlyTrue(false)})
}
