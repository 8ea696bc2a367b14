package cloudrun

import (
	"errors"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// WithIngress sets where the Service can be reached from: "all", the default,
// "internal" or "internal-and-cloud-load-balancing". It makes no new Revision.
// Flag: --ingress. Field: the annotation run.googleapis.com/ingress. On a
// cluster it is the label networking.knative.dev/visibility, and only "all" and
// "internal" are possible.
func WithIngress(ingress string) ServiceOption {
	return onService(spec.Ingress(edits.Spell("WithIngress", ingress), ingress))
}

// WithDefaultURL sets whether the Service has its run.app URL, which is the
// default. It makes no new Revision. Flag: --[no-]default-url (beta).
// Field: the annotation run.googleapis.com/default-url-disabled, which has the
// opposite value.
func WithDefaultURL(on bool) ServiceOption {
	return onService(spec.AnnotateResource(edits.Spell("WithDefaultURL", on), spec.AnnotationDefaultURLDisabled, spec.Bool(!on), nil))
}

// WithMesh makes the Service part of a service mesh, given by its full name:
// "projects/PROJECT/locations/global/meshes/NAME". Flag: --mesh (beta).
// Field: the template annotation run.googleapis.com/mesh.
func WithMesh(mesh string) ServiceOption {
	return onService(spec.AnnotateTemplate(edits.Spell("WithMesh", mesh), spec.AnnotationMesh, mesh, spec.CheckMesh(mesh)))
}

// WithoutMesh removes the Service from its service mesh. Flag: --mesh= (beta).
// Field: the template annotation run.googleapis.com/mesh.
func WithoutMesh() ServiceOption {
	return onService(spec.AnnotateTemplate("WithoutMesh()", spec.AnnotationMesh, "", nil))
}

// WithVPCConnector sends outgoing traffic into a VPC network through a
// Serverless VPC Access connector, given by its name or full name. To switch
// from direct VPC access, add [ClearNetwork]. Flag: --vpc-connector.
// Field: the template annotation run.googleapis.com/vpc-access-connector.
func WithVPCConnector(connector string) WorkloadOption {
	option := edits.Spell("WithVPCConnector", connector)
	return onWorkload(spec.AnnotateTemplate(option, spec.AnnotationVPCConnector, connector, edits.NotEmpty("connector", connector)))
}

// WithoutVPCConnector removes the connector. The egress setting is removed too,
// unless [WithVPCEgress] sets it in the same call. An egress of "all-traffic"
// must be set in the same call, because otherwise that traffic would silently go
// to the internet. Flag: --clear-vpc-connector. Fields: the template annotations
// run.googleapis.com/vpc-access-connector and run.googleapis.com/vpc-access-egress.
func WithoutVPCConnector() WorkloadOption {
	return onWorkload(spec.WithoutConnector("WithoutVPCConnector()")...)
}

// WithVPCEgress sets which outgoing traffic goes into the VPC network:
// "private-ranges-only", the default, or "all-traffic" ("all" is its older
// name). Flag: --vpc-egress. Field: the template annotation
// run.googleapis.com/vpc-access-egress.
func WithVPCEgress(egress string) WorkloadOption {
	err := edits.OneOf(egress, "all", "all-traffic", "private-ranges-only")
	return onWorkload(spec.AnnotateTemplate(edits.Spell("WithVPCEgress", egress), spec.AnnotationVPCEgress, egress, err))
}

// WithNetwork sends outgoing traffic directly into a VPC network. To switch from
// a connector, add [WithoutVPCConnector]. Subnet and tags do not change.
// Flag: --network. Field: "network" in the template annotation
// run.googleapis.com/network-interfaces.
func WithNetwork(network string) WorkloadOption {
	return onWorkload(spec.Network(edits.Spell("WithNetwork", network), network))
}

// WithoutNetwork removes the name of the VPC network that is accessed directly,
// so that the subnet decides. See [ClearNetwork] to end the access.
// Flag: --network=. Field: "network" in the template annotation
// run.googleapis.com/network-interfaces.
func WithoutNetwork() WorkloadOption { return onWorkload(spec.WithoutNetwork("WithoutNetwork()")...) }

// WithSubnet sets the subnet of the VPC network that instances get their
// addresses from. Flag: --subnet. Field: "subnetwork" in the template annotation
// run.googleapis.com/network-interfaces.
func WithSubnet(subnet string) WorkloadOption {
	return onWorkload(spec.Subnet(edits.Spell("WithSubnet", subnet), subnet))
}

// WithoutSubnet makes Cloud Run use the network's subnet of the same name.
// Flag: --subnet=. Field: "subnetwork" in the template annotation
// run.googleapis.com/network-interfaces.
func WithoutSubnet() WorkloadOption { return onWorkload(spec.WithoutSubnet("WithoutSubnet()")...) }

// SetNetworkTags replaces the tags by which firewall rules of the VPC network
// match the traffic. Flag: --network-tags. Field: "tags" in the template
// annotation run.googleapis.com/network-interfaces.
func SetNetworkTags(tags ...string) WorkloadOption {
	return onWorkload(spec.NetworkTags(edits.SpellList("SetNetworkTags", tags), slices.Clone(tags)))
}

// ClearNetworkTags removes the network tags. Flag: --clear-network-tags.
// Field: "tags" in the template annotation run.googleapis.com/network-interfaces.
func ClearNetworkTags() WorkloadOption {
	return onWorkload(spec.ClearNetworkTags("ClearNetworkTags()")...)
}

// ClearNetwork ends direct access to a VPC network. The egress setting is
// removed too, unless [WithVPCEgress] sets it in the same call.
// Flag: --clear-network. Fields: the template annotations
// run.googleapis.com/network-interfaces and run.googleapis.com/vpc-access-egress.
func ClearNetwork() WorkloadOption { return onWorkload(spec.ClearNetwork("ClearNetwork()")...) }

// WithCloudSQL adds connections to Cloud SQL instances, given by their
// connection names, "PROJECT:REGION:INSTANCE". Existing connections are kept.
// Flag: --add-cloudsql-instances. Field: the template annotation
// run.googleapis.com/cloudsql-instances.
func WithCloudSQL(instances ...string) WorkloadOption {
	return onWorkload(spec.CloudSQL().With(edits.SpellList("WithCloudSQL", instances), instances)...)
}

// WithoutCloudSQL removes connections to Cloud SQL instances.
// Flag: --remove-cloudsql-instances. Field: the template annotation
// run.googleapis.com/cloudsql-instances, which is empty when none is left.
func WithoutCloudSQL(instances ...string) WorkloadOption {
	return onWorkload(spec.CloudSQL().Without(edits.SpellList("WithoutCloudSQL", instances), instances)...)
}

// SetCloudSQL replaces all connections to Cloud SQL instances; see
// [WithCloudSQL]. Flag: --set-cloudsql-instances. Field: the template annotation
// run.googleapis.com/cloudsql-instances.
func SetCloudSQL(instances ...string) WorkloadOption {
	return onWorkload(spec.CloudSQL().Set(edits.SpellList("SetCloudSQL", instances), slices.Clone(instances))...)
}

// ClearCloudSQL removes all connections to Cloud SQL instances.
// Flag: --clear-cloudsql-instances. Field: the template annotation
// run.googleapis.com/cloudsql-instances, which becomes empty.
func ClearCloudSQL() WorkloadOption {
	return onWorkload(spec.CloudSQL().Set("ClearCloudSQL()", nil)...)
}

// SetRegions replaces the regions of a multi-region Service. It makes no new
// Revision. Flag: --regions (beta). Field: the annotation run.googleapis.com/regions.
func SetRegions(regions ...string) ServiceOption {
	option := edits.SpellList("SetRegions", regions)
	return onService(spec.AnnotateResource(option, spec.AnnotationRegions, strings.Join(regions, ","), checkRegions(regions)))
}

func checkRegions(regions []string) error {
	if len(regions) == 0 {
		return errors.New("name at least one region")
	}
	problems := make([]error, len(regions))
	for i, region := range regions {
		problems[i] = names.Region(region)
	}
	return errors.Join(problems...)
}
