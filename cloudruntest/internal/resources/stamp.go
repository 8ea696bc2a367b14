package resources

import (
	"cmp"
	"maps"
	"slices"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// serverAnnotations returns the annotations that only the server sets.
func serverAnnotations() []string {
	return []string{CreatorAnnotation, ModifierAnnotation, ingressStatus, URLsAnnotation, OperationAnnotation}
}

// serverFields returns the fields of metadata that only the server sets.
func serverFields() []string {
	return []string{"uid", "generation", "resourceVersion", "selfLink", "creationTimestamp", "deletionTimestamp", "namespace", "managedFields"}
}

// Stamp adds the fields that only the server sets to the new document of a
// Service. An empty creator means that the caller creates the Service.
func Stamp(st *store.Store, sv *store.Service, creator string, doc tree.Object) {
	meta := tree.At(doc, "metadata")
	for _, k := range serverFields() {
		delete(meta, k)
	}
	meta["uid"] = sv.UID
	meta["creationTimestamp"] = st.Timestamp(sv.Created)
	if st.Cluster {
		meta["namespace"] = sv.Project.ID
		return
	}
	meta["namespace"] = sv.Project.Number
	meta["selfLink"] = "/apis/" + APIVersion + "/namespaces/" + sv.Project.Number + "/services/" + sv.Key.Name
	annotations := tree.Child(meta, "annotations")
	for _, k := range serverAnnotations() {
		delete(annotations, k)
	}
	annotations[CreatorAnnotation], annotations[ModifierAnnotation] = cmp.Or(creator, Caller), Caller
	annotations[ingressStatus] = annotations[IngressAnnotation]
}

// Unchanged reports whether a write asks for the current state. Both documents
// have their defaults.
func Unchanged(current, doc tree.Object) bool { return tree.Same(requested(current), requested(doc)) }

// requested returns a Service without what only the server sets.
func requested(doc tree.Object) tree.Object {
	doc = tree.Without(doc, "status")
	meta := tree.Without(tree.At(doc, "metadata"), serverFields()...)
	annotations := maps.Clone(tree.At(meta, "annotations"))
	own := serverAnnotations()
	maps.DeleteFunc(annotations, func(k string, _ any) bool { return slices.Contains(own, k) })
	meta["annotations"] = annotations
	doc["metadata"] = meta
	return doc
}
