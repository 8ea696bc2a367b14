package resources

import "github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"

// Request is a write of a Service, as far as its admission depends on it.
type Request struct {
	AnyField bool // accept fields that Cloud Run does not have
	Cluster  bool
	Project  *store.Project
	Region   string
	Name     string
	Strict   bool           // unknown fields are an error on a cluster
	Current  *store.Service // nil for a create
	Version  string         // resource version of Current
}
