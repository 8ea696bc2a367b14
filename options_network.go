package cloudrun

import (
	"fmt"
	"slices"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// WithIngress sets from where the Service can be reached: "all", the default,
// "internal" or "internal-and-cloud-load-balancing". It makes no new Revision.
// Flag: --ingress. Field: the annotation run.googleapis.com/ingress.
func WithIngress(ingress string) ServiceOption {
	err := oneOf(ingress, "all", "internal", "internal-and-cloud-load-balancing")
	return onService(annotateService(edits.Spell("WithIngress", ingress), annotationIngress, ingress, err))
}

// WithDefaultURL says whether the Service has its run.app URL, which is the
// default. It makes no new Revision. Flag: --[no-]default-url (beta).
// Field: the annotation run.googleapis.com/default-url-disabled, which says the opposite.
func WithDefaultURL(on bool) ServiceOption {
	return onService(annotateService(edits.Spell("WithDefaultURL", on), annotationDefaultURLDisabled, boolean(!on), nil))
}

// WithMesh has the Service take part in a service mesh, given by its full name:
// "projects/PROJECT/locations/global/meshes/NAME". Flag: --mesh (beta).
// Field: the template annotation run.googleapis.com/mesh.
func WithMesh(mesh string) ServiceOption {
	err := notEmpty("mesh", mesh)
	if !fullName(mesh, "projects", "locations", "meshes") {
		err = fmt.Errorf("give its full name, projects/PROJECT/locations/global/meshes/NAME")
	}
	return onService(annotateTemplate(edits.Spell("WithMesh", mesh), annotationMesh, mesh, err))
}

// WithoutMesh takes the Service out of its service mesh. Flag: --mesh= (beta).
// Field: the template annotation run.googleapis.com/mesh.
func WithoutMesh() ServiceOption {
	return onService(annotateTemplate("WithoutMesh()", annotationMesh, "", nil))
}

// WithVPCConnector has the Service send traffic into a VPC network through a
// Serverless VPC Access connector, given by its name or full name. To switch
// from direct VPC access, add [ClearNetwork]. Flag: --vpc-connector.
// Field: the template annotation run.googleapis.com/vpc-access-connector.
func WithVPCConnector(connector string) ServiceOption {
	return onService(annotateTemplate(edits.Spell("WithVPCConnector", connector), annotationVPCConnector, connector, notEmpty("connector", connector)))
}

// WithoutVPCConnector takes the Service off its connector. The egress setting
// goes too, unless [WithVPCEgress] sets it in the same call; an egress of
// "all-traffic" must be set anew, because without it that traffic would
// silently go to the internet. Flag: --clear-vpc-connector. Fields: the
// template annotations run.googleapis.com/vpc-access-connector and
// run.googleapis.com/vpc-access-egress.
func WithoutVPCConnector() ServiceOption {
	remove := annotateTemplate("WithoutVPCConnector()", annotationVPCConnector, "", nil)
	return onService(remove, dropEgress(remove.option, func(s *servingv1.Service) error {
		if egress := s.Spec.Template.Annotations[annotationVPCEgress]; egress == "all" || egress == "all-traffic" {
			return fmt.Errorf("the VPC egress is %q, and that traffic would go to the internet: "+
				"set what is wanted in the same call, such as WithVPCEgress(%q)", egress, "private-ranges-only")
		}
		return nil
	}))
}

// WithVPCEgress sets which traffic goes into the VPC network:
// "private-ranges-only", the default, or "all-traffic" ("all" is its older
// name). Flag: --vpc-egress. Field: the template annotation
// run.googleapis.com/vpc-access-egress.
func WithVPCEgress(egress string) ServiceOption {
	err := oneOf(egress, "all", "all-traffic", "private-ranges-only")
	return onService(annotateTemplate(edits.Spell("WithVPCEgress", egress), annotationVPCEgress, egress, err))
}

// WithNetwork has the Service send traffic directly into a VPC network. To
// switch from a connector, add [WithoutVPCConnector]. Subnet and tags stay.
// Flag: --network. Field: "network" in the template annotation
// run.googleapis.com/network-interfaces.
func WithNetwork(network string) ServiceOption {
	s := onInterface(edits.Spell("WithNetwork", network), thingNetwork, network, func(i map[string]any) { i["network"] = network })
	s.err = notEmpty("network", network)
	return onService(s)
}

// WithoutNetwork forgets which VPC network is accessed directly; the subnet
// decides then. See [ClearNetwork] to end the access. Flag: --network=.
// Field: "network" in the template annotation run.googleapis.com/network-interfaces.
func WithoutNetwork() ServiceOption { return forget("WithoutNetwork()", thingNetwork, "network") }

// WithSubnet sets the subnet from which the Service gets its addresses in the
// VPC network. Flag: --subnet. Field: "subnetwork" in the template annotation
// run.googleapis.com/network-interfaces.
func WithSubnet(subnet string) ServiceOption {
	s := onInterface(edits.Spell("WithSubnet", subnet), thingSubnet, subnet, func(i map[string]any) { i["subnetwork"] = subnet })
	s.err = notEmpty("subnet", subnet)
	return onService(s)
}

// WithoutSubnet has Cloud Run use the network's subnet of the same name.
// Flag: --subnet=. Field: "subnetwork" in the template annotation
// run.googleapis.com/network-interfaces.
func WithoutSubnet() ServiceOption { return forget("WithoutSubnet()", thingSubnet, "subnetwork") }

// WithNetworkTags sets the tags that firewall rules of the VPC network know the
// Service by. All of them are replaced. Flag: --network-tags. Field: "tags" in
// the template annotation run.googleapis.com/network-interfaces.
func WithNetworkTags(tags ...string) ServiceOption {
	tags = slices.Clone(tags)
	s := onInterface(edits.SpellList("WithNetworkTags", tags), thingNetworkTags, joined(tags), func(i map[string]any) { i["tags"] = tags })
	if len(tags) == 0 || slices.Contains(tags, "") {
		s.err = fmt.Errorf("name at least one tag, and none that is empty: ClearNetworkTags removes them")
	}
	return onService(s)
}

// ClearNetworkTags removes the network tags. Flag: --clear-network-tags.
// Field: "tags" in the template annotation run.googleapis.com/network-interfaces.
func ClearNetworkTags() ServiceOption {
	return forget("ClearNetworkTags()", thingNetworkTags, "tags")
}

// ClearNetwork ends direct access to a VPC network. The egress setting goes
// too, unless [WithVPCEgress] sets it in the same call. Flag: --clear-network.
// Fields: the template annotations run.googleapis.com/network-interfaces and
// run.googleapis.com/vpc-access-egress.
func ClearNetwork() ServiceOption {
	clearAll := annotateTemplate("ClearNetwork()", annotationNetworkInterfaces, "", nil)
	clearAll.claims = clearAll.claims.And(thingNetwork, "").And(thingSubnet, "").And(thingNetworkTags, "")
	return onService(clearAll, dropEgress(clearAll.option, nil))
}

const (
	thingNetwork     = "the VPC network"
	thingSubnet      = "the VPC subnet"
	thingNetworkTags = "the network tags"
)

// onInterface is a setting of the one network interface that a template has.
func onInterface(option, thing, value string, edit func(map[string]any)) setting {
	claims := edits.Decides(thing, value).And(templateAnnotationThing(annotationNetworkInterfaces), inParts)
	return setting{option: option, phase: edits.PhaseSet, claims: claims, service: func(s *servingv1.Service) error {
		template := &s.Spec.Template.ObjectMeta
		var all []map[string]any
		if err := readAnnotation(template, annotationNetworkInterfaces, &all); err != nil {
			return err
		}
		if len(all) == 0 || all[0] == nil {
			all = []map[string]any{{}}
		}
		edit(all[0])
		return writeAnnotation(template, annotationNetworkInterfaces, all, len(all[0]) == 0)
	}}
}

// forget removes one key of the network interface. With the last of them, the
// egress setting goes too.
func forget(option, thing, key string) ServiceOption {
	remove := onInterface(option, thing, "", func(i map[string]any) { delete(i, key) })
	orphan := dropEgress(option, nil)
	drop := orphan.service
	orphan.phase = edits.PhaseDerive
	orphan.service = func(s *servingv1.Service) error {
		annotations := s.Spec.Template.Annotations
		if annotations[annotationNetworkInterfaces] != "" || annotations[annotationVPCConnector] != "" {
			return nil
		}
		return drop(s)
	}
	return onService(remove, orphan)
}

// dropEgress is a setting that removes the egress setting where the call does
// not set it. gcloud removes it even then, and so loses what was asked for.
func dropEgress(option string, check func(*servingv1.Service) error) setting {
	return setting{
		option: option, phase: edits.PhaseRemove, unless: templateAnnotationThing(annotationVPCEgress),
		service: func(s *servingv1.Service) error {
			if check != nil {
				if err := check(s); err != nil {
					return err
				}
			}
			setAnnotation(&s.Spec.Template.ObjectMeta, annotationVPCEgress, "")
			return nil
		},
	}
}
