package runflags

import (
	"fmt"
	"strings"

	"github.com/cloudrun-go/cloudrun"
)

// networkFlags returns the flags about access to the Service, and to databases.
func networkFlags() []*flag {
	return []*flag{
		{name: "ingress", usage: "sources from which the service can be reached: all, internal or internal-and-cloud-load-balancing (default all)",
			service: oneChoice(cloudrun.WithIngress, "all", "internal", "internal-and-cloud-load-balancing")},
		{name: "default-url", takes: takesSwitch, stage: beta, usage: "serve on the run.app URL", service: onOff(cloudrun.WithDefaultURL)},
		{name: "mesh", stage: beta, usage: "name of a service mesh; empty for none", service: mesh},
		{name: "add-cloudsql-instances", metavar: "[CLOUDSQL-INSTANCES,...]", usage: "Cloud SQL instances, by name or PROJECT:REGION:NAME, to connect to", service: cloudSQL(cloudrun.WithCloudSQL)},
		{name: "remove-cloudsql-instances", metavar: "[CLOUDSQL-INSTANCES,...]", usage: "Cloud SQL instances to disconnect from", service: cloudSQL(cloudrun.WithoutCloudSQL)},
		{name: "set-cloudsql-instances", metavar: "[CLOUDSQL-INSTANCES,...]", usage: "Cloud SQL instances to connect to, replacing all others", service: cloudSQL(cloudrun.SetCloudSQL)},
		{name: "clear-cloudsql-instances", takes: takesNone, usage: "disconnect from all Cloud SQL instances", workload: always(cloudrun.ClearCloudSQL)},
		{name: "add-custom-audiences", metavar: "[CUSTOM-AUDIENCES,...]", usage: "additional audiences to accept in ID tokens", service: items(cloudrun.WithCustomAudiences)},
		{name: "remove-custom-audiences", metavar: "[CUSTOM-AUDIENCES,...]", usage: "audiences to remove", service: items(cloudrun.WithoutCustomAudiences)},
		{name: "set-custom-audiences", metavar: "[CUSTOM-AUDIENCES,...]", usage: "audiences to accept in ID tokens, replacing all others", service: items(cloudrun.SetCustomAudiences)},
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

// items makes an option from a list; the last one given counts. Even an empty
// list makes a new Revision.
func items(option func(...string) cloudrun.ServiceOption) func(given) ([]cloudrun.ServiceOption, error) {
	return func(g given) ([]cloudrun.ServiceOption, error) {
		list, err := splitList(g.text(g.name))
		return []cloudrun.ServiceOption{option(list...), restart()}, err
	}
}

// cloudSQL makes an option from a list of instances and completes their names.
func cloudSQL[O cloudrun.ServiceOption](option func(...string) O) func(given) ([]cloudrun.ServiceOption, error) {
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

// vpcFlags returns the flags about the Service's own requests.
func vpcFlags() []*flag {
	return []*flag{
		{name: "vpc-connector", usage: "name of a Serverless VPC Access connector", workload: unlessEmpty(cloudrun.WithVPCConnector)},
		{name: "clear-vpc-connector", takes: takesNone, usage: "stop using a connector", workload: always(cloudrun.WithoutVPCConnector)},
		{name: "vpc-egress", usage: "traffic to send through the VPC network: private-ranges-only or all-traffic (default private-ranges-only)",
			workload: oneChoice(cloudrun.WithVPCEgress, "all", "all-traffic", "private-ranges-only")},
		{name: "network", usage: "name of the VPC network for direct access", workload: orEmpty(cloudrun.WithNetwork, cloudrun.WithoutNetwork)},
		{name: "subnet", usage: "name of the subnet for the addresses of instances", workload: orEmpty(cloudrun.WithSubnet, cloudrun.WithoutSubnet)},
		{name: "network-tags", metavar: "[TAG,...]", usage: "network tags, replacing all others", service: networkTags},
		{name: "clear-network-tags", takes: takesNone, usage: "remove all network tags", workload: always(cloudrun.ClearNetworkTags)},
		{name: "clear-network", takes: takesNone, usage: "remove the direct access to the VPC network", workload: always(cloudrun.ClearNetwork)},
	}
}

func networkTags(g given) ([]cloudrun.ServiceOption, error) {
	tags, err := g.uniqueList(g.name)
	if err == nil && len(tags) == 0 {
		return []cloudrun.ServiceOption{cloudrun.ClearNetworkTags()}, nil
	}
	return []cloudrun.ServiceOption{cloudrun.SetNetworkTags(tags...)}, err
}
