package runflags

import (
	"fmt"
	"strings"

	"github.com/cloudrun-go/cloudrun"
)

// networkFlags are about how the Service is reached, and databases.
func networkFlags() []*flag {
	return []*flag{
		{name: "ingress", usage: "from where the service can be reached: `all`, internal or internal-and-cloud-load-balancing",
			service: oneChoice(cloudrun.WithIngress, "all", "internal", "internal-and-cloud-load-balancing")},
		{name: "default-url", takes: takesSwitch, stage: beta, usage: "the service has its run.app URL", service: onOff(cloudrun.WithDefaultURL)},
		{name: "mesh", stage: beta, usage: "`name` of a service mesh; empty for none", service: mesh},
		{name: "add-cloudsql-instances", usage: "`list` of Cloud SQL instances, by name or PROJECT:REGION:NAME, to connect to", service: cloudSQL(cloudrun.WithCloudSQL)},
		{name: "remove-cloudsql-instances", usage: "`list` of Cloud SQL instances to disconnect from", service: cloudSQL(cloudrun.WithoutCloudSQL)},
		{name: "set-cloudsql-instances", usage: "`list` of Cloud SQL instances to connect to, in place of all others", service: cloudSQL(cloudrun.SetCloudSQL)},
		{name: "clear-cloudsql-instances", takes: takesNone, usage: "disconnect from all Cloud SQL instances", service: always(cloudrun.ClearCloudSQL)},
		{name: "add-custom-audiences", usage: "`list` of audiences that ID tokens may have too", service: items(cloudrun.WithCustomAudiences)},
		{name: "remove-custom-audiences", usage: "`list` of audiences to remove", service: items(cloudrun.WithoutCustomAudiences)},
		{name: "set-custom-audiences", usage: "`list` of audiences, in place of all others", service: items(cloudrun.SetCustomAudiences)},
		{name: "clear-custom-audiences", takes: takesNone, usage: "remove all audiences", service: always(cloudrun.ClearCustomAudiences)},
	}
}

func mesh(g given) ([]cloudrun.ServiceOption, error) {
	name := g.text("mesh")
	switch {
	case name == "":
		return []cloudrun.ServiceOption{cloudrun.WithoutMesh()}, nil
	case strings.Contains(name, "/"):
		return []cloudrun.ServiceOption{cloudrun.WithMesh(name)}, nil
	}
	return []cloudrun.ServiceOption{cloudrun.WithMesh("projects/" + g.project + "/locations/global/meshes/" + name)}, nil
}

// items makes an option of a list, of which only the last one given counts. It
// asks for a new Revision even if the list is empty.
func items(option func(...string) cloudrun.ServiceOption) func(given) ([]cloudrun.ServiceOption, error) {
	return func(g given) ([]cloudrun.ServiceOption, error) {
		list, err := splitList(g.text(g.name))
		return []cloudrun.ServiceOption{option(list...), restart()}, err
	}
}

// cloudSQL makes an option of a list of instances, which it gives their full names.
func cloudSQL(option func(...string) cloudrun.ServiceOption) func(given) ([]cloudrun.ServiceOption, error) {
	return func(g given) ([]cloudrun.ServiceOption, error) {
		list, err := splitList(g.text(g.name))
		for i, name := range list {
			switch parts := strings.Count(name, ":") + 1; {
			case parts == 1:
				list[i] = g.project + ":" + g.region + ":" + name
			case parts < 3:
				return nil, fmt.Errorf("malformed CloudSQL instance string: %s", name)
			}
		}
		return []cloudrun.ServiceOption{option(list...), restart()}, err
	}
}

// vpcFlags are about where the Service's own requests go.
func vpcFlags() []*flag {
	return []*flag{
		{name: "vpc-connector", usage: "`name` of a Serverless VPC Access connector", service: unlessEmpty(cloudrun.WithVPCConnector)},
		{name: "clear-vpc-connector", takes: takesNone, usage: "use no connector any more", service: always(cloudrun.WithoutVPCConnector)},
		{name: "vpc-egress", usage: "which traffic goes into the VPC network: `private-ranges-only` or all-traffic",
			service: oneChoice(cloudrun.WithVPCEgress, "all", "all-traffic", "private-ranges-only")},
		{name: "network", usage: "`name` of the VPC network that the service has direct access to", service: orEmpty(cloudrun.WithNetwork, cloudrun.WithoutNetwork)},
		{name: "subnet", usage: "`name` of the subnet that the service gets its addresses from", service: orEmpty(cloudrun.WithSubnet, cloudrun.WithoutSubnet)},
		{name: "network-tags", usage: "`list` of network tags, in place of all others", service: networkTags},
		{name: "clear-network-tags", takes: takesNone, usage: "remove all network tags", service: always(cloudrun.ClearNetworkTags)},
		{name: "clear-network", takes: takesNone, usage: "end the direct access to the VPC network", service: always(cloudrun.ClearNetwork)},
	}
}

func networkTags(g given) ([]cloudrun.ServiceOption, error) {
	tags, err := g.uniqueList(g.name)
	if err == nil && len(tags) == 0 {
		return []cloudrun.ServiceOption{cloudrun.ClearNetworkTags()}, nil
	}
	return []cloudrun.ServiceOption{cloudrun.WithNetworkTags(tags...)}, err
}
