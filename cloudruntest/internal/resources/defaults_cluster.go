package resources

import (
	"fmt"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// ClusterDefaults adds the defaults of Knative's webhook to a Service. The
// creator of the current Service stays.
func ClusterDefaults(doc tree.Object, current *store.Service) {
	delete(doc, "status")
	annotations := tree.Child(tree.Child(doc, "metadata"), "annotations")
	annotations[CreatorAnnotation], annotations[ModifierAnnotation] = Caller, Caller
	if current != nil {
		annotations[CreatorAnnotation] = current.Annotation(CreatorAnnotation)
	}
	spec := tree.Child(doc, "spec")
	if len(tree.Items(spec, "traffic")) == 0 {
		spec["traffic"] = []any{tree.Object{"latestRevision": true, "percent": 100}}
	}
	for _, t := range tree.Objects(spec, "traffic") {
		tree.SetIfAbsent(t, "latestRevision", tree.Text(t, "revisionName") == "")
		tree.SetIfAbsent(t, "percent", 0)
	}
	template := tree.Child(spec, "template")
	tree.DropEmpty(tree.Child(template, "metadata"), "name")
	pod := tree.Child(template, "spec")
	tree.DropEmpty(pod, forbiddenPodFields()...)
	for k, v := range map[string]any{"containerConcurrency": 0, "timeoutSeconds": 300} {
		tree.SetIfAbsent(pod, k, v)
	}
	if current == nil { // an update does not get this default
		tree.SetIfAbsent(pod, "enableServiceLinks", false)
	}
	clusterContainerDefaults(tree.Objects(pod, "containers"))
}

func clusterContainerDefaults(containers []tree.Object) {
	for i, c := range containers {
		if tree.Text(c, "name") == "" {
			c["name"] = "user-container"
			if len(containers) > 1 {
				c["name"] = fmt.Sprintf("user-container-%d", i)
			}
		}
		tree.SetIfAbsent(c, "resources", tree.Object{})
		if len(containers) == 1 || len(tree.Items(c, "ports")) > 0 {
			tree.SetIfAbsent(c, "readinessProbe", tree.Object{"successThreshold": 1, "tcpSocket": tree.Object{"port": 0}})
		}
	}
}
