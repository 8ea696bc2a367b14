package status

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RevisionSummary is a Revision as far as lists and images are concerned. It
// has fields of Cloud Run that the Knative types lack.
type RevisionSummary struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Containers []corev1.Container `json:"containers"`
	} `json:"spec"`
	Status struct {
		Conditions        []Condition `json:"conditions"`
		ImageDigest       string      `json:"imageDigest"` // on Cloud Run
		ContainerStatuses []struct {
			Name        string `json:"name"`
			ImageDigest string `json:"imageDigest"`
		} `json:"containerStatuses"` // on clusters
	} `json:"status"`
}

// IngressContainer returns the container that gets the requests; nil if there is none.
func (r *RevisionSummary) IngressContainer() (ingress *corev1.Container) {
	for i, c := range r.Spec.Containers {
		if i == 0 || len(c.Ports) > 0 {
			ingress = &r.Spec.Containers[i]
		}
	}
	return ingress
}

// Digest returns the image that a container runs, by its digest; empty if the
// server does not report it. Cloud Run reports that of the ingress container only.
func (r *RevisionSummary) Digest(container string) string {
	if r.Status.ImageDigest != "" {
		return r.Status.ImageDigest
	}
	for _, s := range r.Status.ContainerStatuses {
		if s.Name == container || len(r.Status.ContainerStatuses) == 1 {
			return s.ImageDigest
		}
	}
	return ""
}
