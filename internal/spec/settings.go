package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

const (
	// inParts is the claim of settings that edit a part of an annotation. It
	// contradicts a setting of the whole.
	inParts = "in parts"
	// noValue is the claim that something is absent. No other value begins so.
	noValue = "none"
)

func resourceAnnotation(key string) string { return fmt.Sprintf("the annotation %q", key) }
func templateAnnotation(key string) string { return fmt.Sprintf("the template annotation %q", key) }

// AnnotateResource sets an annotation of the resource. An empty value removes it.
func AnnotateResource(option, key, value string, err error) edits.Setting {
	return onResource(option, key, value, err, func(m *metav1.ObjectMeta) { SetAnnotation(m, key, value) })
}

// AnnotateResourceAsIs sets an annotation of the resource to exactly that value.
func AnnotateResourceAsIs(option, key, value string, err error) edits.Setting {
	return onResource(option, key, value, err, func(m *metav1.ObjectMeta) { PutAnnotation(m, key, value) })
}

// AnnotateResourceWith sets several annotations of the resource by one setting.
// An empty value removes one. The map must not change afterwards.
func AnnotateResourceWith(option string, annotations map[string]string, err error) edits.Setting {
	s := edits.Setting{Option: option, Phase: edits.PhaseSet, Err: err, Do: MetadataEdit(func(m *metav1.ObjectMeta) error {
		for key, value := range annotations {
			SetAnnotation(m, key, value)
		}
		return nil
	})}
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		s.Claims = s.Claims.And(resourceAnnotation(key), annotations[key])
	}
	return s
}

// Describe sets the annotation of the resource that describes it. An empty text
// adds none, but replaces one.
func Describe(option, text string) edits.Setting {
	return onResource(option, AnnotationDescription, text, nil, func(m *metav1.ObjectMeta) {
		if _, had := m.Annotations[AnnotationDescription]; had || text != "" {
			PutAnnotation(m, AnnotationDescription, text)
		}
	})
}

// AnnotateTemplate sets an annotation of the template. An empty value removes it.
func AnnotateTemplate(option, key, value string, err error) edits.Setting {
	return onTemplate(option, key, value, err, func(m *metav1.ObjectMeta) { SetAnnotation(m, key, value) })
}

// AnnotateTemplateAsIs sets an annotation of the template to exactly that value.
func AnnotateTemplateAsIs(option, key, value string, err error) edits.Setting {
	return onTemplate(option, key, value, err, func(m *metav1.ObjectMeta) { PutAnnotation(m, key, value) })
}

// ClearTemplate removes annotations of the template.
func ClearTemplate(option string, keys ...string) []edits.Setting {
	return edits.Each(keys, func(key string) edits.Setting { return AnnotateTemplate(option, key, "", nil) })
}

// WithoutResourceAnnotations removes annotations of the resource, whose keys the caller chose.
func WithoutResourceAnnotations(option string, keys []string) []edits.Setting {
	return edits.Each(keys, func(key string) edits.Setting { return AnnotateResource(option, key, "", edits.NotEmpty("key", key)) })
}

// WithoutTemplateAnnotations removes annotations of the template, whose keys the caller chose.
func WithoutTemplateAnnotations(option string, keys []string) []edits.Setting {
	return edits.Each(keys, func(key string) edits.Setting { return AnnotateTemplate(option, key, "", edits.NotEmpty("key", key)) })
}

// DropBreakglass removes the justification for an image that Binary
// Authorization refuses: it is for one write only.
func DropBreakglass(m *metav1.ObjectMeta) { delete(m.Annotations, AnnotationBreakglass) }

func onResource(option, key, value string, err error, edit func(*metav1.ObjectMeta)) edits.Setting {
	return edits.Setting{
		Option: option, Phase: edits.PhaseSet, Err: err, Claims: edits.Decides(resourceAnnotation(key), value),
		Do: MetadataEdit(func(m *metav1.ObjectMeta) error {
			edit(m)
			return nil
		}),
	}
}

func onTemplate(option, key, value string, err error, edit func(*metav1.ObjectMeta)) edits.Setting {
	return edits.Setting{
		Option: option, Phase: edits.PhaseSet, Err: err, Claims: edits.Decides(templateAnnotation(key), value),
		Do: WorkloadEdit(func(w *Workload) error {
			edit(w.Template)
			return nil
		}),
	}
}

// editPod is a setting of one thing of the pod.
func editPod(option, thing, value string, err error, edit func(*corev1.PodSpec)) edits.Setting {
	return edits.Setting{
		Option: option, Phase: edits.PhaseSet, Err: err, Claims: edits.Decides(thing, value),
		Do: WorkloadEdit(func(w *Workload) error {
			edit(w.Pod)
			return nil
		}),
	}
}

// editContainer is a setting of one thing that every container has.
func editContainer(option, thing, value string, err error, edit func(*corev1.Container)) edits.Setting {
	return inContainer(option, edits.PhaseSet, edits.Decides(thing, value), err, func(_ *Workload, c *corev1.Container) error {
		edit(c)
		return nil
	})
}

// inContainer is a setting of a container that needs the workload around it.
func inContainer(option string, phase edits.Phase, claims edits.Claims, err error, edit func(*Workload, *corev1.Container) error) edits.Setting {
	return edits.Setting{Option: option, Phase: phase, Err: err, Claims: claims, Do: ContainerEdit{Edit: edit}}
}

// in moves a setting to another phase.
func in(phase edits.Phase, s edits.Setting) edits.Setting {
	s.Phase = phase
	return s
}

// CheckKey checks the full name of an encryption key.
func CheckKey(key string) error {
	if !fullName(key, "projects", "locations", "keyRings", "cryptoKeys") {
		return errors.New("give its full name, projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY")
	}
	return nil
}

// fullName reports whether a name consists of these collections, each followed by an ID.
func fullName(name string, collections ...string) bool {
	parts := strings.Split(name, "/")
	if len(parts) != 2*len(collections) {
		return false
	}
	for i, collection := range collections {
		if parts[2*i] != collection || parts[2*i+1] == "" {
			return false
		}
	}
	return true
}
