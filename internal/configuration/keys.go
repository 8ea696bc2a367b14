package configuration

import (
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/history"
	"github.com/cloudrun-go/cloudrun/internal/runmark"
)

// Annotations and labels that the server writes, or a client on its own account.
const (
	Creator       = "serving.knative.dev/creator"
	LastModifier  = "serving.knative.dev/lastModifier"
	ClientName    = "run.googleapis.com/client-name"
	ClientVersion = "run.googleapis.com/client-version"
	OperationID   = "run.googleapis.com/operation-id"
	URLs          = "run.googleapis.com/urls"
	Location      = "cloud.googleapis.com/location" // a label
	creatorEmail  = "run.googleapis.com/creatorEmail"
	modifierEmail = "run.googleapis.com/lastModifierEmail"
	ingressStatus = "run.googleapis.com/ingress-status"
	satisfiesPzs  = "run.googleapis.com/satisfiesPzs"
	startupProbe  = "run.googleapis.com/startupProbeType"
	buildPrefix   = "run.googleapis.com/build-"
	knativeGroup  = "serving.knative.dev"
	clientGroup   = "client.knative.dev" // nonce, user-image
	run           = runmark.Annotation
	fates         = history.Annotation
)

// serverMetadata are the fields of metadata that only the server sets.
func serverMetadata() []string {
	return []string{"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation",
		"managedFields", "resourceVersion", "selfLink", "uid"}
}

// createDefaults are the defaults in the spec of a template that Knative fills in
// when it creates a Service, but not when it updates one.
func createDefaults() map[string]string { return map[string]string{"enableServiceLinks": "false"} }

// authorship are the annotations that say who wrote a Service, with which client,
// and what became of its Revisions.
func authorship() []string {
	return []string{Creator, LastModifier, ClientName, ClientVersion, creatorEmail, modifierEmail, OperationID, run, fates}
}

// ServerField reports whether a field of metadata is set by the server alone.
func ServerField(name string) bool { return slices.Contains(serverMetadata(), name) }

// ServerAnnotation reports whether an annotation of a Service is not for users
// to set: it says who wrote the Service, or reports a state.
func ServerAnnotation(key string) bool {
	return key == URLs || key == ingressStatus || slices.Contains(authorship(), key)
}

// immutable reports whether an annotation stays for as long as the Service
// exists: Knative rejects changes of its own ones.
func immutable(key string) bool { return strings.HasPrefix(key, knativeGroup) }

// ServerMark reports whether an annotation or label, of a Service or of its
// template, says nothing of what is configured.
func ServerMark(key string) bool {
	group, _, _ := strings.Cut(key, "/")
	return ServerAnnotation(key) || slices.Contains([]string{Location, satisfiesPzs, startupProbe}, key) ||
		group == clientGroup || strings.HasPrefix(key, buildPrefix)
}
