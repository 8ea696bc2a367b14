package status

import (
	"cmp"
	"strconv"
	"time"

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

// GetObjectMeta returns the metadata.
func (r *RevisionSummary) GetObjectMeta() metav1.Object { return &r.Metadata }

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

// configurationGeneration is the label with the generation of the Configuration
// that a Revision was made of.
const configurationGeneration = "serving.knative.dev/configurationGeneration"

// Age is the place of a Revision among those of its Service.
type Age struct {
	created    time.Time
	generation int64
	name       string
}

// Age returns the age of the Revision.
func (r *RevisionSummary) Age() Age {
	return Age{r.Metadata.CreationTimestamp.Time, r.generation(), r.Metadata.Name}
}

// Compare orders Revisions by age, the oldest first. A cluster reports creation
// times in seconds. Within a second the generation decides, and the name only if
// there is none.
func (a Age) Compare(b Age) int {
	return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.generation, b.generation), cmp.Compare(a.name, b.name))
}

// generation returns the generation that a Revision was made of; 0 if unknown.
func (r *RevisionSummary) generation() int64 {
	n, err := strconv.ParseInt(r.Metadata.Labels[configurationGeneration], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
