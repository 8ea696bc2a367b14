package cloudrun

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/once"
)

// pin keeps the code that runs when a new Revision is made without a new image.
// A tag may refer to another image by now, so the ingress container gets the
// digest that the Revision of the current template runs. If an option sets the
// image of any container, other code is wanted and nothing is pinned.
func (c *composition) pin(ctx context.Context, d *draft) (warnings []string, err error) {
	was, is := &d.base.service.Spec.Template, &d.service.Spec.Template
	ingress, err := ingressContainer(d.service)
	if err != nil || strings.Contains(ingress.Image, "@") || c.options.DecidesAnywhere(thingImage) || imagesChanged(was.Spec.Containers, is.Spec.Containers) {
		return nil, nil
	}
	running, err := c.client.baseRevision(ctx, d.service, was)
	if err != nil {
		return nil, &once.StepError{Step: once.StepRead, Err: fmt.Errorf("find the image that runs: %w", err)}
	}
	if digest := running.digestOf(ingress); digest != "" {
		ingress.Image = digest
		return nil, nil
	}
	return []string{fmt.Sprintf("the digest of the image that runs is not known, so the new revision runs what %q refers to now", ingress.Image)}, nil
}

func imagesChanged(was, is []corev1.Container) bool {
	if len(was) != len(is) {
		return false // what came has its image from the options, what went needs none
	}
	for i := range is {
		if is[i].Name == was[i].Name && is[i].Image != was[i].Image {
			return true
		}
	}
	return false
}

// revisionImages is the part of a Revision that tells the images it runs.
type revisionImages struct {
	Spec struct {
		Containers []struct {
			Name  string `json:"name"`
			Image string `json:"image"`
		} `json:"containers"`
	} `json:"spec"`
	Status struct {
		ImageDigest       string `json:"imageDigest"` // Cloud Run
		ContainerStatuses []struct {
			Name        string `json:"name"`
			ImageDigest string `json:"imageDigest"`
		} `json:"containerStatuses"` // clusters
	} `json:"status"`
}

// digestOf is the image that a container of the Revision runs, by its digest; empty if not known.
func (r *revisionImages) digestOf(c *corev1.Container) string {
	if r == nil {
		return ""
	}
	if r.Status.ImageDigest != "" {
		return r.Status.ImageDigest
	}
	for _, s := range r.Status.ContainerStatuses {
		if s.Name == c.Name || len(r.Status.ContainerStatuses) == 1 {
			return s.ImageDigest
		}
	}
	return ""
}

// baseRevision is the Revision that was made from a template: the one of that
// name, else the one with its nonce, else the Service's latest. It is nil if
// there is none any more.
func (c *Client) baseRevision(ctx context.Context, s *servingv1.Service, was *servingv1.RevisionTemplateSpec) (*revisionImages, error) {
	name := was.Name
	if marked := was.Labels[nonce.Label]; name == "" && marked != "" {
		found, err := c.revisionsOfNonce(ctx, marked)
		if err != nil || len(found) == 1 {
			return first(found), err
		}
	}
	if name == "" {
		name = s.Status.LatestCreatedRevisionName
	}
	if name == "" {
		return nil, nil
	}
	raw, err := c.read(ctx, request{
		op: "get revision", resource: c.resource(kindRevisions, name),
		method: http.MethodGet, url: c.servingURL(kindRevisions, name, nil),
	})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decode[revisionImages](raw)
}

// revisionsOfNonce are at most two of the Revisions made from templates with a nonce.
func (c *Client) revisionsOfNonce(ctx context.Context, value string) ([]revisionImages, error) {
	raw, err := c.read(ctx, request{
		op: "list revisions", resource: c.parent(), method: http.MethodGet,
		url: c.servingURL(kindRevisions, "", url.Values{"labelSelector": {nonce.Label + "=" + value}, "limit": {"2"}}),
	})
	if err != nil {
		return nil, err
	}
	page, err := decode[struct {
		Items []revisionImages `json:"items"`
	}](raw)
	if err != nil {
		return nil, err
	}
	return page.Items, nil
}

func first(found []revisionImages) *revisionImages {
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}
