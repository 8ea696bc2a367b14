// Package configuration separates what a user configures in the JSON text of a
// Service from what the server writes there, and what clients write on their
// own account. It has the one list of both.
package configuration

import (
	"encoding/json"
	"maps"

	"github.com/cloudrun-go/cloudrun/internal/lossless"
	"github.com/cloudrun-go/cloudrun/internal/rawjson"
)

// Same reports whether two Services are configured the same.
func Same(a, b []byte) bool {
	x, err := configured(a)
	if err != nil {
		return false
	}
	y, err := configured(b)
	return err == nil && lossless.Equal(x, y)
}

// configured returns the part of a Service that users configure.
func configured(raw []byte) ([]byte, error) {
	o, err := rawjson.Parse(raw)
	if err != nil {
		return nil, err
	}
	o.Remove("status")
	meta := o.Object("metadata")
	meta.Remove(serverMetadata()...)
	meta.Remove("namespace")
	labels, annotations := meta.Object("labels"), meta.Object("annotations")
	labels.Remove(Location)
	maps.DeleteFunc(annotations, func(k string, _ json.RawMessage) bool { return ServerAnnotation(k) || immutable(k) })
	meta.SetObject("labels", labels)
	meta.SetObject("annotations", annotations)
	o.SetObject("metadata", meta)
	return o.Encode(), nil
}

// Export returns a Service as a manifest: without its status, and without what
// the server sets in its metadata.
func Export(raw []byte) ([]byte, error) {
	o, err := rawjson.Parse(raw)
	if err != nil {
		return nil, err
	}
	meta := o.Object("metadata")
	meta.Remove(serverMetadata()...)
	annotations := meta.Object("annotations")
	annotations.Remove(authorship()...)
	meta.SetObject("annotations", annotations)
	o.SetObject("metadata", meta)
	o.Remove("status")
	return o.Encode(), nil
}

// Existing is the Service that a replacement replaces.
type Existing struct {
	Annotations     map[string]string
	ResourceVersion string
	Raw             []byte // the whole Service
}

// Replacement returns the text that makes a Service what a manifest says. The
// namespace is for a manifest without one. With a nil existing it creates the Service.
func Replacement(manifest []byte, namespace string, existing *Existing) ([]byte, error) {
	o, err := rawjson.Parse(manifest)
	if err != nil {
		return nil, err
	}
	meta := o.Object("metadata")
	meta.Remove(serverMetadata()...)
	if meta.Text("namespace") == "" {
		meta.SetText("namespace", namespace)
	}
	if existing != nil {
		annotations := meta.Object("annotations")
		for k, v := range existing.Annotations {
			if immutable(k) {
				annotations.SetText(k, v)
			}
		}
		meta.SetObject("annotations", annotations)
		meta.SetText("resourceVersion", existing.ResourceVersion)
		if err := keepDefaults(o, existing.Raw); err != nil {
			return nil, err
		}
	}
	o.SetObject("metadata", meta)
	return o.Encode(), nil
}

// keepDefaults adds to a manifest the defaults that the server fills in only
// when it creates a Service. Without them, a manifest that says nothing of such
// a field would change it.
func keepDefaults(manifest rawjson.Object, existing []byte) error {
	if existing == nil {
		return nil
	}
	old, err := rawjson.Parse(existing)
	if err != nil {
		return err
	}
	spec, template := manifest.Object("spec"), manifest.Object("spec", "template")
	pod, oldPod := template.Object("spec"), old.Object("spec", "template", "spec")
	changed := false
	for field, value := range createDefaults() {
		if _, set := pod[field]; !set && string(oldPod[field]) == value {
			pod[field], changed = oldPod[field], true
		}
	}
	if changed {
		template.SetObject("spec", pod)
		spec.SetObject("template", template)
		manifest.SetObject("spec", spec)
	}
	return nil
}
