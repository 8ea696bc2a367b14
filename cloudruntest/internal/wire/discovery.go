package wire

import (
	"net/http"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// discover answers what kubectl asks a cluster for first: its groups, versions and
// kinds. There is no API elsewhere.
func discover(c *call) answer {
	if c.r.Method != http.MethodGet {
		return nowhere(c, true)
	}
	group, version, _ := strings.Cut(resources.APIVersion, "/")
	both := tree.Object{"groupVersion": resources.APIVersion, "version": version}
	var doc tree.Object
	switch strings.Join(c.path, "/") {
	case "api":
		doc = tree.Object{"kind": "APIVersions", "versions": []any{"v1"}}
	case "api/v1":
		doc = tree.Object{"kind": "APIResourceList", "groupVersion": "v1", "resources": []any{}}
	case "apis":
		doc = tree.Object{"kind": "APIGroupList", "apiVersion": "v1", "groups": []any{
			tree.Object{"name": group, "versions": []any{both}, "preferredVersion": both}}}
	case "apis/" + group:
		doc = tree.Object{"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": []any{both}, "preferredVersion": both}
	case "apis/" + resources.APIVersion:
		doc = tree.Object{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": resources.APIVersion, "resources": kinds()}
	case "openapi/v3":
		doc = tree.Object{"paths": tree.Object{"apis/" + resources.APIVersion: tree.Object{"serverRelativeURL": "/openapi/v3/apis/" + resources.APIVersion}}}
	case "openapi/v3/apis/" + resources.APIVersion:
		doc = schema(group, version)
	case "version":
		doc = tree.Object{"major": "1", "minor": "35", "gitVersion": "v1.35.0", "platform": "linux/amd64"}
	default:
		if len(c.path) != 4 || c.path[0] != "api" || c.path[2] != "namespaces" {
			return nowhere(c, true)
		}
		doc = tree.Object{"kind": "Namespace", "apiVersion": "v1", "metadata": tree.Object{"name": c.path[3]}} // each exists
	}
	return answerJSON(http.StatusOK, doc)
}

// kinds describes the kinds of Knative that the server has.
func kinds() []any {
	of := func(plural, kind string, short []any, verbs ...any) tree.Object {
		return tree.Object{"name": plural, "singularName": strings.ToLower(kind), "namespaced": true, "kind": kind, "shortNames": short,
			"categories": []any{"all", "knative", "serving"}, "verbs": append([]any{"get", "list"}, verbs...)}
	}
	return []any{
		of("services", "Service", []any{"kservice", "ksvc"}, "create", "delete", "patch", "update", "watch"),
		of("revisions", "Revision", []any{"rev"}, "delete"),
		of("configurations", "Configuration", []any{"config", "cfg"}),
		of("routes", "Route", []any{"rt"}),
	}
}

// schema says that the server checks the fields of Services itself, so that kubectl
// needs no schema of them.
func schema(group, version string) tree.Object {
	return tree.Object{"openapi": "3.0.0", "info": tree.Object{"title": "cloudruntest", "version": "v1"}, "paths": tree.Object{
		"/apis/" + resources.APIVersion + "/namespaces/{namespace}/services/{name}": tree.Object{"patch": tree.Object{
			"parameters":                      []any{tree.Object{"name": "fieldValidation", "in": "query", "schema": tree.Object{"type": "string"}}},
			"x-kubernetes-group-version-kind": tree.Object{"group": group, "version": version, "kind": "Service"},
			"responses":                       tree.Object{},
		}},
	}}
}

// asTable reports whether a request of a cluster wants Services as the table that
// kubectl prints.
func (c *call) asTable() bool { return strings.Contains(c.r.Header.Get("Accept"), "as=Table;") }

// table returns Services as a table with the columns that Knative defines.
func table(meta tree.Object, services []any) tree.Object {
	columns := []any{tree.Object{"name": "Name", "type": "string", "format": "name"}}
	for _, name := range []string{"URL", "LatestCreated", "LatestReady", "Ready", "Reason"} {
		columns = append(columns, tree.Object{"name": name, "type": "string", "format": ""})
	}
	rows := make([]any, len(services))
	for i, s := range services {
		sv, _ := s.(tree.Object)
		status, ready := tree.At(sv, "status"), tree.Object{}
		for _, condition := range tree.Objects(status, "conditions") {
			if condition["type"] == "Ready" {
				ready = condition
			}
		}
		rows[i] = tree.Object{
			"cells":  []any{tree.At(sv, "metadata")["name"], status["url"], status["latestCreatedRevisionName"], status["latestReadyRevisionName"], ready["status"], ready["reason"]},
			"object": tree.Object{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": sv["metadata"]},
		}
	}
	return tree.Object{"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "columnDefinitions": columns, "rows": rows}
}
