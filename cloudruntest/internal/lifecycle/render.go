package lifecycle

import (
	"cmp"
	"maps"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// RenderService returns a Service as a read shows it.
func RenderService(st *store.Store, sv *store.Service, now time.Time) tree.Object {
	return RenderStage(st, sv, CurrentStage(&sv.Rollout, now), now)
}

// RenderStage returns a Service as a read shows it in a stage of its rollout.
func RenderStage(st *store.Store, sv *store.Service, i int, now time.Time) tree.Object {
	doc := maps.Clone(sv.Doc)
	meta := maps.Clone(tree.At(doc, "metadata"))
	meta["generation"] = sv.Generation
	meta["resourceVersion"] = stageVersion(st, sv, i)
	if sv.Deleting() {
		meta["deletionTimestamp"] = st.Timestamp(sv.Deleted)
	}
	doc["metadata"] = meta
	if status := serviceStatus(st, sv, i, now); status != nil {
		doc["status"] = status
	}
	return doc
}

// Version returns the resource version of a Service.
func Version(st *store.Store, sv *store.Service, now time.Time) string {
	return stageVersion(st, sv, CurrentStage(&sv.Rollout, now))
}

func stageVersion(st *store.Store, sv *store.Service, i int) string {
	return cmp.Or(sv.Rollout.SeededVersion, st.Versions.Spell(sv.Rollout.Version+int64(i)))
}

// RenderRevision returns a Revision as a read shows it.
func RenderRevision(st *store.Store, sv *store.Service, r *store.Revision, now time.Time) tree.Object {
	version := r.Seq
	if r.Decided(now) {
		version++
	}
	doc := tree.With(r.Doc, "metadata", tree.With(tree.At(r.Doc, "metadata"), "resourceVersion", st.Versions.Spell(version)))
	if r.Status != nil {
		doc["status"] = r.Status
	} else {
		doc["status"] = revisionStatus(st, sv, r, now)
	}
	return doc
}
