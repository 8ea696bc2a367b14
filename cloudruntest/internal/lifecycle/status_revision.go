package lifecycle

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

func revisionStatus(st *store.Store, sv *store.Service, r *store.Revision, now time.Time) tree.Object {
	status := tree.Object{"observedGeneration": 1, "conditions": renderConditions(st, revisionConditions(sv, r, now))}
	if !st.Cluster {
		status["logUrl"] = logURL(sv, r)
	}
	if image := tree.Text(resources.IngressContainer(tree.At(r.Doc, "spec")), "image"); image != "" && r.Ready(now) {
		addDigest(status, r, image, st.Cluster)
	}
	return status
}

func addDigest(status tree.Object, r *store.Revision, image string, cluster bool) {
	if !cluster {
		status["imageDigest"] = withDigest(image)
		return
	}
	var list []any
	for _, c := range tree.Objects(tree.At(r.Doc, "spec"), "containers") {
		list = append(list, tree.Object{"name": tree.Text(c, "name"), "imageDigest": withDigest(tree.Text(c, "image"))})
	}
	status["containerStatuses"] = list
}

// withDigest returns an image by its digest. The digest of an image without one
// is made from its name.
func withDigest(image string) string {
	if strings.Contains(image, "@") {
		return image
	}
	name := image
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		name = image[:i]
	}
	sum := sha256.Sum256([]byte(image))
	return name + "@sha256:" + hex.EncodeToString(sum[:])
}

func logURL(sv *store.Service, r *store.Revision) string {
	if f := r.Fate.Failure; f != nil && f.LogURL != "" {
		return f.LogURL
	}
	return "https://console.cloud.google.com/logs/viewer?project=" + sv.Project.Name() +
		"&resource=cloud_run_revision/service_name/" + sv.Key.Name + "/revision_name/" + r.Name
}

func revisionConditions(sv *store.Service, r *store.Revision, now time.Time) []store.DatedCondition {
	kinds := []string{"Ready", "ContainerHealthy", "ResourcesAvailable"}
	failing := "ContainerHealthy"
	if f := r.Fate.Failure; f != nil {
		failing = cmp.Or(f.Condition, failing)
	}
	if failing != kinds[1] && failing != kinds[2] {
		kinds = append(kinds, failing)
	}
	list := make([]store.DatedCondition, 0, len(kinds)+1)
	for _, kind := range kinds {
		c, since := succeeded(), r.Fate.At
		switch f := r.Fate.Failure; {
		case !r.Decided(now):
			c, since = unknown("Deploying", ""), r.Created
		case f != nil && (kind == "Ready" || kind == failing):
			c = failed(failureReason(f), failureMessage(f))
		}
		c.Type = kind
		list = append(list, store.DatedCondition{Condition: c, Since: since})
	}
	return append(list, activity(sv, r, now))
}

// activity returns the condition that shows whether a Revision serves.
func activity(sv *store.Service, r *store.Revision, now time.Time) store.DatedCondition {
	active := store.Condition{Type: "Active", Status: "True", Severity: "Info"}
	switch {
	case !r.Decided(now):
		active.Status, active.Reason = "Unknown", "Deploying"
	case !Serving(sv, now)[r.Name]:
		active.Status, active.Reason, active.Message = "False", "Retired", "Revision retired."
	}
	return store.DatedCondition{Condition: active, Since: r.Fate.At}
}
