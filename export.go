package cloudrun

import (
	"context"
	"fmt"
)

// serverMetadata are the fields of metadata that only the server sets.
func serverMetadata() []string {
	return []string{"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}
}

// callAnnotations are those of a Service that tell who made it, and how; they are not part of what it is.
func callAnnotations() []string {
	return []string{annotationCreator, annotationLastModifier, annotationClientName, annotationClientVersion,
		"run.googleapis.com/creatorEmail", "run.googleapis.com/lastModifierEmail", annotationOperation}
}

// ExportManifest gives a Service as it is now as a manifest, without its
// status and without what the server alone decides, as gcloud run services
// describe --format=export does. Fields that the Knative types lack are in it.
//
// [Deployer.ReplaceManifest] takes it as it is, and finds nothing to change.
// For another project or region, take out the namespace, the location and what
// else belongs to this one.
//
// The error of a Service that does not exist satisfies IsNotFound of k8s.io/apimachinery/pkg/api/errors.
func (c *Client) ExportManifest(ctx context.Context, name string) (*Manifest, error) {
	raw, err := c.getServiceRaw(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("export service: %w", err)
	}
	o, err := parseRawObject(raw)
	if err != nil {
		return nil, fmt.Errorf("export service %q: %w: %w", name, ErrNotAPI, err)
	}
	meta := o.object("metadata")
	meta.without(serverMetadata()...)
	annotations := meta.object("annotations")
	annotations.without(callAnnotations()...)
	meta.setObject("annotations", annotations)
	o.setObject("metadata", meta)
	o.without("status")
	return newManifest(o.encode())
}
