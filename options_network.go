package cloudrun

import (
	"errors"
	"slices"
	"strconv"
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

// WithServiceAccount sets the service account that the Service runs as, by its
// e-mail address. The default is the project's compute account.
// Flag: --service-account. Field: serviceAccountName of the template.
func WithServiceAccount(account string) WorkloadOption {
	return onWorkload(spec.ServiceAccount(edits.Spell("WithServiceAccount", account), account))
}

// WithInvokerIAMCheck sets whether callers need the permission
// run.routes.invoke, which is the default. Without the check the Service is open
// to everyone its ingress setting lets in. It makes no new Revision.
// Flag: --[no-]invoker-iam-check. Field: the annotation
// run.googleapis.com/invoker-iam-disabled, which has the opposite value.
func WithInvokerIAMCheck(on bool) ServiceOption {
	return onService(spec.AnnotateResource(edits.Spell("WithInvokerIAMCheck", on), spec.AnnotationInvokerDisabled, spec.Bool(!on), nil))
}

// WithIAP sets whether requests must pass Identity-Aware Proxy. It makes no new
// Revision. When IAP is switched on, [Deployer.Deploy] also allows the proxy's
// own account to invoke the Service. Flag: --[no-]iap (beta). Field: the
// annotation run.googleapis.com/iap-enabled, which is "true" or absent, and a
// member of roles/run.invoker of the IAM policy.
func WithIAP(on bool) ServiceOption {
	option, value := edits.Spell("WithIAP", on), spec.OnlyTrue(on)
	return onService(spec.AnnotateResource(option, spec.AnnotationIAP, value, nil),
		edits.Configures(option, "the access of Identity-Aware Proxy", value, nil, func(c *deployConfig) { c.iap = on }))
}

// WithBinaryAuthorization makes a policy of Binary Authorization check images:
// "default" or the name of one. It makes no new Revision.
// Flag: --binary-authorization. Field: the annotation
// run.googleapis.com/binary-authorization.
func WithBinaryAuthorization(policy string) WorkloadOption {
	option := edits.Spell("WithBinaryAuthorization", policy)
	return onWorkload(spec.AnnotateResource(option, spec.AnnotationBinaryAuthorization, policy, edits.NotEmpty("policy", policy)))
}

// WithoutBinaryAuthorization ends the checks of images. It makes no new
// Revision. Flag: --clear-binary-authorization. Field: the annotation
// run.googleapis.com/binary-authorization.
func WithoutBinaryAuthorization() WorkloadOption {
	return onWorkload(spec.AnnotateResource("WithoutBinaryAuthorization()", spec.AnnotationBinaryAuthorization, "", nil))
}

// WithBreakglass deploys an image that Binary Authorization would refuse, with
// the justification for it. It is for one deployment: the next write removes it.
// Flag: --breakglass. Field: the annotation
// run.googleapis.com/binary-authorization-breakglass.
func WithBreakglass(justification string) WorkloadOption {
	option := edits.Spell("WithBreakglass", justification)
	return onWorkload(spec.AnnotateResource(option, spec.AnnotationBreakglass, justification, edits.NotEmpty("justification", justification)))
}

// WithEncryptionKey encrypts the image with a key of yours (CMEK):
// "projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY". Flag: --key.
// Field: the template annotation run.googleapis.com/encryption-key.
func WithEncryptionKey(key string) WorkloadOption {
	return onWorkload(spec.AnnotateTemplate(edits.Spell("WithEncryptionKey", key), spec.AnnotationEncryptionKey, key, spec.CheckKey(key)))
}

// WithoutEncryptionKey encrypts the image with Google's own key, and removes
// what happens when the key is revoked. Flag: --clear-key.
// Fields: those of [WithEncryptionKey], [WithPostKeyRevocationAction] and
// [WithEncryptionKeyShutdownHours].
func WithoutEncryptionKey() WorkloadOption {
	return onWorkload(spec.ClearTemplate("WithoutEncryptionKey()", spec.AnnotationEncryptionKey, spec.AnnotationRevocationAction, spec.AnnotationShutdownHours)...)
}

// WithPostKeyRevocationAction sets what happens when the encryption key is
// revoked: "prevent-new" (no new instances) or "shut-down".
// Flag: --post-key-revocation-action-type. Field: the template annotation
// run.googleapis.com/post-key-revocation-action-type.
func WithPostKeyRevocationAction(action string) WorkloadOption {
	option, err := edits.Spell("WithPostKeyRevocationAction", action), edits.OneOf(action, "prevent-new", "shut-down")
	return onWorkload(spec.AnnotateTemplate(option, spec.AnnotationRevocationAction, action, err))
}

// WithoutPostKeyRevocationAction removes what happens when the encryption key
// is revoked, and when. Flag: --clear-post-key-revocation-action-type. Fields:
// those of [WithPostKeyRevocationAction] and [WithEncryptionKeyShutdownHours].
func WithoutPostKeyRevocationAction() WorkloadOption {
	return onWorkload(spec.ClearTemplate("WithoutPostKeyRevocationAction()", spec.AnnotationRevocationAction, spec.AnnotationShutdownHours)...)
}

// WithEncryptionKeyShutdownHours sets how many hours after the encryption key
// was revoked instances are shut down, at least 1.
// Flag: --encryption-key-shutdown-hours. Field: the template annotation
// run.googleapis.com/encryption-key-shutdown-hours.
func WithEncryptionKeyShutdownHours(hours int) WorkloadOption {
	option := edits.Spell("WithEncryptionKeyShutdownHours", hours)
	return onWorkload(spec.AnnotateTemplate(option, spec.AnnotationShutdownHours, strconv.Itoa(hours), edits.AtLeast(int64(hours), 1)))
}

// WithoutEncryptionKeyShutdownHours makes Cloud Run decide when instances are
// shut down after the encryption key was revoked.
// Flag: --clear-encryption-key-shutdown-hours. Field: the template annotation
// run.googleapis.com/encryption-key-shutdown-hours.
func WithoutEncryptionKeyShutdownHours() WorkloadOption {
	return onWorkload(spec.ClearTemplate("WithoutEncryptionKeyShutdownHours()", spec.AnnotationShutdownHours)...)
}

// WithCustomAudiences adds audiences that ID tokens for the Service may have
// beside its own URLs. Flag: --add-custom-audiences. Field: the annotation
// run.googleapis.com/custom-audiences. A change makes a new Revision, as with gcloud.
func WithCustomAudiences(audiences ...string) ServiceOption {
	return onService(spec.CustomAudiences().With(edits.SpellList("WithCustomAudiences", audiences), audiences)...)
}

// WithoutCustomAudiences removes audiences; see [WithCustomAudiences].
// Flag: --remove-custom-audiences. Field: the annotation
// run.googleapis.com/custom-audiences, which is removed when none is left.
func WithoutCustomAudiences(audiences ...string) ServiceOption {
	return onService(spec.CustomAudiences().Without(edits.SpellList("WithoutCustomAudiences", audiences), audiences)...)
}

// SetCustomAudiences replaces all audiences; see [WithCustomAudiences].
// Flag: --set-custom-audiences. Field: the annotation
// run.googleapis.com/custom-audiences.
func SetCustomAudiences(audiences ...string) ServiceOption {
	return onService(spec.CustomAudiences().Set(edits.SpellList("SetCustomAudiences", audiences), slices.Clone(audiences))...)
}

// ClearCustomAudiences removes all audiences; see [WithCustomAudiences].
// Flag: --clear-custom-audiences. Field: the annotation
// run.googleapis.com/custom-audiences, which is removed.
func ClearCustomAudiences() ServiceOption {
	return onService(spec.CustomAudiences().Set("ClearCustomAudiences()", nil)...)
}
