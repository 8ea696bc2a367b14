package cloudrun

import (
	"slices"
	"strconv"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

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
