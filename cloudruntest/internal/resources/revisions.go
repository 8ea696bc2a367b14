package resources

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// ExistingRevision returns the Revision that a template asks for, if the Service
// has it: the latest one if the template is unchanged, or the one it names.
func ExistingRevision(template tree.Object, current *store.Service) (*store.Revision, bool, *apierror.Error) {
	if current == nil {
		return nil, false, nil
	}
	if tree.Same(template, tree.At(current.Comparable(), "spec", "template")) {
		return current.Latest, true, nil
	}
	name := tree.Text(tree.At(template, "metadata"), "name")
	r := current.Revision(name)
	if name == "" || r == nil {
		return nil, false, nil
	}
	if !tree.Same(withoutName(r.Template), withoutName(template)) {
		return nil, false, apierror.Exists("Revision named '%s' with different configuration already exists.", name)
	}
	return r, true, nil
}

func withoutName(template tree.Object) tree.Object {
	return tree.With(template, "metadata", tree.Without(tree.At(template, "metadata"), "name"))
}

// RevisionName returns the name of a Service's new Revision: the template's, or
// a generated one.
func RevisionName(sv *store.Service, cluster bool) string {
	if name := tree.Text(tree.At(sv.Doc, "spec", "template", "metadata"), "name"); name != "" {
		return name
	}
	if cluster {
		return childName(sv.Key.Name, fmt.Sprintf("-%05d", sv.Configurations))
	}
	return fmt.Sprintf("%s-%05d-%s", sv.Key.Name, sv.Generation, store.RevisionSuffix())
}

// childName returns a name as Knative generates it: one that is too long is cut
// and gets a hash.
func childName(parent, suffix string) string {
	if len(parent)+len(suffix) <= 63 {
		return parent + suffix
	}
	hash := md5.Sum([]byte(parent + suffix))
	return parent[:63-len(suffix)-2*md5.Size] + hex.EncodeToString(hash[:]) + suffix
}

// NewRevision returns a Revision made from the template of a Service.
func NewRevision(st *store.Store, sv *store.Service, name string, created time.Time, fate store.Fate) *store.Revision {
	template := tree.At(sv.Doc, "spec", "template")
	doc := tree.Object{"apiVersion": APIVersion, "kind": "Revision", "metadata": revisionMeta(st, sv, name, created), "spec": tree.At(template, "spec")}
	return &store.Revision{Name: name, Seq: st.Versions.Next(), Doc: doc, Template: template, Created: created, Fate: fate}
}

func revisionMeta(st *store.Store, sv *store.Service, name string, created time.Time) tree.Object {
	template := tree.At(sv.Doc, "spec", "template", "metadata")
	meta := tree.With(template, "name", name)
	meta["labels"] = revisionLabels(tree.At(template, "labels"), sv, st.Cluster)
	meta["annotations"] = tree.With(tree.At(template, "annotations"), CreatorAnnotation, Caller)
	meta["uid"], meta["generation"], meta["creationTimestamp"] = store.NewUID(), 1, st.Timestamp(created)
	meta["namespace"] = sv.Project.ID
	if !st.Cluster {
		meta["namespace"] = sv.Project.Number
		meta["selfLink"] = "/apis/" + APIVersion + "/namespaces/" + sv.Project.Number + "/revisions/" + name
	}
	meta["ownerReferences"] = []any{tree.Object{"apiVersion": APIVersion, "kind": "Configuration", "name": sv.Key.Name, "uid": sv.UID,
		"controller": true, "blockOwnerDeletion": true}}
	return meta
}

func revisionLabels(template tree.Object, sv *store.Service, cluster bool) tree.Object {
	labels := tree.With(template, ServiceLabel, sv.Key.Name)
	labels["serving.knative.dev/configuration"] = sv.Key.Name
	labels["serving.knative.dev/serviceUid"] = sv.UID
	generation := sv.Configurations
	if !cluster {
		generation = sv.Generation
		labels["serving.knative.dev/route"] = sv.Key.Name
		labels[LocationLabel] = sv.Key.Region
	}
	labels["serving.knative.dev/configurationGeneration"] = strconv.FormatInt(generation, 10)
	return labels
}
