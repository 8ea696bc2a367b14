// Package spec is Cloud Run's spelling inside a workload: what a setting such as
// an environment variable, a secret file or a VPC network is in annotations,
// containers and volumes.
//
// A workload is what a Service, a Job and a WorkerPool have in common. Each
// function of this package returns settings of package [edits]: the text of the
// option that they belong to comes from the caller, the rest is here. An
// [Editor] carries them out.
package spec

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Workload is the part of a resource that settings edit.
type Workload struct {
	Meta     *metav1.ObjectMeta // of the resource
	Template *metav1.ObjectMeta // of the template, and so of the Revisions or executions made from it
	Pod      *corev1.PodSpec    // of the template
	Cluster  bool               // it runs on a cluster with Knative, not on Cloud Run

	ownLabels map[string]*string // what settings decide of labels of the template alone; nil values are removed
}

// The functions that settings of a workload have.
type (
	// MetadataEdit changes the resource itself and not its template, so that no
	// new Revision is made.
	MetadataEdit func(*metav1.ObjectMeta) error
	// PlatformEdit is a MetadataEdit that depends on where the resource runs.
	PlatformEdit func(m *metav1.ObjectMeta, cluster bool) error
	// WorkloadEdit changes anything of the workload.
	WorkloadEdit func(*Workload) error
	// ContainerEdit changes a container.
	ContainerEdit struct {
		In   string // the name of the container; empty for the ingress container
		Port bool   // it gives the container a port, which makes it the ingress container
		Edit func(*Workload, *corev1.Container) error
	}
)
