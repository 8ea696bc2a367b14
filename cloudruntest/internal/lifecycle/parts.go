package lifecycle

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// part describes one of the resources behind a Service.
type part struct {
	kind      string
	spec      string   // its field of the Service's spec
	condition string   // its condition of the Service
	status    []string // its fields of the Service's status
}

func partOf(plural string) part {
	if plural == "configurations" {
		return part{kind: "Configuration", spec: "template", condition: "ConfigurationsReady",
			status: []string{"latestCreatedRevisionName", "latestReadyRevisionName"}}
	}
	return part{kind: "Route", spec: "traffic", condition: "RoutesReady", status: []string{"traffic", "url", "address"}}
}

// RenderPart returns the Configuration or the Route behind a Service as a read
// shows it. It takes the plural, configurations or routes.
func RenderPart(st *store.Store, sv *store.Service, plural string, now time.Time) tree.Object {
	p := partOf(plural)
	whole := RenderService(st, sv, now)
	meta := tree.Without(tree.At(whole, "metadata"), "selfLink")
	meta["labels"] = tree.With(tree.At(meta, "labels"), resources.ServiceLabel, sv.Key.Name)
	return tree.Object{
		"apiVersion": resources.APIVersion, "kind": p.kind, "metadata": meta,
		"spec": tree.Object{p.spec: tree.At(whole, "spec")[p.spec]}, "status": p.statusOf(tree.At(whole, "status")),
	}
}

func (p part) statusOf(service tree.Object) tree.Object {
	status := tree.Object{"observedGeneration": service["observedGeneration"]}
	for _, k := range p.status {
		if v, ok := service[k]; ok {
			status[k] = v
		}
	}
	for _, c := range tree.Objects(service, "conditions") {
		if tree.Text(c, "type") == p.condition {
			status["conditions"] = []any{tree.With(c, "type", "Ready")}
		}
	}
	return status
}
