package spec

import (
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

const (
	thingNetwork     = "the VPC network"
	thingSubnet      = "the VPC subnet"
	thingNetworkTags = "the network tags"

	ingressBalanced = "internal-and-cloud-load-balancing"

	keyNetwork = "network"
	keySubnet  = "subnetwork"
	keyTags    = "tags"
)

// LabelVisibility is the label of a Service on a cluster that hides it from
// outside the cluster.
const LabelVisibility = "networking.knative.dev/visibility"

const clusterLocal = "cluster-local"

// Ingress sets where a Service can be reached from.
func Ingress(option, ingress string) edits.Setting {
	visibility := noValue
	if ingress == "internal" {
		visibility = "=" + clusterLocal
	}
	claims := edits.Decides(resourceAnnotation(AnnotationIngress), ingress).And(labelThing(LabelVisibility), visibility)
	err := edits.OneOf(ingress, "all", "internal", ingressBalanced)
	return edits.Setting{Option: option, Phase: edits.PhaseSet, Err: err, Claims: claims, Do: PlatformEdit(func(m *metav1.ObjectMeta, cluster bool) error {
		if !cluster {
			SetAnnotation(m, AnnotationIngress, ingress)
			return nil
		}
		delete(m.Annotations, AnnotationIngress) // of Cloud Run
		if ingress != "internal" {
			delete(m.Labels, LabelVisibility)
			return nil
		}
		if m.Labels == nil {
			m.Labels = map[string]string{}
		}
		m.Labels[LabelVisibility] = clusterLocal
		return nil
	})}
}

// Network sets the VPC network of direct access.
func Network(option, network string) edits.Setting {
	return onInterface(option, thingNetwork, network, edits.NotEmpty("network", network), func(i map[string]any) { i[keyNetwork] = network })
}

// Subnet sets the subnet of direct access.
func Subnet(option, subnet string) edits.Setting {
	return onInterface(option, thingSubnet, subnet, edits.NotEmpty("subnet", subnet), func(i map[string]any) { i[keySubnet] = subnet })
}

// NetworkTags replaces the network tags. The list must not change afterwards.
func NetworkTags(option string, tags []string) edits.Setting {
	var err error
	if len(tags) == 0 || slices.Contains(tags, "") {
		err = errors.New("name at least one tag, and none that is empty: ClearNetworkTags removes them")
	}
	return onInterface(option, thingNetworkTags, edits.List(tags), err, func(i map[string]any) { i[keyTags] = tags })
}

// WithoutNetwork removes the VPC network of direct access.
func WithoutNetwork(option string) []edits.Setting { return without(option, thingNetwork, keyNetwork) }

// WithoutSubnet removes the subnet of direct access.
func WithoutSubnet(option string) []edits.Setting { return without(option, thingSubnet, keySubnet) }

// ClearNetworkTags removes the network tags.
func ClearNetworkTags(option string) []edits.Setting {
	return without(option, thingNetworkTags, keyTags)
}

// ClearNetwork ends direct access.
func ClearNetwork(option string) []edits.Setting {
	all := AnnotateTemplate(option, AnnotationNetworkInterfaces, "", nil)
	all.Claims = all.Claims.And(thingNetwork, "").And(thingSubnet, "").And(thingNetworkTags, "")
	return []edits.Setting{all, dropEgress(option, edits.PhaseRemove, func(*Workload) (bool, error) { return true, nil })}
}

// WithoutConnector removes the connector. An egress of all traffic must then be
// set again, because that traffic would silently go to the internet.
func WithoutConnector(option string) []edits.Setting {
	remove := AnnotateTemplate(option, AnnotationVPCConnector, "", nil)
	return []edits.Setting{remove, dropEgress(option, edits.PhaseRemove, func(w *Workload) (bool, error) {
		if egress := w.Template.Annotations[AnnotationVPCEgress]; egress == "all" || egress == "all-traffic" {
			return false, fmt.Errorf("the VPC egress is %q, and that traffic would go to the internet: "+
				"set what is wanted in the same call, such as WithVPCEgress(%q)", egress, "private-ranges-only")
		}
		return true, nil
	})}
}

// onInterface is a setting of the one network interface that a template has.
func onInterface(option, thing, value string, err error, edit func(map[string]any)) edits.Setting {
	claims := edits.Decides(thing, value).And(templateAnnotation(AnnotationNetworkInterfaces), inParts)
	return edits.Setting{Option: option, Phase: edits.PhaseSet, Err: err, Claims: claims, Do: WorkloadEdit(func(w *Workload) error {
		var all []map[string]any
		if err := ReadJSON(w.Template, AnnotationNetworkInterfaces, &all); err != nil {
			return err
		}
		if len(all) == 0 || all[0] == nil {
			all = []map[string]any{{}}
		}
		edit(all[0])
		return WriteJSON(w.Template, AnnotationNetworkInterfaces, all, len(all[0]) == 0)
	})}
}

// without removes one key of the network interface. With the last of them, the
// egress setting goes too.
func without(option, thing, key string) []edits.Setting {
	remove := onInterface(option, thing, "", nil, func(i map[string]any) { delete(i, key) })
	return []edits.Setting{remove, dropEgress(option, edits.PhaseDerive, func(w *Workload) (bool, error) {
		annotations := w.Template.Annotations
		return annotations[AnnotationNetworkInterfaces] == "" && annotations[AnnotationVPCConnector] == "", nil
	})}
}

// dropEgress removes the egress setting if it is to go, unless the call sets it.
// gcloud removes it even then, and so loses what was asked for.
func dropEgress(option string, phase edits.Phase, goes func(*Workload) (bool, error)) edits.Setting {
	return edits.Setting{
		Option: option, Phase: phase, Unless: templateAnnotation(AnnotationVPCEgress),
		Do: WorkloadEdit(func(w *Workload) error {
			drop, err := goes(w)
			if drop {
				SetAnnotation(w.Template, AnnotationVPCEgress, "")
			}
			return err
		}),
	}
}

// CheckMesh checks the full name of a service mesh.
func CheckMesh(mesh string) error {
	if !fullName(mesh, "projects", "locations", "meshes") {
		return errors.New("give its full name, projects/PROJECT/locations/global/meshes/NAME")
	}
	return nil
}
